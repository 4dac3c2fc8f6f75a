"""Is there an istiod for everyone who needs one?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import MESH_SUBJECT, holds, silent, unread
from meshdoctor.analyze.control_plane_gone import gone
from meshdoctor.analyze.control_plane_state import Condition, State, condition
from meshdoctor.analyze.control_plane_users import (
    Refused,
    endpoint_slices_of,
    has_ready_endpoint,
    namespaces_asking,
    pods_served,
    refused_workloads,
)
from meshdoctor.analyze.endpoint_evidence import endpoints_evidence
from meshdoctor.intent.control_plane import controller_of
from meshdoctor.intent.revision_labels import asked_by_namespace
from meshdoctor.intent.revisions import ControlPlane, control_planes
from meshdoctor.model.finding import Affected, Fact, Finding, Outcome, Severity
from meshdoctor.model.kinds import (
    DEPLOYMENT,
    ENDPOINT_SLICE,
    EVENT,
    MUTATING_WEBHOOK,
    NAMESPACE,
    POD,
    REPLICA_SET,
    SERVICE,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

DOWN = "MD0400"
"""No istiod of a revision is ready."""
WEBHOOK_SILENT = "MD0401"
"""Pods cannot be created because the injection webhook of that istiod does not answer."""
ORPHANED = "MD0402"
"""Proxies have no istiod to talk to."""


@dataclass(frozen=True, slots=True)
class _Plane:
    """A control plane with everything that the findings about it need."""

    mesh: Snapshot
    plane: ControlPlane
    condition: Condition
    namespaces: tuple[Resource, ...]
    pods: tuple[Resource, ...]
    refused: tuple[Refused, ...]

    @property
    def controller(self) -> str:
        return controller_of(self.mesh, self.plane)

    @property
    def affected(self) -> tuple[Affected, ...]:
        names = {str(self.mesh.workloads.owning(pod)) for pod in self.pods}
        names |= {item.workload for item in self.refused}
        return tuple(Affected(name, "") for name in sorted(names))


def _look_at(mesh: Snapshot, plane: ControlPlane) -> _Plane:
    return _Plane(
        mesh,
        plane,
        condition(mesh, plane),
        namespaces_asking(mesh, plane.revision),
        pods_served(mesh, plane),
        refused_workloads(mesh, plane),
    )


def _in_use(seen: _Plane) -> Fact | None:
    """That somebody needs this control plane; None when nobody that was seen does."""
    revision = seen.plane.revision
    evidence = []
    for item in seen.namespaces[:2]:
        asked = asked_by_namespace(item.labels)
        if asked:
            evidence.append(item.evidence("metadata", "labels", asked.label))
    if evidence:
        names = ", ".join(item.name for item in seen.namespaces)
        text = f"Namespaces ask for revision {revision}: {names}"
        return holds("revision-is-in-use", text, *evidence)
    if seen.pods:
        text = f"{len(seen.pods)} proxies belong to revision {revision}"
        return holds("revision-is-in-use", text, seen.pods[0].evidence("metadata", "name"))
    if len(control_planes(seen.mesh)) == 1:
        shown = seen.condition.evidence
        return holds("revision-is-in-use", "It is the only control plane there is", *shown)
    return None


def _endpoints(seen: _Plane) -> Fact:
    fact = "istiod-service-has-no-endpoint"
    mesh = seen.mesh
    if not mesh.catalog.known(ENDPOINT_SLICE):
        return unread(fact, "EndpointSlices were not read")
    slices = endpoint_slices_of(mesh, seen.plane)
    if not slices:
        return silent(fact, "There is no EndpointSlice of istiod's Service")
    shown = [endpoints_evidence(item) for item in slices[:2]]
    if any(has_ready_endpoint(item) for item in slices):
        return silent(fact, "istiod's Service still lists an endpoint", *shown)
    return holds(fact, "istiod's Service has no ready endpoint: nobody can reach it", *shown)


def _refusals(seen: _Plane) -> tuple[Fact, ...]:
    if not seen.refused:
        return ()
    names = ", ".join(item.workload for item in seen.refused)
    text = f"The API server cannot call the injection webhook, so {names} gets no pods"
    return (holds("pods-cannot-be-created", text, seen.refused[0].evidence),)


def _fills(seen: _Plane) -> dict[str, str]:
    kind, _, rest = seen.controller.partition(" ")
    namespace, _, name = rest.partition("/")
    target = f"{kind.lower()}/{name} -n {namespace}"
    common = {"revision": seen.plane.revision, "why": seen.condition.text, "target": target}
    if any(item.spec.get("replicas") == 0 for item in seen.plane.deployments):
        return common | {
            "mend": "Give istiod a replica again.",
            "mend_command": f"kubectl scale {target} --replicas=1",
            "mend_changes": f"Starts one pod of {seen.controller}; an autoscaler takes over then.",
            "mend_undo": f"kubectl scale {target} --replicas=0",
        }
    labels = f"app=istiod,istio.io/rev={seen.plane.revision}"
    return common | {
        "mend": "Find out why its pods are not ready, and mend that.",
        "mend_command": f"kubectl describe pods -n {namespace} -l {labels}",
        "mend_changes": "Nothing: it shows the events and the reason.",
        "mend_undo": "Nothing to undo.",
    }


def _down(seen: _Plane) -> Finding:
    used = _in_use(seen)
    down = holds("no-istiod-is-ready", seen.condition.text, *seen.condition.evidence)
    consequence = "configuration changes do nothing, new pods get no proxy or do not start"
    message = f"No istiod of revision {seen.plane.revision} is ready ({seen.condition.text})"
    return Finding(
        code=DOWN,
        subject=MESH_SUBJECT,
        outcome=Outcome.FAIL if used else Outcome.WARN,
        message=f"{message}: {consequence}" if used else f"{message}; nobody uses it",
        resource=seen.controller,
        objects=(seen.controller,),
        facts=tuple(fact for fact in (down, used, _endpoints(seen), *_refusals(seen)) if fact),
        affected=seen.affected,
        severity=None if used else Severity.WARNING,
        root=used is not None,
        fills=_fills(seen),
    )


def _not_known(seen: _Plane) -> Finding | None:
    """That it cannot be told whether a control plane is down, or whether anybody minds."""
    mesh = seen.mesh
    needs = seen.condition.needs
    if seen.condition.state is State.DOWN and _in_use(seen) is None:
        needs = mesh.catalog.unread(NAMESPACE, POD)
    if not needs:
        return None
    message = f"Whether anybody lacks the istiod of revision {seen.plane.revision} is not known"
    return Finding(DOWN, MESH_SUBJECT, Outcome.UNKNOWN, message, seen.controller, needs=needs)


def _consequences(seen: _Plane) -> Iterator[Finding]:
    resource = seen.controller
    if seen.refused:
        facts = _refusals(seen)
        yield Finding(
            code=WEBHOOK_SILENT,
            subject=MESH_SUBJECT,
            outcome=Outcome.WARN,
            message=facts[0].text,
            resource=resource,
            objects=(resource,),
            facts=facts,
            affected=tuple(Affected(item.workload, "") for item in seen.refused),
            root=False,
        )
    if seen.pods:
        text = f"Without istiod, keeping the configuration they hold: {len(seen.pods)} proxies"
        yield Finding(
            code=ORPHANED,
            subject=MESH_SUBJECT,
            outcome=Outcome.WARN,
            message=text,
            resource=resource,
            objects=(resource,),
            facts=(holds("proxies-without-istiod", text, *seen.condition.evidence),),
            affected=seen.affected,
            root=False,
        )


def _findings(seen: _Plane) -> Iterator[Finding]:
    unknown = _not_known(seen)
    if unknown is not None:
        yield unknown
        return
    state, text, resource = seen.condition.state, seen.condition.text, seen.controller
    facts = (holds("state-of-istiod", text, *seen.condition.evidence),)
    if state is State.DOWN:
        yield _down(seen)
        yield from _consequences(seen)
    elif state is State.STARTING:
        yield Finding(
            DOWN,
            MESH_SUBJECT,
            Outcome.WARN,
            text,
            resource,
            facts=facts,
            root=False,
            severity=Severity.INFO,
        )
    else:
        yield Finding(DOWN, MESH_SUBJECT, Outcome.PASS, text, resource, facts=facts)
        if state is State.OUT_OF_MEMORY:
            yield from _consequences(seen)


@dataclass(frozen=True, slots=True)
class ControlPlaneReady:
    """Every revision that somebody uses has a ready istiod."""

    name: str = "control-plane-ready"
    description: str = "Every revision of istiod that somebody uses has a ready pod."
    inputs: tuple[str, ...] = (
        DEPLOYMENT.input,
        POD.input,
        NAMESPACE.input,
        SERVICE.input,
        ENDPOINT_SLICE.input,
        MUTATING_WEBHOOK.input,
        REPLICA_SET.input,
        EVENT.input,
    )
    codes: tuple[str, ...] = (DOWN, WEBHOOK_SILENT, ORPHANED)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each control plane, and what follows where it is down."""
        planes = control_planes(mesh)
        if not planes and not mesh.catalog.known(DEPLOYMENT):
            yield Finding(
                DOWN,
                MESH_SUBJECT,
                Outcome.UNKNOWN,
                "Whether an istiod is down is not known",
                f"Namespace {mesh.root_namespace}",
                needs=mesh.catalog.unread(DEPLOYMENT, POD),
            )
        yield from gone(mesh, DOWN)
        for revision in planes:
            yield from _findings(_look_at(mesh, planes[revision]))


ANALYZER = ControlPlaneReady()
