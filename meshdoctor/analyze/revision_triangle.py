"""The three revisions of a pod: the one asked for now, the one that injected it, the one it is on.

What is asked for is what the webhooks would do with a new pod of the same workload, so that tags
and the default revision are resolved as the API server would.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from meshdoctor.analyze.sync_connections import connections, unread_istiods
from meshdoctor.analyze.upgrade_outdated import istiod_of, template_annotations
from meshdoctor.analyze.upgrade_version import Version, proxy_version
from meshdoctor.intent.gateways import MANAGED_GATEWAY
from meshdoctor.intent.injection_verdict import Verdict, injection_verdict
from meshdoctor.intent.injection_webhooks import selecting
from meshdoctor.intent.revision_labels import asked, opting_out
from meshdoctor.intent.revisions import got_revision, is_present, was_injected
from meshdoctor.model.kinds import MUTATING_WEBHOOK, NAMESPACE, POD
from meshdoctor.model.pod import has_proxy, is_finished, is_istiod, is_terminating

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

UNKNOWN = "unknown"
"""A corner whose input could not be read."""
NONE = "none"
"""A corner that is known to be empty."""
_LACKING = (
    Verdict.INJECTED,
    Verdict.LABELS_CONFLICT,
    Verdict.WEBHOOK_MISSING,
    Verdict.REVISION_ABSENT,
)
"""What the namespace or the pod asks for comes to, where a pod has no proxy all the same."""


class State(StrEnum):
    """What the three corners come to, worst first."""

    NO_CONTROL_PLANE = "no control plane"
    """The revision asked for, or the one the proxy belongs to, has no istiod."""
    NOT_CONNECTED = "not connected"
    ELSEWHERE = "connected elsewhere"
    """On another revision's istiod than the one that injected it."""
    NOT_INJECTED = "not injected"
    """Asks for a proxy and has none."""
    RESTART = "restart needed"
    """A new pod would get its proxy from another revision."""
    OLDER = "older than istiod"
    NEWER = "newer than istiod"
    UNKNOWN = "unknown"
    NOT_ASKED = "not asked for"
    """Has a proxy; a new pod would get none."""
    IN_ORDER = "in order"

    @property
    def is_fault(self) -> bool:
        """Whether somebody has to do something."""
        return self not in (State.IN_ORDER, State.NOT_ASKED)


@dataclass(frozen=True, slots=True)
class Triangle:
    """One pod with its three revisions."""

    pod: Resource
    label: str
    """The label that asks, ``key=value``; empty when none does."""
    asked: str
    """The revision it leads to; NONE or UNKNOWN."""
    injected: str
    connected: str
    proxy: Version | None
    istiod: Version | None
    state: State
    why: str


@dataclass(frozen=True, slots=True)
class _Wish:
    label: str
    revision: str
    is_absent: bool = False


def _wish(mesh: Snapshot, pod: Resource) -> _Wish:
    """What a new pod of the same workload would ask for and meet."""
    namespace = mesh.catalog.find(NAMESPACE, "", pod.namespace)
    if namespace is None:
        return _Wish("", UNKNOWN)
    workload = mesh.workloads.owning(pod)
    labels = workload.template_labels
    wish = asked(namespace.labels, labels)
    label = str(wish) if wish else ""
    if opting_out(labels, template_annotations(workload)):
        return _Wish(label, NONE)
    if not mesh.catalog.known(MUTATING_WEBHOOK):
        return _Wish(label, UNKNOWN)
    revisions = sorted({hook.revision for hook in selecting(mesh, namespace.labels, labels)})
    if revisions:
        absent = all(is_present(mesh, name) is False for name in revisions)
        return _Wish(label, ", ".join(revisions), is_absent=absent)
    if wish is None:
        return _Wish(label, NONE)
    return _Wish(label, wish.revision, is_absent=is_present(mesh, wish.revision) is False)


def _connected(mesh: Snapshot, pod: Resource) -> str:
    connection = connections(mesh).get(f"{pod.name}.{pod.namespace}")
    if connection is not None:
        return connection.istiod.revision
    # A control plane outside the cluster cannot be asked who is connected.
    outside = any(item.what == "istiod" for item in mesh.not_read)
    return UNKNOWN if outside or unread_istiods(mesh) else NONE


def _brings_its_proxy(pod: Resource) -> bool:
    """Whether no webhook has a part in it: istiod runs it for a Gateway, or its template is whole.

    ``istioctl install`` renders its gateways with their proxy; the gateway chart has it injected.
    """
    return MANAGED_GATEWAY in pod.labels or not was_injected(pod)


def _judge(wish: _Wish, got: str, on: str, *, orphan: bool, whole: bool) -> tuple[State, str]:
    if wish.is_absent and not whole:
        why = f"no control plane of revision {wish.revision}: new pods get no proxy"
        return State.NO_CONTROL_PLANE, why
    if orphan:
        return State.NO_CONTROL_PLANE, f"its proxy belongs to {got}, which has no control plane"
    if on == NONE:
        return State.NOT_CONNECTED, "no istiod knows this proxy"
    if on not in (UNKNOWN, got):
        return State.ELSEWHERE, f"injected by {got}, connected to an istiod of {on}"
    if whole:
        return State.IN_ORDER, f"its template brings the proxy; connected to {on}"
    if wish.revision == NONE:
        return State.NOT_ASKED, "nothing asks for its proxy any more: a restart takes it away"
    if UNKNOWN in (wish.revision, on):
        return State.UNKNOWN, "not everything that tells was read"
    if wish.revision != got:
        return State.RESTART, f"a restart moves it from {got} to {wish.revision}"
    return State.IN_ORDER, f"asked for, injected by and connected to {got}"


def _with_proxy(mesh: Snapshot, pod: Resource) -> Triangle:
    got, on, whole = got_revision(pod) or UNKNOWN, _connected(mesh, pod), _brings_its_proxy(pod)
    wish = _Wish("", got) if whole else _wish(mesh, pod)
    connection = connections(mesh).get(f"{pod.name}.{pod.namespace}")
    stated, above = proxy_version(pod, mesh.proxy_of(pod), connection), istiod_of(mesh, pod)
    proxy = stated.version if stated else None
    istiod = above.version if above else None
    orphan = got != UNKNOWN and is_present(mesh, got) is False and on in (NONE, UNKNOWN)
    state, why = _judge(wish, got, on, orphan=orphan, whole=whole)
    if state in (State.IN_ORDER, State.NOT_ASKED) and proxy and istiod:
        if proxy.is_older_than(istiod):
            state, why = State.OLDER, f"proxy {proxy.text}, its istiod {istiod.text}"
        elif istiod.is_older_than(proxy):
            state, why = State.NEWER, f"proxy {proxy.text}, its istiod {istiod.text}"
    return Triangle(pod, wish.label, wish.revision, got, on, proxy, istiod, state, why)


def _without_proxy(mesh: Snapshot, pod: Resource) -> Triangle | None:
    """A pod that should have a proxy; None for one that rightly has none."""
    verdict = injection_verdict(mesh, pod)
    if verdict.verdict not in _LACKING:
        return None
    wish = _wish(mesh, pod)
    absent = verdict.verdict is Verdict.REVISION_ABSENT
    state = State.NO_CONTROL_PLANE if absent else State.NOT_INJECTED
    why = verdict.reason
    if verdict.verdict is Verdict.INJECTED:
        why = f"a new pod would get one ({verdict.reason})"
    return Triangle(pod, wish.label, wish.revision, NONE, NONE, None, None, state, why)


def triangles(mesh: Snapshot) -> Iterator[Triangle]:
    """Every pod that has a proxy or should have one, by namespace and name."""
    for pod in mesh.catalog.of(POD):
        if is_finished(pod) or is_terminating(pod) or is_istiod(pod):
            continue
        found = _with_proxy(mesh, pod) if has_proxy(pod) else _without_proxy(mesh, pod)
        if found is not None:
            yield found
