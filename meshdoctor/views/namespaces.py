"""``namespaces``: what each asks for, what its new pods get and why, and what its pods have."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.intent.injection_verdict import InjectionVerdict, Verdict, injection_verdict
from meshdoctor.intent.revision_labels import DATAPLANE_MODE, INJECTION, REVISION
from meshdoctor.intent.revisions import control_planes, was_injected
from meshdoctor.model.kinds import NAMESPACE, POD
from meshdoctor.model.pod import has_proxy, is_finished, is_ready

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

UNKNOWN = "unknown"
"""A cell whose input could not be read."""
COLUMNS: tuple[tuple[str, str], ...] = (
    ("NAMESPACE", "name"),
    ("LABELS", "labels"),
    ("REVISION", "revision"),
    ("NEW PODS", "verdict"),
    ("WHY", "why"),
    ("WITH PROXY", "with_proxy"),
    ("WITHOUT PROXY", "without_proxy"),
    ("AMBIENT", "ambient"),
)
_LABELS = (INJECTION, REVISION, DATAPLANE_MODE)
_REDIRECTED = "ambient.istio.io/redirection"


@dataclass(frozen=True, slots=True)
class NamespaceRow:
    """One namespace."""

    name: str
    labels: tuple[str, ...]
    """Those that concern injection and ambient mode, ``key=value``."""
    revision: str
    """The revision or tag asked for, with the revision behind a tag; empty for none."""
    verdict: str
    """What a new pod without labels of its own gets: a ``Verdict``, ``refused`` or
    ``not injected`` where no istiod is there to answer."""
    why: str
    with_proxy: int | str
    without_proxy: int | str
    """Pods that run; those that ztunnel serves are among them."""
    ambient: str
    """``yes`` or ``no`` by label, with the number of pods that ztunnel serves."""


def _revision(verdict: InjectionVerdict) -> str:
    if verdict.asked is None:
        return ""
    behind = sorted({item.revision for item in verdict.webhooks} - {verdict.asked.revision})
    return f"{verdict.asked.revision} ({', '.join(behind)})" if behind else verdict.asked.revision


def _new_pods(mesh: Snapshot, verdict: InjectionVerdict) -> tuple[str, str]:
    """What a new pod gets in a word, and why, istiod's readiness included."""
    planes = {item.revision: control_planes(mesh).get(item.revision) for item in verdict.webhooks}
    is_outside = any(item.service is None for item in verdict.webhooks)
    if not verdict.injects or is_outside or not mesh.catalog.known(POD):
        return verdict.verdict.value, verdict.reason
    if any(is_ready(pod) for plane in planes.values() if plane for pod in plane.pods):
        return verdict.verdict.value, verdict.reason
    closed = any(item.failure_policy == "Fail" for item in verdict.webhooks)
    word = "refused" if closed else "not injected"
    policy = "Fail" if closed else "Ignore"
    revisions = ", ".join(sorted(planes))
    why = f"no istiod of revision {revisions} is ready, and the webhook's failurePolicy is {policy}"
    return word, why


def _pods(mesh: Snapshot) -> Mapping[str, list[Resource]]:
    found: dict[str, list[Resource]] = defaultdict(list)
    for pod in mesh.catalog.of(POD):
        if not is_finished(pod):
            found[pod.namespace].append(pod)
    return found


def _counts(mesh: Snapshot, pods: list[Resource]) -> tuple[int | str, int | str]:
    if not mesh.catalog.known(POD):
        return UNKNOWN, UNKNOWN
    inside = sum(1 for pod in pods if has_proxy(pod) or was_injected(pod))
    return inside, len(pods) - inside


def _ambient(mesh: Snapshot, labels: Mapping[str, str], pods: list[Resource]) -> str:
    word = "yes" if labels.get(DATAPLANE_MODE) == "ambient" else "no"
    if not mesh.catalog.known(POD):
        return word
    served = sum(1 for pod in pods if pod.annotations.get(_REDIRECTED) == "enabled")
    return f"{word} ({served} of {len(pods)} pods)" if served or word == "yes" else word


def _row(mesh: Snapshot, namespace: Resource, pods: list[Resource]) -> NamespaceRow:
    verdict = injection_verdict(mesh, namespace)
    inside, outside = _counts(mesh, pods)
    labels = namespace.labels
    word, why = _new_pods(mesh, verdict)
    return NamespaceRow(
        name=namespace.name,
        labels=tuple(f"{key}={labels[key]}" for key in _LABELS if key in labels),
        revision=_revision(verdict),
        verdict=word,
        why=why,
        with_proxy=inside,
        without_proxy=outside,
        ambient=_ambient(mesh, labels, pods),
    )


def _unread_row(mesh: Snapshot, name: str, pods: list[Resource]) -> NamespaceRow:
    inside, outside = _counts(mesh, pods)
    return NamespaceRow(
        name=name,
        labels=(UNKNOWN,),
        revision=UNKNOWN,
        verdict=Verdict.UNKNOWN.value,
        why="namespaces were not read",
        with_proxy=inside,
        without_proxy=outside,
        ambient=UNKNOWN,
    )


def rows(mesh: Snapshot, namespaces: tuple[str, ...] = ()) -> tuple[NamespaceRow, ...]:
    """The namespaces, by name.

    Where Namespaces could not be read, those that hold pods are listed, their verdict unknown.

    Args:
        mesh: the snapshot.
        namespaces: those to show; all when empty.
    """
    pods = _pods(mesh)
    if mesh.catalog.known(NAMESPACE):
        found = [_row(mesh, item, pods.get(item.name, [])) for item in mesh.catalog.of(NAMESPACE)]
    else:
        found = [_unread_row(mesh, name, pods[name]) for name in sorted(pods)]
    return tuple(row for row in found if not namespaces or row.name in namespaces)


def to_json(row: NamespaceRow) -> dict[str, Any]:
    """The row as plain values; what could not be read is ``unknown``."""
    return {
        "namespace": row.name,
        "labels": UNKNOWN
        if row.labels == (UNKNOWN,)
        else dict(item.split("=", 1) for item in row.labels),
        "revision": row.revision or None,
        "verdict": row.verdict,
        "why": row.why,
        "pods_with_proxy": row.with_proxy,
        "pods_without_proxy": row.without_proxy,
        "ambient": row.ambient,
    }
