"""The app that drills are played in: the list at the bottom, no mesh until one is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from meshdoctor.app.mesh_app import MeshdoctorApp, _utc_now
from meshdoctor.model.source_error import SourceError
from meshdoctor.session import Session
from screens.drill_list import DrillListScreen
from screens.drill_places import NO_MESH, closed_without_mesh
from screens.state import Phase

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from textual.screen import Screen

    from meshdoctor.drill.drill import Drill
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.source import Listener, Saved


@dataclass(frozen=True, slots=True)
class _NoMesh:
    """The source of an app that looks at no mesh of its own: drills bring theirs."""

    name: str = "drills"
    is_live: bool = False

    def check(self) -> None:
        """There is nothing that could fail."""

    def read(self, listener: Listener) -> Snapshot:
        """Never asked for.

        Raises:
            SourceError: always.
        """
        raise SourceError(NO_MESH)

    def follow(self, listener: Listener) -> None:
        """Nothing changes."""

    def save(self, path: Path, listener: Listener) -> Saved:
        """Never asked for.

        Raises:
            SourceError: always.
        """
        raise SourceError(NO_MESH)


class DrillApp(MeshdoctorApp):
    """Practise: the drills, and one attempt after the other."""

    CSS_PATH: ClassVar[list[Any]] = [*MeshdoctorApp.CSS_PATH, "../../screens/drill.tcss"]

    def __init__(
        self,
        drill: Drill | None = None,
        clock: Callable[[], float] = monotonic,
        now: Callable[[], datetime] = _utc_now,
        *,
        folder: Path | None = None,
    ) -> None:
        """List the drills.

        Args:
            drill: the one to open at once.
            clock: tells seconds, for the time of an attempt.
            now: tells the time of day.
            folder: of the person's own drills, beside the bundled ones.
        """
        super().__init__(Session(_NoMesh()), clock, now)
        self.drill = drill
        """The one that is opened at once; None for the list."""
        self._folder = folder
        self.state.phase = Phase.READY
        self.state.closed = closed_without_mesh()
        self.state.banner = lambda: "drills"

    def get_default_screen(self) -> Screen[Any]:
        """The list of drills is the bottom of the stack."""
        return DrillListScreen(self.state, self.drill, self._folder)

    def begin(self) -> None:
        """Nothing is read before a drill is chosen."""
