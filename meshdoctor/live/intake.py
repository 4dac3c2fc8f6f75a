"""Take what collectors read: redact it, then assemble it, record it, and tell who listens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meshdoctor.model import proxy as files
from meshdoctor.model.not_read import NotRead
from meshdoctor.parse.proxy_log import read_proxy_log
from meshdoctor.recording.archive_model import Entry, RecordingError
from meshdoctor.recording.assembly import Assembly
from meshdoctor.recording.joining import access_format
from meshdoctor.recording.layout import SYNCZ, place_of
from meshdoctor.source import Progress

if TYPE_CHECKING:
    from meshdoctor.collect.api import ReadError, Step
    from meshdoctor.collect.artifact import Artifact
    from meshdoctor.recording.layout import Place
    from meshdoctor.recording.redact import Redactor
    from meshdoctor.recording.writer import RecordingWriter
    from meshdoctor.source import Listener

_VERSION_FILE = "kubernetes/version.json"
_MOST_WAITING = 64 * 1024 * 1024
"""Bytes of log kept unparsed at most."""


@dataclass(slots=True)
class Intake:
    """A sink: everything passes the redactor before anything else sees it."""

    redactor: Redactor
    listener: Listener
    writer: RecordingWriter | None = None
    """Where it is recorded; what is recorded is not assembled."""
    assembly: Assembly = field(default_factory=Assembly)
    missing: dict[str, NotRead] = field(default_factory=dict)
    """What the collectors could not read, by path."""
    lists: dict[str, bytes] = field(default_factory=dict)
    """The object lists as they were assembled last: watches begin from them."""
    cannot_record: bool = False
    """Whether the recording failed: reading on is of no use."""
    version: bytes = b""
    """What the API server said of its version."""
    istio_versions: set[str] = field(default_factory=set)
    """What the istiods said of theirs."""
    syncz: dict[str, bytes] = field(default_factory=dict)
    """What each istiod last said of its proxies, by path."""
    stages: dict[str, tuple[int, int]] = field(default_factory=dict)
    """How many of how many of each stage are done."""
    _logs: dict[str, tuple[Place, Entry]] = field(default_factory=dict)
    """Proxy logs that wait for the mesh's own log format."""
    _waiting: int = 0
    """Their bytes."""

    def keep(self, artifact: Artifact) -> None:
        """Take one file; a file that was taken before is replaced."""
        data = self.redactor.redact(artifact.path, artifact.data)
        self.missing.pop(artifact.path, None)
        if artifact.path == _VERSION_FILE:
            self.version = data
        elif artifact.path.startswith("istiod/") and artifact.path.endswith("/version.txt"):
            self.istio_versions.add(data.decode("utf-8", errors="replace").strip())
        if self.writer is not None:
            self._record(self.writer, artifact.path, data)
            return
        place = place_of(artifact.path)
        if place is not None and place.file == SYNCZ:
            self.syncz[artifact.path] = data
        if place is not None:
            self._forget(artifact.path, place)
            self._assemble(place, Entry(artifact.path, data, first_line=artifact.first_line))

    def _record(self, writer: RecordingWriter, path: str, data: bytes) -> None:
        try:
            writer.add(path, data)
        except RecordingError:
            # The writer says it again at the end; until then there is nothing left to do.
            self.cannot_record = True

    def miss(self, what: str, error: ReadError) -> None:
        """Note what could not be read."""
        self.missing[what] = NotRead(what, error.status, error.reason)

    def step(self, step: Step) -> None:
        """Pass progress on."""
        self.stages[step.stage] = (step.done, step.total)
        self.listener.progress(Progress(step.stage, step.what, step.done, step.total))

    def drop(self, room: str, namespace: str, pod: str) -> None:
        """Forget a pod that is gone."""
        self.assembly.parts_of(room).pop((namespace, pod), None)
        self.assembly.unread_files.pop((namespace, pod), None)
        folder = f"{room}/{namespace}/{pod}"

        def is_kept(path: str) -> bool:
            return path != folder and not path.startswith(f"{folder}/")

        self.missing = {path: item for path, item in self.missing.items() if is_kept(path)}
        self.assembly.not_read = [item for item in self.assembly.not_read if is_kept(item.what)]

    def parse_logs(self) -> None:
        """Parse the logs that waited, in the mesh's own format when it has one."""
        written = access_format(self.assembly)
        for place, entry in self._logs.values():
            self.assembly.add(place, entry)
            parts = self.assembly.proxies[place.namespace, place.pod]
            if written is not None and "log" in parts:
                parts["log"] = read_proxy_log(entry.data, written, entry.first_line)
        self._logs.clear()
        self._waiting = 0

    @property
    def knows_format(self) -> bool:
        """Whether an istiod has said how the mesh writes its access logs."""
        return any("mesh" in parts for parts in self.assembly.istiods.values())

    def _forget(self, path: str, place: Place) -> None:
        assembly = self.assembly
        assembly.not_read = [item for item in assembly.not_read if item.what != path]
        if place.kind is not None:
            assembly.resources.pop(place.kind, None)
            assembly.failed_kinds.discard(place.kind)
        else:
            assembly.unread_files.get((place.namespace, place.pod), set()).discard(place.file)

    def _assemble(self, place: Place, entry: Entry) -> None:
        if place.file == files.LOG:
            self._logs[entry.path] = (place, entry)
            self._waiting += len(entry.data)
            if self._waiting > _MOST_WAITING or self.knows_format:
                self.parse_logs()
            return
        if place.kind is not None:
            self.lists[entry.path] = entry.data
        self.assembly.add(place, entry)
