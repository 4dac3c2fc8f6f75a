"""What a candidate does with the objects of a drill: kubectl's verbs, undo, starting over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import work

from screens import drill_writes
from screens.ask_window import AskWindow
from screens.drill_editor import DrillEditorScreen
from screens.drill_objects import OBJECTS
from screens.line_window import LineWindow
from screens.view_screen import ViewScreen
from screens.widgets.rows_table import RowsTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from meshdoctor.drill.edits import Edit
    from meshdoctor.drill.targets import Target
    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot
    from screens.drill_desk import Desk
    from screens.widgets.row import Row

_OVER = (
    "Put the mesh back as it was at the beginning? Every change is lost; time, hints and answers "
    "stay."
)
_DOING = {"restart": "restarting", "scale": "scaling", "label": "labelling", "delete": "deleting"}
_DONE = {"restart": "restarted", "scale": "scaled", "label": "labelled", "delete": "deleted"}


class DrillWriting(ViewScreen):
    """The objects, and the keys that write to the one under the cursor."""

    def __init__(self, desk: Desk) -> None:
        """Write at a desk."""
        super().__init__(desk.state)
        self.desk = desk

    def gather(self, snapshot: Snapshot, diagnosis: Diagnosis) -> tuple[Row, ...]:
        """List every object."""
        from meshdoctor.drill.object_rows import object_rows

        del diagnosis
        return OBJECTS.rows(object_rows(self.desk.play.world, snapshot.now))

    def fill(self, view: tuple[Row, ...]) -> None:
        """Show the rows."""
        self.query_one("#objects", RowsTable).show(view, "✓ There is no object in this mesh.")

    @property
    def target(self) -> Target | None:
        """The object under the cursor."""
        row = self.query_one("#objects", RowsTable).current
        found: Target | None = row.value.target if row is not None else None
        return found

    def yaml_of(self, target: Target) -> str:
        """An object as it is edited; empty where it has gone meanwhile."""
        from meshdoctor.drill.manifests import as_yaml, document_of

        world = self.desk.play.world
        item = target.find(world.objects)
        kind = world.cluster.catalog.types[target.key]
        return as_yaml(document_of(kind, item)) if item is not None else ""

    def action_new(self) -> None:
        """Write or paste new objects."""
        self.app.push_screen(DrillEditorScreen(self.desk))

    def action_delete(self) -> None:
        """Delete the object under the cursor, once it was confirmed."""
        target = self._allowed("delete")
        if target is None:
            return

        def delete(wanted: bool | None) -> None:
            if wanted:
                self._write("delete", target)

        window = AskWindow("Delete", f"Delete {target}?", yes="deletes it", no="does not")
        self.app.push_screen(window, delete)

    def action_restart(self) -> None:
        """Restart the workload under the cursor."""
        target = self._allowed("restart")
        if target is not None:
            self._write("restart", target)

    def action_scale(self) -> None:
        """Ask how many replicas the workload under the cursor shall have."""
        about = "Replicas, as kubectl scale sets them:"
        self._ask("scale", about, drill_writes.about_replicas)

    def action_label(self) -> None:
        """Ask for labels of the object under the cursor."""
        about = "KEY=VALUE sets a label, KEY- takes it away; blanks part several:"
        self._ask("label", about, drill_writes.about_labels)

    def _ask(self, verb: str, about: str, complaint: Callable[[str], str]) -> None:
        target = self._allowed(verb)
        if target is None:
            return
        row = self.query_one("#objects", RowsTable).current
        now = f"\n{row.value.labels}" if row is not None and verb == "label" else ""

        def take(line: str | None) -> None:
            if line is not None:
                self._write(verb, target, line)

        window = LineWindow(f"{verb.capitalize()} {target}", f"{about}{now}", complaint)
        self.app.push_screen(window, take)

    def _allowed(self, verb: str) -> Target | None:
        """The object under the cursor; says so where the verb is not for it."""
        target = self.target
        if target is not None and (why := drill_writes.why_not(verb, target)):
            self.notify(why, timeout=6, severity="warning", markup=False)
            return None
        return target

    @work(exit_on_error=False, group="write", description="write")
    async def _write(self, verb: str, target: Target, line: str = "") -> None:
        def edits(_: object) -> Iterable[Edit]:
            return (drill_writes.edit(verb, target, line),)

        why = await self.desk.write(_DOING[verb], f"{verb} {target}", edits)
        if why:
            self.notify(f"{target}: {why}", timeout=15, severity="error", markup=False)
        else:
            self.notify(f"{target}: {_DONE[verb]}. U takes it back.", timeout=3, markup=False)

    @work(exit_on_error=False, group="write", description="undo")
    async def action_undo(self) -> None:
        """Take the last change back."""
        done = await self.desk.undo()
        said = f"Taken back: {done}" if done else "There is nothing to take back"
        self.notify(said, timeout=3, markup=False)

    def action_begin(self) -> None:
        """Ask whether to put the mesh back as it was."""
        window = AskWindow("Begin again", _OVER, yes="begins again", no="goes on")
        self.app.push_screen(window, self._begin_if)

    def _begin_if(self, wanted: bool | None) -> None:
        if wanted:
            self._begin_again()

    @work(exit_on_error=False, group="write", description="begin")
    async def _begin_again(self) -> None:
        why = await self.desk.start_over()
        self.notify(why or "The mesh is as it was at the beginning", timeout=3, markup=False)

    def raw_of(self, value: Any) -> Any:
        """The object whole, as ``kubectl get -o yaml`` prints it."""
        from meshdoctor.drill.manifests import as_yaml

        target: Target = value.target
        item = target.find(self.desk.play.world.objects)
        return as_yaml(item) if item is not None else None

    def text_of(self, value: Any) -> str:
        """Copying takes the command that shows the object."""
        return f"kubectl get {' '.join(value.target.kubectl)} -o yaml"
