"""Take a recording of a live mesh: collect into a writer, everything redacted on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.live.intake import Intake
from meshdoctor.live.mesh_reader import MeshReader
from meshdoctor.live.recorded import recorder_of, scope_of
from meshdoctor.model.kinds import BY_GROUP_AND_PLURAL
from meshdoctor.model.not_read import NotRead, NotReadStatus
from meshdoctor.recording.layout import (
    NEEDED_ISTIOD_FILES,
    NEEDED_PROXY_FILES,
    NEEDED_ZTUNNEL_FILES,
)
from meshdoctor.recording.manifest_document import manifest_document
from meshdoctor.recording.redact import Redactor
from meshdoctor.recording.writer import RecordingWriter
from meshdoctor.source import Saved

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from meshdoctor.live.options import LiveOptions
    from meshdoctor.source import Listener

_NEEDED = {
    "istiod": NEEDED_ISTIOD_FILES,
    "proxies": NEEDED_PROXY_FILES,
    "ztunnels": NEEDED_ZTUNNEL_FILES,
}
"""Files without which conclusions become unknown."""


def _is_needed(item: NotRead) -> bool:
    """Whether a diagnosis of the recording will miss it."""
    if item.status is NotReadStatus.NOT_INSTALLED:
        return False
    parts = item.what.removesuffix(".json").split("/")
    if parts[0] == "kubernetes":
        kind = BY_GROUP_AND_PLURAL.get((parts[1], parts[-1])) if len(parts) > 2 else None
        return len(parts) == 1 or (kind is not None and kind.needed)
    # A folder is all its files.
    return len(parts) <= 3 or item.what.split("/", 3)[3] in _NEEDED.get(parts[0], ())


def _manifest(
    reader: MeshReader, redactor: Redactor, told: tuple[NotRead, ...]
) -> Mapping[str, Any]:
    about = reader.about()
    return manifest_document(
        about.captured_at,
        kubernetes=about.kubernetes,
        istio=about.istio,
        recorder=recorder_of(reader),
        scope=scope_of(reader),
        errors=told,
        redactions=redactor.log(),
    )


async def save(options: LiveOptions, path: Path, listener: Listener) -> Saved:
    """Read everything into a new recording; when stopped, what there is by then.

    Raises:
        SourceError: the cluster cannot be read, or the recording cannot be written there.
    """
    writer = RecordingWriter(path, size_limit=options.size_limit, force=options.replace)
    redactor = Redactor()
    intake = Intake(redactor, listener, writer)
    reader = MeshReader(options, intake)
    try:
        async with reader.connected() as api:
            await reader.collect_all(api, listener, everything=True)
    except BaseException:
        writer.abandon()
        raise
    told = reader.told()
    size = writer.finish(_manifest(reader, redactor, told))
    left_out = [NotRead(what, NotReadStatus.FAILED, why) for what, why in writer.left_out.items()]
    missing = [item for item in told if item.status is not NotReadStatus.NOT_INSTALLED]
    return Saved(
        path=path,
        files=writer.files,
        size=size,
        redactions=sum(entry.count for entry in redactor.log()),
        not_read=len(missing) + len(left_out),
        lacks_needed=bool(reader.stopped) or any(map(_is_needed, (*missing, *left_out))),
    )
