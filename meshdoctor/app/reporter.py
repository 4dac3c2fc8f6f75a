"""Writing a report of what is shown: asked where to, made in a thread, told at the end."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from meshdoctor.app.recorder import safe
from meshdoctor.model.source_error import SourceError
from screens.report_window import ReportWindow

if TYPE_CHECKING:
    from meshdoctor.app.mesh_app import MeshdoctorApp
    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.snapshot import Snapshot
    from screens.report_window import ReportWish

_TOLD_FOR = 20
"""Seconds that the path stays on the screen."""


def report_name(mesh: Snapshot) -> str:
    """``meshdoctor-<mesh>-<time of reading>``, without an ending."""
    name = mesh.about.name.removesuffix(".tar.gz")
    return f"meshdoctor-{safe(name)}-{mesh.about.captured_at:%Y%m%dT%H%M%SZ}"


def write(mesh: Snapshot, diagnosis: Diagnosis, wish: ReportWish) -> None:
    """Make a report and write it; the map of a masked one is written first.

    Raises:
        SourceError: it cannot be written there.
    """
    # Imported here: a person who writes no report does not wait for it.
    from meshdoctor.report.document import document_of
    from meshdoctor.report.formats import render
    from meshdoctor.report.mask import masked
    from meshdoctor.report.saving import read_map, refuse_existing, write_map, write_report

    refuse_existing(wish.path, force=False)
    document = document_of(mesh, diagnosis)
    if wish.masked:
        document, pseudonyms = masked(mesh, document, read_map(wish.map_path))
        write_map(wish.map_path, pseudonyms)
    write_report(wish.path, render(document, wish.format))


class Reporter:
    """Writes reports of the diagnosis that is shown."""

    def __init__(self, app: MeshdoctorApp) -> None:
        """Report for an app."""
        self._app = app

    def ask(self) -> None:
        """Ask where to and as what; the report is of what is shown when the key is pressed."""
        mesh, diagnosis = self._app.state.snapshot, self._app.state.diagnosis
        if mesh is not None and diagnosis is not None:
            start = partial(self._start, mesh, diagnosis)
            self._app.push_screen(ReportWindow(report_name(mesh)), start)

    def _start(self, mesh: Snapshot, diagnosis: Diagnosis, wish: ReportWish | None) -> None:
        if wish is not None:
            work = self._write(mesh, diagnosis, wish)
            self._app.run_worker(work, group="report", exit_on_error=False)

    async def _write(self, mesh: Snapshot, diagnosis: Diagnosis, wish: ReportWish) -> None:
        try:
            await self._app.threads.run(partial(write, mesh, diagnosis, wish), "report")
        except SourceError as error:
            self._app.say_error(str(error), "Not reported")
        except Exception as error:
            self._app.say_error(f"meshdoctor itself failed: {error!r}", "Not reported")
        else:
            kept = f"\nPseudonyms: {wish.map_path}" if wish.masked else ""
            self._app.notify(
                f"{wish.path}{kept}", title="Reported", timeout=_TOLD_FOR, markup=False
            )
