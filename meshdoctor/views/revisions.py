"""``revisions``: per pod the revision asked for, injected and connected; what an upgrade left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.analyze import revision_leftovers
from meshdoctor.analyze.control_plane_users import namespaces_asking
from meshdoctor.analyze.plane_versions import versions_of
from meshdoctor.analyze.revision_triangle import NONE, UNKNOWN, State, triangles
from meshdoctor.analyze.sync_connections import connections, unread_istiods
from meshdoctor.intent.control_plane import ready_pods
from meshdoctor.intent.injection_webhooks import injection_webhooks
from meshdoctor.intent.revisions import control_planes
from meshdoctor.model.kinds import DEPLOYMENT, MUTATING_WEBHOOK, NAMESPACE, POD

if TYPE_CHECKING:
    from meshdoctor.analyze.revision_leftovers import Leftover
    from meshdoctor.analyze.revision_triangle import Triangle
    from meshdoctor.intent.revisions import ControlPlane
    from meshdoctor.model.snapshot import Snapshot

COLUMNS: tuple[tuple[str, str], ...] = (
    ("POD", "pod"),
    ("STATE", "state"),
    ("ASKED FOR", "asked"),
    ("INJECTED BY", "injected"),
    ("CONNECTED TO", "connected"),
    ("PROXY", "proxy_version"),
    ("ISTIOD", "istiod_version"),
    ("WHY", "why"),
    ("WORKLOAD", "workload"),
    ("LABEL", "label"),
)
LEFT_COLUMNS: tuple[tuple[str, str], ...] = (
    ("LEFT BEHIND", "what"),
    ("REVISION", "revision"),
    ("WHY", "why"),
    ("COMMAND", "command"),
)
PLANE_COLUMNS: tuple[tuple[str, str], ...] = (
    ("REVISION", "revision"),
    ("VERSION", "version"),
    ("READY", "ready"),
    ("TAGS", "tags"),
    ("NAMESPACES", "namespaces"),
    ("PROXIES", "proxies"),
)


@dataclass(frozen=True, slots=True)
class RevisionRow:
    """One pod."""

    pod: str
    """``pod.namespace``."""
    namespace: str
    workload: str
    label: str
    """The label that asks, ``key=value``; empty when none does."""
    asked: str
    injected: str
    connected: str
    proxy_version: str
    istiod_version: str
    state: str
    is_fault: bool
    has_proxy: bool
    why: str


@dataclass(frozen=True, slots=True)
class PlaneRow:
    """One control plane."""

    revision: str
    version: str
    ready: str
    """``1 of 2`` pods; unknown where pods were not read."""
    tags: str
    namespaces: str
    """The namespaces whose new pods it injects."""
    proxies: int | str
    """How many proxies are connected to it."""


def _row(mesh: Snapshot, item: Triangle) -> RevisionRow:
    return RevisionRow(
        pod=f"{item.pod.name}.{item.pod.namespace}",
        namespace=item.pod.namespace,
        workload=str(mesh.workloads.owning(item.pod)),
        label=item.label,
        asked=item.asked,
        injected=item.injected,
        connected=item.connected,
        proxy_version=item.proxy.text if item.proxy else "",
        istiod_version=item.istiod.text if item.istiod else "",
        state=item.state.value,
        is_fault=item.state.is_fault,
        has_proxy=item.proxy is not None or item.injected != NONE,
        why=item.why,
    )


def rows(mesh: Snapshot, namespaces: tuple[str, ...] = ()) -> tuple[RevisionRow, ...]:
    """Every pod that has a proxy or should have one, what is worst first.

    Args:
        mesh: the snapshot.
        namespaces: those to show; all when empty.
    """
    order = [state.value for state in State]
    found = [_row(mesh, item) for item in triangles(mesh)]
    shown = [row for row in found if not namespaces or row.namespace in namespaces]
    return tuple(sorted(shown, key=lambda row: (order.index(row.state), row.namespace, row.pod)))


def _plane(mesh: Snapshot, plane: ControlPlane) -> PlaneRow:
    versions = sorted({version.text for version in versions_of(mesh, plane).values()})
    tags = sorted(
        {item.tag for item in injection_webhooks(mesh) if item.revision == plane.revision}
    )
    known = mesh.catalog.known(NAMESPACE, MUTATING_WEBHOOK)
    asking = ", ".join(item.name for item in namespaces_asking(mesh, plane.revision)) or "none"
    on = sum(1 for item in connections(mesh).values() if item.istiod.revision == plane.revision)
    pods = f"{len(ready_pods(plane))} of {len(plane.pods)}"
    return PlaneRow(
        revision=plane.revision,
        version=", ".join(versions) or UNKNOWN,
        ready=pods if mesh.catalog.known(POD) else UNKNOWN,
        tags=", ".join(tag for tag in tags if tag) or "none",
        namespaces=asking if known else UNKNOWN,
        proxies=UNKNOWN if unread_istiods(mesh) and not on else on,
    )


def planes(mesh: Snapshot) -> tuple[PlaneRow, ...]:
    """The control planes, by revision."""
    return tuple(_plane(mesh, plane) for plane in control_planes(mesh).values())


def left_behind(mesh: Snapshot) -> tuple[Leftover, ...]:
    """What an upgrade left behind, what hurts first."""
    return revision_leftovers.leftovers(mesh)


def unread(mesh: Snapshot) -> tuple[str, ...]:
    """Inputs without which pods are missing, or a corner of them is unknown."""
    return mesh.catalog.unread(POD, NAMESPACE, MUTATING_WEBHOOK, DEPLOYMENT)


def no_pods(mesh: Snapshot) -> str:
    """The sentence where there is no row."""
    missing = ", ".join(mesh.catalog.unread(POD))
    if missing:
        return f"Unknown: {missing} could not be read."
    return "No pod has a proxy or asks for one."


def nothing_left(mesh: Snapshot) -> str:
    """The sentence where nothing is left behind, or where that cannot be told."""
    missing = ", ".join(revision_leftovers.unread(mesh))
    if missing:
        return f"Unknown: whether an upgrade left something behind; not read: {missing}."
    if not control_planes(mesh):
        return "No control plane is in the cluster, so nothing can be held against one."
    return "Nothing is left of a revision that is gone, and every control plane is used."


def to_json(row: RevisionRow) -> dict[str, Any]:
    """A pod as plain values; what could not be read is ``unknown``."""
    return {
        "pod": row.pod.removesuffix(f".{row.namespace}"),
        "namespace": row.namespace,
        "workload": row.workload,
        "label": row.label or None,
        "asked": row.asked,
        "injected": row.injected,
        "connected": row.connected,
        "proxy_version": row.proxy_version or None,
        "istiod_version": row.istiod_version or None,
        "state": row.state,
        "why": row.why,
    }


def left_to_json(item: Leftover) -> dict[str, Any]:
    """A leftover as plain values."""
    return {
        "object": item.what,
        "revision": item.revision,
        "tag": item.tag or None,
        "why": item.why,
        "hurts": item.hurts,
        "command": item.command,
        "source": item.evidence.source,
        "pointer": item.evidence.pointer,
    }


def plane_to_json(row: PlaneRow) -> dict[str, Any]:
    """A control plane as plain values."""
    return {
        "revision": row.revision,
        "version": row.version,
        "ready": row.ready,
        "tags": row.tags,
        "namespaces": row.namespaces,
        "proxies": row.proxies,
    }
