"""What a reader says of itself: who reads, and how much of the mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor import __version__
from meshdoctor.recording.manifest_document import RecordedScope, Recorder

if TYPE_CHECKING:
    from meshdoctor.live.mesh_reader import MeshReader


def recorder_of(reader: MeshReader) -> Recorder:
    """Who reads."""
    asked = reader.options
    return Recorder(
        tool_version=__version__,
        context=reader.context,
        server=reader.server,
        logs_since=None if asked.logs_since is None else f"{asked.logs_since.total_seconds():g}s",
        logs=asked.logs,
        interrupted=reader.stopped,
    )


def scope_of(reader: MeshReader) -> RecordedScope:
    """How much of the mesh is read."""
    asked, plan = reader.options, reader.plan
    narrow = len(plan.pods) < plan.total or asked.revision or asked.istio_namespace
    pods = plan.names | (reader.istiods or frozenset())
    return RecordedScope(
        namespaces=asked.namespaces,
        selector=asked.selector,
        source=asked.source,
        to=asked.to,
        pod=asked.pod,
        revision=asked.revision,
        max_proxies=asked.max_proxies,
        proxies_read=len(plan.pods),
        proxies_total=plan.total,
        pods=tuple(f"{namespace}/{name}" for namespace, name in sorted(pods)) if narrow else None,
    )
