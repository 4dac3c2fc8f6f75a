"""A screen whose rows are made in a worker: the view is computed behind the screen, never in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.worker import get_current_worker

from screens.mesh_screen import MeshScreen
from screens.messages import ViewGathered

if TYPE_CHECKING:
    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot


class ViewScreen(MeshScreen):
    """Shows one joined view of the snapshot."""

    def gather(self, snapshot: Snapshot, diagnosis: Diagnosis) -> Any:
        """Make the view. Runs in a thread: touches no widget, may import what is slow."""

    def fill(self, view: Any) -> None:
        """Show the view that was made."""

    def show(self, snapshot: Snapshot, diagnosis: Diagnosis) -> None:
        """Begin to make the view."""
        self._gather(snapshot, diagnosis)

    # Without a description, Textual would write out the whole snapshot for one.
    @work(thread=True, exclusive=True, group="gather", exit_on_error=False, description="gather")
    def _gather(self, snapshot: Snapshot, diagnosis: Diagnosis) -> None:
        worker = get_current_worker()
        view = self.gather(snapshot, diagnosis)
        if not worker.is_cancelled:
            self.post_message(ViewGathered(snapshot, view))

    @on(ViewGathered)
    def _gathered(self, event: ViewGathered) -> None:
        if event.snapshot is self.state.snapshot:
            self.guarded(self.fill, event.view)
            self._limit_tables()
