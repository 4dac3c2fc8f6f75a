"""The pods of one namespace: which carry a proxy, which do not, and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.intent.injection_verdict import Verdict, injection_verdict
from meshdoctor.intent.revisions import got_revision, was_injected
from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import has_proxy, is_finished, is_gateway, is_ready
from meshdoctor.views.proxy_status_row import age_text

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

COLUMNS: tuple[tuple[str, str], ...] = (
    ("POD", "name"),
    ("PROXY", "proxy"),
    ("READY", "ready"),
    ("WHY", "why"),
    ("WORKLOAD", "workload"),
    ("AGE", "age"),
)
_EXPECTED = frozenset(
    {Verdict.INFRASTRUCTURE, Verdict.NEVER, Verdict.NOT_LABELLED, Verdict.AMBIENT}
)
"""Verdicts under which a pod rightly has no proxy."""


@dataclass(frozen=True, slots=True)
class NamespacePodRow:
    """One pod."""

    name: str
    namespace: str
    proxy: str
    """``sidecar``, ``gateway``, ``none``, or ``missing`` where one was to be expected."""
    ready: str
    """``yes`` or ``no``."""
    why: str
    """Why it has, or has not, a proxy."""
    workload: str
    age: str
    """Empty when the pod does not say when it was created."""
    pointer: str
    source: str


def _proxy(mesh: Snapshot, pod: Resource) -> tuple[str, str]:
    """The word for a pod's proxy, and the reason."""
    if has_proxy(pod):
        if is_gateway(pod):
            return "gateway", "it is a gateway: nothing but a proxy"
        revision = got_revision(pod) or "unknown"
        how = "injected" if was_injected(pod) else "in the pod's own template"
        return "sidecar", f"{how}, revision {revision}"
    found = injection_verdict(mesh, pod)
    if found.injects:
        return "missing", f"a new pod would be injected, this one was not: {found.reason}"
    return ("none" if found.verdict in _EXPECTED else "missing"), found.reason


def _row(mesh: Snapshot, pod: Resource) -> NamespacePodRow:
    word, why = _proxy(mesh, pod)
    created = pod.created
    return NamespacePodRow(
        name=pod.name,
        namespace=pod.namespace,
        proxy=word,
        ready="yes" if is_ready(pod) else "no",
        why=why,
        workload=str(mesh.workloads.owning(pod)),
        age=age_text((mesh.now - created).total_seconds()) if created else "",
        pointer=pod.pointer,
        source=pod.source,
    )


def rows(mesh: Snapshot, namespace: str) -> tuple[NamespacePodRow, ...]:
    """The pods of a namespace that have not run to their end, by name."""
    pods = mesh.catalog.within(POD, namespace)
    return tuple(_row(mesh, pod) for pod in pods if not is_finished(pod))


def to_json(row: NamespacePodRow) -> dict[str, Any]:
    """A row as plain data."""
    return asdict(row)
