"""Compare with what: a path to type or to choose; reading it is told here, and so is why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input

from screens.keymap import COMPARE_WINDOW
from screens.other import Other
from screens.widgets.columns import shortened
from screens.widgets.plain_text import PlainText, one_line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    Listing = Callable[[str], Awaitable[Sequence[str]]]
    """The paths that begin as the one given does."""

_ABOUT = (
    "A recording, or another tool's archive: a file or a folder. The older of the two counts as "
    "what was before."
)
_READS, _CLOSES = "enter reads it · ↑ ↓ offered · esc closes", "esc stops"
_MOST_SHOWN = 6
_WIDEST = 44


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be compared with."""

    typed: str
    what: str


class PathWanted(Message):
    """A person wants to compare with this."""

    def __init__(self, window: CompareWindow, typed: str) -> None:
        """Carry the window that asks, and what was typed."""
        self.window = window
        self.typed = typed
        super().__init__()


class ReadingUnwanted(Message):
    """A person will not wait any longer."""


class PathSuggester(Suggester):
    """Completes a path by what is there."""

    def __init__(self, listing: Listing) -> None:
        """Ask for paths that way: never in the app's own thread."""
        super().__init__(use_cache=False, case_sensitive=True)
        self._listing = listing

    async def get_suggestion(self, value: str) -> str | None:
        """The first path that begins so."""
        found = await self._listing(value)
        return next((path for path in found if path != value), None)


class CompareWindow(ModalScreen[Other | None]):
    """A path; closes with what was read, or with nothing."""

    BINDINGS: ClassVar[list[BindingType]] = list(COMPARE_WINDOW)
    CSS_PATH = "window.tcss"

    def __init__(self, listing: Listing) -> None:
        """Ask for a path, completed by a listing."""
        super().__init__()
        self._listing = listing
        self._offers: tuple[Offer, ...] = ()
        self._is_reading = False

    def compose(self) -> ComposeResult:
        """The path, what is offered, and beneath it what is wrong or how far reading is."""
        with Vertical(classes="dialog") as window:
            window.border_title = "What changed: compare with"
            window.border_subtitle = _READS
            yield PlainText(_ABOUT)
            yield Input(
                compact=True,
                select_on_focus=False,
                id="path",
                suggester=PathSuggester(self._listing),
            )
            yield PlainText("", id="offers")
            yield PlainText("", id="complaint")

    @property
    def _field(self) -> Input:
        return self.query_one(Input)

    def offer(self, offers: Sequence[Offer]) -> None:
        """Offer what was found; the first stands in the field unless something was typed."""
        self._offers = tuple(offers)
        # They may be known before the window is drawn, or after it was closed.
        if self.is_mounted and self.is_attached:
            self._show_first()

    def on_mount(self) -> None:
        """Show what is offered, as far as that is known."""
        if self._offers:
            self._show_first()

    def _show_first(self) -> None:
        if self._offers and not self._field.value:
            self._write(self._offers[0].typed)
        self._show_offers()

    def _show_offers(self) -> None:
        chosen = self._number()
        start = max(0, min((chosen or 0) - _MOST_SHOWN + 2, len(self._offers) - _MOST_SHOWN))
        shown = self._offers[start : start + _MOST_SHOWN]
        pieces = [("\nOffered:" if shown else "\nNothing is offered here.", "$md-muted")]
        for number, offer in enumerate(shown, start):
            sign = ">" if number == chosen else " "
            style = "bold" if number == chosen else ""
            pieces.append(
                (f"\n{sign} {shortened(one_line(offer.typed), _WIDEST, 'middle')}", style)
            )
            pieces.append((f"  {offer.what}", "$md-muted"))
        more = len(self._offers) - start - len(shown)
        if more > 0:
            pieces.append((f"\n  and {more} more", "$md-muted"))
        self.query_one("#offers", PlainText).say(*pieces)

    def _number(self) -> int | None:
        typed = [offer.typed for offer in self._offers]
        return typed.index(self._field.value) if self._field.value in typed else None

    def _write(self, typed: str) -> None:
        self._field.value = typed
        self._field.cursor_position = len(typed)

    @on(Input.Changed)
    def _typed(self) -> None:
        self._show_offers()

    @on(Input.Submitted)
    def _taken(self, event: Input.Submitted) -> None:
        event.stop()
        if self._is_reading:
            return
        if not event.value.strip():
            self.complain("A path is needed.")
            return
        self._reads(True)
        self.tell("Reading…")
        self.app.post_message(PathWanted(self, event.value.strip()))

    def _reads(self, reading: bool) -> None:
        self._is_reading = reading
        self._field.disabled = reading
        self.query_one(".dialog").border_subtitle = _CLOSES if reading else _READS
        if not reading:
            self._field.focus()

    def tell(self, line: str) -> None:
        """Say how far reading has come."""
        self.query_one("#complaint", PlainText).say((f"\n{line}", "bold"))

    def complain(self, reason: str) -> None:
        """Say why it will not do; another path can be typed."""
        self._reads(False)
        self.query_one("#complaint", PlainText).say((f"\n! {one_line(reason)}", "bold $warning"))

    def action_offer(self, step: int) -> None:
        """Take the next that is offered, or the one before."""
        if not self._offers or self._is_reading:
            return
        number = self._number()
        wanted = (0 if step > 0 else -1) if number is None else number + step
        self._write(self._offers[wanted % len(self._offers)].typed)

    def action_cancel(self) -> None:
        """Stop reading; else close."""
        if self._is_reading:
            self.app.post_message(ReadingUnwanted())
        else:
            self.dismiss(None)
