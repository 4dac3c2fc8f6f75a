"""Waypoints that labels ask for: does the Gateway exist, and does it take calls?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.ambient_facts import (
    ZTUNNEL_CONFIG_INPUT,
    ZTUNNEL_LOG_INPUT,
    affected_by,
    dump_evidence,
    failures,
    undecided,
)
from meshdoctor.analyze.base import holds, silent, unread
from meshdoctor.analyze.nearest_labels import nearest_word
from meshdoctor.intent.ambient import uses_ambient
from meshdoctor.intent.waypoints import (
    USE_WAYPOINT,
    Binding,
    WaypointName,
    bindings,
    is_waypoint,
)
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import KUBERNETES_GATEWAY, NAMESPACE, SERVICE, Kind
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.ambient_facts import Failure
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

MISSING = "MD0503"
BOUND = "istio.io/WaypointBound"
_MOST_SHOWN = 3
_MOST_AFFECTED = 20
NEEDED: tuple[Kind, ...] = (NAMESPACE, SERVICE, KUBERNETES_GATEWAY)
"""What must have been read before it can be said that a waypoint is not there."""


def needed(mesh: Snapshot) -> tuple[Kind, ...]:
    """The kinds that decide: Gateways do not where no label names one."""
    labels_known = mesh.catalog.known(NAMESPACE, SERVICE)
    return NEEDED[:-1] if labels_known and not bindings(mesh) else NEEDED


def waypoint_subject(waypoint: WaypointName) -> str:
    """Subject of findings about a waypoint."""
    return f"waypoint {waypoint.namespace}/{waypoint.name}"


@lru_cache(maxsize=2)
def wanted_waypoints(mesh: Snapshot) -> dict[WaypointName, tuple[Binding, ...]]:
    """The waypoints that labels ask for, with who asks."""
    found: dict[WaypointName, list[Binding]] = {}
    for item in bindings(mesh):
        found.setdefault(item.waypoint, []).append(item)
    return {name: tuple(items) for name, items in sorted(found.items())}


def bound_condition(service: Resource) -> tuple[Evidence, str] | None:
    """What istiod says of a service's waypoint, where it says no: the reason, and its message."""
    for index, value in enumerate(as_list(service.status.get("conditions"))):
        item = as_mapping(value)
        if item.get("type") == BOUND and item.get("status") == "False":
            evidence = service.evidence("status", "conditions", index, "reason")
            return evidence, str(item.get("message") or item.get("reason") or "")
    return None


def unbound_fact(mesh: Snapshot, asking: tuple[Binding, ...]) -> Fact:
    """Whether ztunnel, or istiod, sends calls straight to the services."""
    services = [service for item in asking for service in item.services]
    for service in services:
        said = bound_condition(service)
        if said is not None:
            return holds("service-is-not-bound", f"istiod says of {service}: {said[1]}", said[0])
    for ztunnel in mesh.ztunnels:
        dump = ztunnel.config
        for service in services if dump else ():
            held = dump.service(service.namespace, service.name) if dump else None
            if held is not None and not held.waypoint:
                pointer = f"{held.pointer}/hostname"
                shown = dump_evidence(ztunnel, pointer, held.hostname, "services")
                text = f"Ztunnel {ztunnel.pod} sends calls to {held.hostname} past any waypoint"
                return holds("service-is-not-bound", text, shown)
    if not any(ztunnel.config for ztunnel in mesh.ztunnels):
        return unread("service-is-not-bound", "No ztunnel's dump could be read")
    return silent("service-is-not-bound", "No service says that it is not bound")


def services_affected(asking: tuple[Binding, ...], domain: str) -> tuple[Affected, ...]:
    """The services that a waypoint should serve, each by its first port."""
    found = []
    for service in (service for item in asking for service in item.services):
        port = as_mapping(next(iter(as_list(service.spec.get("ports"))), {})).get("port")
        if isinstance(port, int) and service.kind is SERVICE:
            found.append(Affected("", f"{service.name}.{service.namespace}.svc.{domain}:{port}"))
    return tuple(sorted(found))[:_MOST_AFFECTED]


def waypoint_failures(mesh: Snapshot, waypoint: WaypointName) -> tuple[Failure, ...]:
    """Calls that ztunnel turned down of late because it cannot reach a waypoint."""
    host = f'"{waypoint.name}.{waypoint.namespace}.svc.'
    return tuple(
        item
        for item in failures(mesh)
        if "unknown waypoint" in item.error and host in item.error.replace("\\", "")
    )


def _label_command(labelled: Resource, value: str) -> str:
    """Kubectl label for the binding; a trailing dash takes it away."""
    scope = f" -n {labelled.namespace}" if labelled.namespace else ""
    word = f"{USE_WAYPOINT}={value} --overwrite" if value else f"{USE_WAYPOINT}-"
    return f"kubectl label {labelled.kind.name.lower()} {labelled.name}{scope} {word}"


def _fills(mesh: Snapshot, waypoint: WaypointName, labelled: Resource) -> dict[str, str]:
    there = [
        item.name
        for item in mesh.catalog.within(KUBERNETES_GATEWAY, waypoint.namespace)
        if is_waypoint(mesh, item)
    ]
    other = nearest_word(waypoint.name, there)
    if other is None and len(there) == 1:
        other = there[0]
    fills = {
        "waypoint": f"{waypoint.namespace}/{waypoint.name}",
        "labelled": str(labelled),
        "remove": _label_command(labelled, ""),
        "restore": _label_command(labelled, waypoint.name),
        "near": f" {waypoint.namespace} has a waypoint called {other}." if other else "",
    }
    if other:
        return fills | {
            "do": f"Name the waypoint that exists, {other}.",
            "command": _label_command(labelled, other),
            "changes": f"The label {USE_WAYPOINT} of {labelled}; calls go through {other} at once.",
            "undo": _label_command(labelled, waypoint.name),
        }
    place = f"-n {waypoint.namespace} --name {waypoint.name}"
    return fills | {
        "do": "Make the waypoint that the label names.",
        "command": f"istioctl waypoint apply {place} --wait",
        "changes": f"Adds {waypoint} and a Deployment of it; calls go through it once it is ready.",
        "undo": f"istioctl waypoint delete {waypoint.name} -n {waypoint.namespace}",
    }


def _missing(mesh: Snapshot, waypoint: WaypointName, asking: tuple[Binding, ...]) -> Finding:
    labelled = asking[0].labelled
    message = f"{labelled} asks for waypoint {waypoint.namespace}/{waypoint.name}, "
    message += "and there is no such Gateway"
    label = tuple(
        item.labelled.evidence("metadata", "labels", USE_WAYPOINT) for item in asking[:_MOST_SHOWN]
    )
    seen = waypoint_failures(mesh, waypoint)
    binds = any(item.services for item in asking) or labelled.kind is not NAMESPACE
    return Finding(
        code=MISSING,
        subject=waypoint_subject(waypoint),
        outcome=Outcome.FAIL,
        message=message,
        resource=str(labelled),
        objects=tuple(
            dict.fromkeys(
                (str(labelled), str(waypoint), *(str(item.labelled) for item in asking[1:]))
            )
        ),
        facts=(
            holds("waypoint-is-named", message, *label),
            holds("gateway-does-not-exist", f"{waypoint} is not among the Gateways"),
            unbound_fact(mesh, asking),
        ),
        affected=affected_by(mesh, seen) or services_affected(asking, mesh.registry.domain),
        fills=_fills(mesh, waypoint, labelled),
        root=binds or not mesh.catalog.known(SERVICE),
    )


def _there(gateway: Resource, waypoint: WaypointName) -> Finding:
    message = f"{waypoint}, which labels name, exists"
    evidence = gateway.evidence("metadata", "name")
    return Finding(
        code=MISSING,
        subject=waypoint_subject(waypoint),
        outcome=Outcome.PASS,
        message=message,
        resource=str(gateway),
        facts=(holds("gateway-exists", message, evidence),),
    )


@dataclass(frozen=True, slots=True)
class AmbientWaypoints:
    """Waypoints that labels ask for exist."""

    name: str = "ambient-waypoints"
    description: str = "Every waypoint that a label names exists."
    # Gateways are left out: they matter where labels name one, which UNKNOWN findings say.
    inputs: tuple[str, ...] = (
        NAMESPACE.input,
        SERVICE.input,
        ZTUNNEL_CONFIG_INPUT,
        ZTUNNEL_LOG_INPUT,
    )
    codes: tuple[str, ...] = (MISSING,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each waypoint that is asked for."""
        missing = undecided(mesh, MISSING, "Which waypoints exist", *needed(mesh))
        if missing is not None:
            yield missing
        if not mesh.catalog.known(KUBERNETES_GATEWAY) or not uses_ambient(mesh):
            return
        for waypoint, asking in wanted_waypoints(mesh).items():
            gateway = waypoint.gateway(mesh)
            if gateway is not None:
                yield _there(gateway, waypoint)
            else:
                yield _missing(mesh, waypoint, asking)


ANALYZER = AmbientWaypoints()
