"""The mesh in a few lines: control plane, data plane."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import has_proxy, is_finished, is_istiod, is_ready

if TYPE_CHECKING:
    from meshdoctor.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """One line: what it is about and what is so."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class MeshSummary:
    """The lines, the control plane first."""

    lines: tuple[SummaryLine, ...]


def _control_plane(mesh: Snapshot) -> str:
    if not mesh.catalog.known(POD):
        return "? unknown: pods were not read"
    pods = [pod for pod in mesh.catalog.of(POD) if is_istiod(pod) and not is_finished(pod)]
    if not pods:
        return "✗ no istiod pod runs"
    read = {(istiod.namespace, istiod.pod): istiod for istiod in mesh.istiods}
    parts = []
    for pod in pods:
        ready = "✓ ready" if is_ready(pod) else "✗ not ready"
        revision = pod.labels.get("istio.io/rev", "default")
        known = read.get((pod.namespace, pod.name))
        if known is None or known.syncs is None:
            connected = "? connected proxies unknown"
        else:
            number = sum(1 for sync in known.syncs if not sync.is_tool)
            connected = f"{number} proxies connected"
        parts.append(f"{pod.name} ({revision}) {ready}, {connected}")
    return "; ".join(parts)


def _data_plane(mesh: Snapshot) -> str:
    if not mesh.catalog.known(POD):
        return "? unknown: pods were not read"
    pods = [pod for pod in mesh.catalog.of(POD) if not is_finished(pod)]
    proxies = [pod for pod in pods if has_proxy(pod)]
    ready = sum(1 for pod in proxies if is_ready(pod))
    versions = Counter(
        sync.version or "unknown"
        for istiod in mesh.istiods
        for sync in istiod.syncs or ()
        if not sync.is_tool
    )
    said = ", ".join(f"{number} on {version}" for version, number in sorted(versions.items()))
    return f"{len(proxies)} of {len(pods)} pods carry a proxy, {ready} ready" + (
        f"; versions: {said}" if said else ""
    )


def summarize(mesh: Snapshot) -> MeshSummary:
    """The mesh in a few lines; what was not read is said to be unknown."""
    return MeshSummary(
        (
            SummaryLine("Control plane", _control_plane(mesh)),
            SummaryLine("Data plane", _data_plane(mesh)),
        )
    )
