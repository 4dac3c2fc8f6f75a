"""Where a report goes and as what: the file's ending is its format, as on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from meshdoctor.report.formats import Format, format_of
from screens.keymap import REPORT_WINDOW
from screens.save_window import complaint_about, free_path, is_taken
from screens.widgets.plain_text import PlainText

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

_ABOUT = (
    "Verdict, evidence, fix and undo, what was ruled out, what could not be read. Secrets were "
    "hidden when the mesh was read; names and addresses stay unless they are masked."
)

_MASKED_NAME = "meshdoctor-masked"
"""Offered for a masked report: the mesh's name stands in the other."""


@dataclass(frozen=True, slots=True)
class ReportWish:
    """The report that a person wants."""

    path: Path
    format: Format
    masked: bool

    @property
    def map_path(self) -> Path:
        """Where the pseudonyms of a masked report are kept: beside it, for its owner alone."""
        return self.path.with_name(f"{self.path.name}.map.json")


class ReportWindow(ModalScreen[ReportWish | None]):
    """A path to type, a format and a mask to choose; closes with them, or with nothing."""

    BINDINGS: ClassVar[list[BindingType]] = list(REPORT_WINDOW)
    CSS_PATH = "window.tcss"

    def __init__(self, name: str) -> None:
        """Ask for a path; ``name`` is what stands there already, without an ending."""
        super().__init__()
        self._name = name
        self._masked = False

    def compose(self) -> ComposeResult:
        """The path, what it will be, and beneath it what is wrong with it."""
        with Vertical(classes="dialog") as window:
            window.border_title = "Write a report"
            window.border_subtitle = "enter writes · ↑ ↓ format · f2 masks names · esc cancels"
            yield PlainText(_ABOUT)
            yield PlainText("\nRelative to where meshdoctor was started:")
            yield Input(
                f"{self._name}{Format.MARKDOWN.suffix}",
                compact=True,
                select_on_focus=False,
                id="path",
            )
            yield PlainText("", id="chosen")
            yield PlainText("", id="complaint")

    def on_mount(self) -> None:
        """Say what is chosen."""
        self._say_chosen()

    @property
    def _path(self) -> Path:
        return Path(self.query_one(Input).value.strip()).expanduser()

    @on(Input.Changed)
    def _typed(self) -> None:
        self._say_chosen()

    def _say_chosen(self) -> None:
        chosen = format_of(self._path)
        endings = " ".join(each.suffix for each in Format)
        what = chosen.value if chosen else f"none ends so: {endings}"
        names = "masked, the map beside it" if self._masked else "as they are"
        self.query_one("#chosen", PlainText).say((f"Format: {what}\nNames: {names}", "bold"))

    @on(Input.Submitted)
    def _taken(self, event: Input.Submitted) -> None:
        event.stop()
        path, chosen = self._path, format_of(self._path)
        complaint = complaint_about(path, event.value)
        if not complaint and chosen is None:
            complaint = "! The name must end as a format does."
        if not complaint and chosen is not None:
            self.dismiss(ReportWish(path, chosen, self._masked))
            return
        if path.name and is_taken(path):
            self._write(free_path(path))
        self.query_one("#complaint", PlainText).say((complaint, "bold $warning"))

    def _write(self, path: Path) -> None:
        field = self.query_one(Input)
        field.value = str(path)
        field.cursor_position = len(field.value)

    def action_format(self, step: int) -> None:
        """Give the path the ending of the next format, or of the one before."""
        formats, chosen = list(Format), format_of(self._path)
        number = formats.index(chosen) + step if chosen else 0
        suffix = formats[number % len(formats)].suffix
        path = self._path
        if path.name:
            self._write(path.with_suffix(suffix) if chosen else path.with_name(path.name + suffix))

    def action_mask(self) -> None:
        """Mask names and addresses, or leave them; a file's name that was offered, too."""
        self._masked = not self._masked
        path = self._path
        offered = (self._name, _MASKED_NAME)
        if path.stem == offered[not self._masked]:
            self._write(path.with_name(f"{offered[self._masked]}{path.suffix}"))
        self._say_chosen()

    def action_cancel(self) -> None:
        """Close without a report."""
        self.dismiss(None)
