"""Where to: asks for the path of a new recording; nothing that exists is ever overwritten."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from screens.keymap import SAVE
from screens.widgets.plain_text import PlainText

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

_SUFFIX = ".tar.gz"
_ABOUT = (
    "Everything is read once more and written there. Keys, tokens, cookies and passwords are "
    "hidden before anything reaches the disk; names and addresses stay."
)


class SaveWindow(ModalScreen[Path | None]):
    """A path to type; closes with it, or with nothing."""

    BINDINGS: ClassVar[list[BindingType]] = list(SAVE)
    CSS_PATH = "window.tcss"

    def __init__(self, name: str) -> None:
        """Ask for a path; ``name`` is what stands there already."""
        super().__init__()
        self._name = name

    def compose(self) -> ComposeResult:
        """The path, and beneath it what is wrong with it."""
        with Vertical(classes="dialog") as window:
            window.border_title = "Record this mesh"
            window.border_subtitle = "enter records · esc cancels"
            yield PlainText(_ABOUT)
            yield PlainText("\nA .tar.gz, or a folder; relative to where meshdoctor was started:")
            yield Input(self._name, compact=True, select_on_focus=False, id="path")
            yield PlainText("", id="complaint")

    @on(Input.Submitted)
    def _taken(self, event: Input.Submitted) -> None:
        event.stop()
        path = Path(event.value.strip()).expanduser()
        complaint = complaint_about(path, event.value)
        if not complaint:
            self.dismiss(path)
            return
        if path.name and is_taken(path):
            event.input.value = str(free_path(path))
            event.input.cursor_position = len(event.input.value)
        self.query_one("#complaint", PlainText).say((complaint, "bold $warning"))

    def action_cancel(self) -> None:
        """Close without a path."""
        self.dismiss(None)


def is_taken(path: Path) -> bool:
    """Whether something stands there already."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def complaint_about(path: Path, typed: str) -> str:
    """Why a path will not do; empty when it will."""
    if not typed.strip():
        return "! A path is needed."
    if is_taken(path):
        return f"! {path} exists and is not overwritten. Enter takes the name above."
    try:
        if not path.parent.is_dir():
            return f"! There is no folder {path.parent}."
    except (OSError, ValueError) as error:
        return f"! {error}"
    return ""


def free_path(path: Path) -> Path:
    """The same path with the first number at its end that makes it a new one."""
    stem, suffix = path.name, ""
    if stem.endswith(_SUFFIX):
        stem, suffix = stem.removesuffix(_SUFFIX), _SUFFIX
    elif path.suffix:
        stem, suffix = path.stem, path.suffix
    number = 2
    while is_taken(candidate := path.with_name(f"{stem}-{number}{suffix}")):
        number += 1
    return candidate
