"""The editor: one object's YAML edited in place, or new objects that are written or pasted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work

from screens.ask_window import AskWindow
from screens.drill_desk import UNCHANGED
from screens.keymap import EDITOR
from screens.mesh_screen import MeshScreen
from screens.widgets.plain_text import PlainText, one_line
from screens.yaml_area import YamlArea

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.binding import BindingType
    from textual.widget import Widget

    from meshdoctor.drill.edits import Edit
    from meshdoctor.drill.targets import Target
    from meshdoctor.serve.cluster import Cluster
    from screens.drill_desk import Desk

_FORGOTTEN = "Leave the editor? What was written here is not applied and is lost."
_LINE = "line "


class DrillEditorScreen(MeshScreen):
    """YAML to edit; it stays until the cluster takes it, or until it is given up."""

    CRUMB = "new"
    HAS_NAMESPACES = False
    AUTO_FOCUS = "YamlArea"
    CSS_PATH = "drill.tcss"
    HELP: ClassVar[str] = (
        "ctrl+s applies what stands here, as kubectl edit and kubectl apply do: what the API "
        "server would refuse is refused, and nothing is lost. ctrl+z and ctrl+y undo and redo "
        "typing, tab indents, esc leaves. Status and what the server alone writes are not shown: "
        "y on the object shows them."
    )
    BINDINGS: ClassVar[list[BindingType]] = list(EDITOR)

    def __init__(self, desk: Desk, target: Target | None = None, text: str = "") -> None:
        """Edit an object, or write new ones.

        Args:
            desk: where it is applied.
            target: the object; None for new ones.
            text: its YAML.
        """
        super().__init__(desk.state)
        self._desk = desk
        self._target = target
        self._text = text

    @property
    def crumb(self) -> str:
        """The object's name."""
        return str(self._target or self.CRUMB)

    @property
    def area(self) -> YamlArea:
        """The text."""
        return self.query_one(YamlArea)

    def body(self) -> Iterable[Widget]:
        """The text, and beneath it why it was refused."""
        area = YamlArea(self._text, id="yaml")
        title = str(self._target) if self._target else "New objects: write or paste their YAML"
        area.border_title = one_line(title).replace("[", "\\[")
        area.border_subtitle = "ctrl+s applies · esc leaves"
        yield area
        yield PlainText("", id="said")

    def show_waiting(self, line: str) -> None:
        """There is nothing to wait for."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Letters are typed here: only the editor's own keys, and those of the app."""
        if action in ("filter", "faults", "raw", "copy", "wide"):
            return False
        return super().check_action(action, parameters)

    def holds_back(self) -> bool:
        """Ask before something that was written is lost."""
        if self.area.text == self._text:
            return False
        window = AskWindow("Editor", _FORGOTTEN, yes="leaves", no="stays")
        self.app.push_screen(window, self._leave_if)
        return True

    def _leave_if(self, wanted: bool | None) -> None:
        if wanted:
            self.dismiss(None)

    def action_close(self) -> None:
        """Back to the objects."""
        if not self.holds_back():
            self.dismiss(None)

    @work(exit_on_error=False, group="write", description="apply")
    async def action_apply(self) -> None:
        """Write what stands here."""
        text = self.area.text
        said = self.query_one("#said", PlainText)
        if self._target is not None and text == self._text:
            said.say((f"– {UNCHANGED}", "$md-muted"))
            return
        said.say("… applying: the controllers are at work")
        name = str(self._target) if self._target else "new objects"
        why = await self._desk.write("applying", name, partial(self._edits, text))
        if why:
            said.say((f"✗ {why}", "bold $error"))
            self._go_to_fault(why)
            return
        self.notify(f"{name}: applied. U takes it back.", timeout=3, markup=False)
        self.dismiss(None)

    def _edits(self, text: str, cluster: Cluster) -> Iterable[Edit]:
        """In a thread."""
        from meshdoctor.drill.pasting import edited, pasted

        return pasted(cluster, text) if self._target is None else (edited(self._target, text),)

    def _go_to_fault(self, why: str) -> None:
        """The cursor goes to the line that is to blame, where one is named."""
        number = why.removeprefix(_LINE).partition(",")[0]
        if why.startswith(_LINE) and number.isdecimal():
            row = min(int(number) - 1, self.area.document.line_count - 1)
            self.area.move_cursor((row, 0), center=True)

    def raw_of(self, value: Any) -> Any:
        """Nothing is chosen here."""
        return None
