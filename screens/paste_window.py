"""A pasted line: what it says, what its fields mean, and where to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input

from screens.keymap import PASTE
from screens.widgets.plain_text import PlainText

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from meshdoctor.views.pasted_line import PastedLine

_ABOUT = (
    "Paste a line: of a proxy's access log, of istiod, ztunnel or the agent, an event of a pod, "
    "or what curl or kubectl said."
)


class PasteWindow(ModalScreen["PastedLine | None"]):
    """A line to paste; closes with what it says, or with nothing."""

    BINDINGS: ClassVar[list[BindingType]] = list(PASTE)
    CSS_PATH = "window.tcss"
    _explained = ""
    _found: PastedLine | None = None

    def compose(self) -> ComposeResult:
        """The line, and beneath it what it says."""
        with Vertical(classes="dialog") as window:
            window.border_title = "Paste a line"
            window.border_subtitle = "enter explains, again goes on from there · esc closes"
            yield PlainText(_ABOUT)
            yield Input(compact=True, select_on_focus=False, id="line")
            with VerticalScroll(id="said", can_focus=False):
                yield PlainText("", id="explanation")

    @on(Input.Submitted)
    def _taken(self, event: Input.Submitted) -> None:
        from meshdoctor.views.pasted_line import explain_pasted

        event.stop()
        text = event.value.strip()
        if text and text == self._explained:
            self.dismiss(self._found)
            return
        self._explained = text
        self._found = explain_pasted(text) if text else None
        self.query_one("#explanation", PlainText).say(*_pieces(self._found))
        self.query_one("#said").scroll_home(animate=False)

    def action_cancel(self) -> None:
        """Close without a line."""
        self.dismiss(None)


def _pieces(found: PastedLine | None) -> list[tuple[str, str]]:
    """What a line says, and what enter does next."""
    if found is None:
        return [("! There is no line to explain.", "bold $warning")]
    where = f"to the playbook {found.playbook}" if found.playbook else "to the whole diagnosis"
    pieces = [
        (f"{found.source}\n", "$md-muted"),
        (found.meaning.strip(), "bold"),
        (f"\n{found.what_to_do.strip()}", ""),
        (f"\n\nenter goes {where}\n", "$primary"),
    ]
    pieces += [
        (f"\n{item.name}: {item.value} ({item.meaning})", "$md-muted") for item in found.fields
    ]
    return pieces
