"""Comparing the open mesh with another: asked with what, read in a thread, shown on a screen."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from meshdoctor.app.listening import ThreadListener
from meshdoctor.app.offered import LIVE, OPENED, completions, recordings_near
from meshdoctor.model.source_error import SourceError
from meshdoctor.session import RecordingSource
from screens.changes import ChangesScreen
from screens.compare_window import CompareWindow, Offer
from screens.other import Named, Other
from screens.stages import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.worker import Worker

    from meshdoctor.app.mesh_app import MeshdoctorApp
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.source import Progress, Source
    from screens.stages import Stage

_NOTHING_KEPT = "the mesh as it was first read was not kept: record it (ctrl+s), compare with that"


class Comparer:
    """Compares the session's mesh with one other, and remembers which."""

    def __init__(self, app: MeshdoctorApp) -> None:
        """Compare for an app."""
        self._app = app
        self.listener: ThreadListener | None = None
        """Whom the other source tells; None while nothing is read for a comparison."""
        self._window: CompareWindow | None = None
        self._worker: Worker[None] | None = None
        self._stages: dict[str, Stage] = {}
        self._last: Other | None = None

    def ask(self) -> None:
        """Show the last comparison; on its screen, or before there is one, ask with what."""
        if self._last is not None and not isinstance(self._app.screen, ChangesScreen):
            self._show(self._last)
            return
        self._window = CompareWindow(self._listing)
        self._app.push_screen(self._window, self._show)
        self._app.run_worker(self._offer(self._window), group="offers", exit_on_error=False)

    def show_at_once(self, snapshot: Snapshot, path: Path) -> None:
        """Show what changed since a recording that has been read already.

        Args:
            snapshot: what was read.
            path: where the recording lies.
        """
        self._show(Other(snapshot, path.name, _named_path(str(path)), self._own()))

    def read(self, window: CompareWindow, typed: str) -> None:
        """Read what was typed, then show what differs; the window says why not."""
        if typed == OPENED:
            self._take_opened(window)
            return
        source, named = self._source(typed)
        self.listener = ThreadListener(self._app.post_message)
        self._stages = {}
        work = self._read(window, source, named, self.listener)
        self._worker = self._app.run_worker(work, group="compare", exit_on_error=False)

    def heard(self, news: Iterable[Progress]) -> None:
        """Tell in the window how far reading has come."""
        if self._window is None:
            return
        self._app.state.progress(news, self._stages)
        self._window.tell(f"Reading: {in_words(self._stages.values())} (esc stops)")

    def stop(self) -> None:
        """Do not wait for what is read; the window stays."""
        if self.listener is not None:
            self.listener.stop()
            self.listener = None
        if self._worker is not None:
            self._worker.cancel()
        if self._window is not None and self._window.is_mounted:
            self._window.complain("Reading was stopped.")

    def _show(self, other: Other | None) -> None:
        self._window = None
        if other is None:
            return
        self._last = other
        if isinstance(self._app.screen, ChangesScreen):
            self._app.pop_screen()
        self._app.push_screen(ChangesScreen(self._app.state, other))

    def _take_opened(self, window: CompareWindow) -> None:
        snapshot = self._app.state.opened
        if snapshot is None:
            window.complain(_NOTHING_KEPT)
        else:
            window.dismiss(Other(snapshot, "the mesh as it was first read", Named(), self._own()))

    async def _read(
        self, window: CompareWindow, source: Source, named: Named, listener: ThreadListener
    ) -> None:
        try:
            snapshot = await self._app.threads.run(partial(source.read, listener), "compare")
            name = source.name
        except SourceError as error:
            self._failed(window, listener, str(error))
        except Exception as error:
            self._failed(window, listener, f"meshdoctor itself failed: {error!r}")
        else:
            self._came(window, listener, Other(snapshot, name, named, self._own()))

    def _failed(self, window: CompareWindow, listener: ThreadListener, reason: str) -> None:
        if listener is self.listener:
            self.listener = None
            window.complain(reason)

    def _came(self, window: CompareWindow, listener: ThreadListener, other: Other) -> None:
        if listener is self.listener:
            self.listener = None
            window.dismiss(other)

    def _source(self, typed: str) -> tuple[Source, Named]:
        if typed == LIVE and not self._app.state.is_live:
            # Imported here: it knows Kubernetes, which a recording never needs.
            from meshdoctor.live.options import LiveOptions
            from meshdoctor.live.source import LiveSource

            return LiveSource(LiveOptions()), Named(second=True)
        return RecordingSource(Path(typed).expanduser()), _named_path(typed)

    def _own(self) -> Named:
        source = self._app.session.source
        if source.is_live:
            return Named(f"--context {shlex.quote(source.name)}", second=True)
        path = getattr(source, "path", None)
        return _named_path(str(path)) if path is not None else Named()

    async def _offer(self, window: CompareWindow) -> None:
        state, source = self._app.state, self._app.session.source
        path = getattr(source, "path", None)
        near = await self._app.threads.run(partial(recordings_near, path), "offers")
        found = [Offer(each, what) for each, what in near]
        if not state.is_live:
            found.append(Offer(LIVE, "the cluster of kubectl's current context"))
        elif state.opened is not None:
            at = state.opened.about.captured_at
            found.insert(0, Offer(OPENED, f"this mesh as it was at {at:%H:%M:%S} UTC"))
        window.offer(found)

    async def _listing(self, typed: str) -> Sequence[str]:
        return await self._app.threads.run(partial(completions, typed), "completions")


def _named_path(path: str) -> Named:
    return Named(shlex.quote(path), first=True, second=True)
