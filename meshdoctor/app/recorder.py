"""Taking a recording of a live mesh: asked where to, written in a thread, told at the end."""

from __future__ import annotations

import re
from functools import partial
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

from meshdoctor.app.listening import ThreadListener
from meshdoctor.model.source_error import SourceError
from screens.age import size
from screens.ask_window import AskWindow
from screens.save_window import SaveWindow
from screens.state import Saving
from screens.words import counted

if TYPE_CHECKING:
    from datetime import datetime

    from meshdoctor.app.mesh_app import MeshdoctorApp
    from meshdoctor.source import Saved

_TOLD_FOR = 20
"""Seconds that the path and the numbers stay on the screen."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def safe(name: str) -> str:
    """A mesh's name with nothing in it that a shell or a path would mind."""
    return _UNSAFE.sub("-", name).strip("-.") or "mesh"


def default_name(context: str, now: datetime) -> str:
    """``meshdoctor-<context>-<UTC time>.tar.gz``, with nothing in it that a shell would mind."""
    return f"meshdoctor-{safe(context)}-{now:%Y%m%dT%H%M%SZ}.tar.gz"


class Recorder:
    """Takes a recording of the session's source, at most one at a time."""

    def __init__(self, app: MeshdoctorApp) -> None:
        """Record for an app."""
        self._app = app
        self._state = app.state
        self.listener: ThreadListener | None = None
        """Whom the source tells; None while nothing is recorded."""

    def ask(self) -> None:
        """Ask where to; while a recording is being taken, whether to stop it."""
        saving = self._state.saving
        if saving is None:
            name = default_name(self._state.name, self._app.now())
            self._app.push_screen(SaveWindow(name), self._start)
        else:
            question = f"Stop the recording to {saving.path}? What was read by now is kept."
            self._app.push_screen(
                AskWindow("Recording", question, yes="stops it", no="goes on"), self._stop_if
            )

    def stop(self) -> None:
        """Ask the source to end with what it has."""
        if self.listener is not None and self._state.saving is not None:
            self.listener.stop()
            self._state.saving.stopping = True
            self._app.notify("Recording is being stopped", timeout=6, severity="warning")
            self._app.changed(now=True)

    def measure(self) -> None:
        """Look how large the recording is by now."""
        saving = self._state.saving
        if saving is not None:
            saving.size = _written(saving.path)

    def _stop_if(self, wanted: bool | None) -> None:
        if wanted:
            self.stop()

    def _start(self, path: Path | None) -> None:
        if path is None:
            return
        self._state.saving = Saving(path)
        self.listener = ThreadListener(self._app.post_message)
        self._app.run_worker(self._save(path, self.listener), group="save", exit_on_error=False)
        self._app.changed(now=True)

    async def _save(self, path: Path, listener: ThreadListener) -> None:
        source = self._app.session.source
        try:
            saved = await self._app.threads.run(partial(source.save, path, listener), "save")
        except SourceError as error:
            self._app.say_error(str(error), "Not recorded")
        except Exception as error:
            self._app.say_error(f"meshdoctor itself failed: {error!r}", "Not recorded")
        else:
            stopped = ", stopped before its end" if listener.wants_to_stop() else ""
            self._app.notify(
                told(saved), title=f"Recorded{stopped}", timeout=_TOLD_FOR, markup=False
            )
        self.listener, self._state.saving = None, None
        self._app.changed(now=True)


def told(saved: Saved) -> str:
    """A recording in numbers: path, size, files, secrets hidden, things not read."""
    missing = f", {counted(saved.not_read, 'thing')} not read" if saved.not_read else ""
    hidden = f"{counted(saved.redactions, 'secret')} hidden"
    return f"{saved.path}\n{size(saved.size)}, {counted(saved.files, 'file')}, {hidden}{missing}"


def _written(path: Path) -> int:
    """Bytes at a path or at the name it is written under until it is complete; 0 for neither."""
    total, name = 0, escape(path.name)
    for each in (path, *path.parent.glob(f".{name}*"), *path.parent.glob(f"{name}.*")):
        try:
            total = max(total, each.stat().st_size)
        except OSError:
            continue
    return total
