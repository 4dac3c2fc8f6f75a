"""Does every proxy run its control plane's version, of the revision its namespace asks for?"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import (
    ISTIOD_SYNC,
    MESH_SUBJECT,
    PROXY_CONFIG,
    holds,
    namespace_subject,
)
from meshdoctor.analyze.control_plane import DOWN
from meshdoctor.analyze.control_plane_state import State, condition
from meshdoctor.analyze.upgrade_outdated import Moved, Versions, moved, versions
from meshdoctor.analyze.upgrade_restart import ordered, pin_evidence, restart_fills
from meshdoctor.intent.revision_labels import DEFAULT_REVISION, REVISION, asked_by_namespace
from meshdoctor.intent.revisions import control_planes, got_revision
from meshdoctor.model.finding import Affected, Fact, Finding, Outcome
from meshdoctor.model.kinds import DEPLOYMENT, MUTATING_WEBHOOK, NAMESPACE, POD
from meshdoctor.model.resource import object_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

OLDER = "MD0430"
"""Proxies of a namespace are older than their istiod."""
OTHER_REVISION = "MD0431"
"""Pods of a namespace were injected by another revision than it asks for now."""
NEWER = "MD0432"
"""Proxies of a namespace are newer than their istiod."""

_STATUS = "sidecar.istio.io/status"
"""Annotation that the injector writes on every pod it changes."""
_SHOWN = 3
"""So many proxies are quoted as evidence."""


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _affected(workloads: Sequence[Workload]) -> tuple[Affected, ...]:
    return tuple(Affected(str(item), "") for item in workloads)


def _pinned(workloads: Sequence[Workload]) -> tuple[Fact, ...]:
    shown = pin_evidence(workloads)
    text = "The pod template pins the proxy's image, so that a restart alone changes nothing"
    return (holds("proxy-image-is-pinned", text, *shown),) if shown else ()


def _skew(found: Sequence[Versions]) -> str:
    behind = max(item.proxy.version.minors_behind(item.istiod.version) for item in found)
    # Istio supports a data plane one minor release behind its control plane.
    return f", {behind} minor releases: more than Istio supports" if behind > 1 else ""


def _older(mesh: Snapshot, namespace: str, found: Sequence[Versions]) -> Finding:
    workloads = ordered(mesh.workloads.owning(item.pod) for item in found)
    names = tuple(str(item) for item in workloads)
    old = ", ".join(sorted({item.proxy.version.text for item in found}))
    new = ", ".join(sorted({item.istiod.version.text for item in found}))
    verb = "runs" if len(found) == 1 else "run"
    proxies = f"{_count(len(found), 'proxy', 'proxies')} of {namespace} {verb} {old}"
    message = f"{proxies}, their istiod runs {new}{_skew(found)}"
    behind = [item.proxy.evidence for item in found[:_SHOWN]]
    return Finding(
        code=OLDER,
        subject=namespace_subject(namespace),
        outcome=Outcome.FAIL,
        message=message,
        resource=names[0],
        objects=names[:6],
        facts=(
            holds("data-plane-is-behind", proxies, *behind),
            holds("control-plane-is-ahead", f"istiod runs {new}", found[0].istiod.evidence),
            *_pinned(workloads),
        ),
        affected=_affected(workloads),
        fills={"lag": message, **restart_fills(workloads)},
    )


def _injected_by(pod: Resource) -> Evidence:
    """Where a pod says which revision injected it."""
    key = REVISION if REVISION in pod.annotations else _STATUS
    return pod.evidence("metadata", "annotations", key)


def _asking(mesh: Snapshot, namespace: str, first: Moved) -> tuple[Evidence, ...]:
    """Where the other revision is asked for: the namespace's label, and the tag it names."""
    shown = []
    item = mesh.catalog.find(NAMESPACE, "", namespace)
    asked = asked_by_namespace(item.labels) if item else None
    if item is not None and asked is not None:
        shown.append(item.evidence("metadata", "labels", asked.label))
    shown.append(first.webhook.configuration.evidence("metadata", "labels", REVISION))
    return (*shown, *condition(mesh, control_planes(mesh)[first.webhook.revision]).evidence)


def _other_revision(mesh: Snapshot, namespace: str, found: Sequence[Moved]) -> Finding:
    workloads = ordered(mesh.workloads.owning(item.pod) for item in found)
    asked = found[0].webhook.revision
    got = ", ".join(sorted({item.got for item in found}))
    resource = object_text(NAMESPACE.name, "", namespace)
    verb = "has" if len(found) == 1 else "have"
    count = _count(len(found), "pod", "pods")
    pods = f"{count} of {namespace} still {verb} the proxy of revision {got}"
    message = f"{namespace} asks for revision {asked}, but {pods}"
    behind = [_injected_by(item.pod) for item in found[:_SHOWN]]
    return Finding(
        code=OTHER_REVISION,
        subject=namespace_subject(namespace),
        outcome=Outcome.FAIL,
        message=message,
        resource=resource,
        objects=(resource, *(str(item) for item in workloads))[:6],
        facts=(
            holds("data-plane-is-behind", pods, *behind),
            holds(
                "control-plane-is-ahead",
                f"{namespace} asks for revision {asked}, whose istiod is ready",
                *_asking(mesh, namespace, found[0]),
            ),
        ),
        affected=_affected(workloads),
        fills={"lag": message, **restart_fills(workloads)},
    )


def _passes(code: str, namespace: str, text: str, *evidence: Evidence) -> Finding:
    facts = (holds("what-is-so", text, *evidence),)
    subject, resource = namespace_subject(namespace), object_text(NAMESPACE.name, "", namespace)
    return Finding(code, subject, Outcome.PASS, text, resource, facts=facts)


def _its_istiod_is_ready(mesh: Snapshot, namespace: str, revision: str) -> Iterator[Finding]:
    """What rules out that pods keep their old proxy because the istiod they need is down."""
    plane = control_planes(mesh).get(revision)
    state = condition(mesh, plane) if plane else None
    if state is not None and state.state is State.READY:
        yield _passes(DOWN, namespace, state.text, *state.evidence)


def _revision_stands(
    mesh: Snapshot, namespace: str, found: Sequence[Versions]
) -> Iterator[Finding]:
    """That no pod of a namespace would get its proxy from another revision."""
    installed = control_planes(mesh)
    if not mesh.catalog.known(NAMESPACE, MUTATING_WEBHOOK):
        return
    if all(got_revision(item.pod) in installed for item in found):
        text = f"A restart would give the pods of {namespace} no proxy of another revision"
        yield _passes(OTHER_REVISION, namespace, text, *(_injected_by(i.pod) for i in found[:4]))


def _newer(mesh: Snapshot, namespace: str, found: Sequence[Versions]) -> Finding:
    workloads = ordered(mesh.workloads.owning(item.pod) for item in found)
    names = tuple(str(item) for item in workloads)
    first = found[0]
    message = (
        f"In {namespace} proxies run {first.proxy.version.text}, newer than their istiod "
        f"({first.istiod.version.text}): Istio supports older proxies only"
    )
    fact = holds("proxy-is-newer", message, first.proxy.evidence, first.istiod.evidence)
    return Finding(
        code=NEWER,
        subject=namespace_subject(namespace),
        outcome=Outcome.WARN,
        message=message,
        resource=names[0],
        objects=names[:6],
        facts=(fact,),
        affected=_affected(workloads),
        root=False,
    )


def _same(namespace: str, found: Sequence[Versions]) -> Finding:
    first = found[0]
    message = f"The proxies of {namespace} run their istiod's version {first.istiod.version.text}"
    return _passes(OLDER, namespace, message, first.proxy.evidence, first.istiod.evidence)


def _by_version(mesh: Snapshot, lagging: frozenset[str]) -> Iterator[Finding]:
    """Findings from versions; pods that a restart moves to another revision are left out."""
    spaces: dict[str, list[Versions]] = defaultdict(list)
    for item in versions(mesh):
        spaces[item.pod.namespace].append(item)
    for namespace, found in sorted(spaces.items()):
        rest = [item for item in found if f"{item.pod.name}.{namespace}" not in lagging]
        older = [i for i in rest if i.proxy.version.is_older_than(i.istiod.version)]
        newer = [i for i in rest if i.istiod.version.is_older_than(i.proxy.version)]
        if older:
            yield _older(mesh, namespace, older)
            revision = got_revision(older[0].pod) or DEFAULT_REVISION
            yield from _its_istiod_is_ready(mesh, namespace, revision)
        if newer:
            yield _newer(mesh, namespace, newer)
        if not older and not newer:
            yield _same(namespace, found)
        if len(rest) == len(found):
            yield from _revision_stands(mesh, namespace, found)


@dataclass(frozen=True, slots=True)
class DataPlaneUpToDate:
    """Every proxy runs the version and the revision of the control plane it should have."""

    name: str = "data-plane-up-to-date"
    description: str = "Every proxy has its control plane's version and its namespace's revision."
    inputs: tuple[str, ...] = (
        POD.input,
        DEPLOYMENT.input,
        NAMESPACE.input,
        MUTATING_WEBHOOK.input,
        ISTIOD_SYNC,
        PROXY_CONFIG,
    )
    codes: tuple[str, ...] = (OLDER, OTHER_REVISION, NEWER, DOWN)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each namespace and kind of lag."""
        resource = object_text(NAMESPACE.name, "", mesh.root_namespace)
        spaces: dict[str, list[Moved]] = defaultdict(list)
        for item in moved(mesh):
            spaces[item.pod.namespace].append(item)
        for namespace, found in sorted(spaces.items()):
            yield _other_revision(mesh, namespace, found)
            yield from _its_istiod_is_ready(mesh, namespace, found[0].webhook.revision)
        lagging = {f"{item.pod.name}.{item.pod.namespace}" for fs in spaces.values() for item in fs}
        yield from _by_version(mesh, frozenset(lagging))
        for code, kinds in ((OLDER, (POD,)), (OTHER_REVISION, (POD, NAMESPACE, MUTATING_WEBHOOK))):
            needs = mesh.catalog.unread(*kinds)
            if needs:
                message = "Whether every proxy keeps up with its control plane is not known"
                yield Finding(code, MESH_SUBJECT, Outcome.UNKNOWN, message, resource, needs=needs)


ANALYZER = DataPlaneUpToDate()
