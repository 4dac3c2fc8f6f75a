"""Waypoints that exist and do not serve what is bound to them: another namespace's, or another use.

``istio.io/waypoint-for`` says whether a waypoint serves services (the default), workloads, both or
neither; ``allowedRoutes`` says which namespaces may use it. istiod drops every other binding, and
calls go past the waypoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.ambient_waypoints import wanted_waypoints, waypoint_subject
from meshdoctor.analyze.base import holds
from meshdoctor.intent.ambient import uses_ambient
from meshdoctor.intent.waypoints import (
    USE_WAYPOINT,
    WAYPOINT_FOR,
    Binding,
    admits,
    why_not_served,
)
from meshdoctor.model.finding import Finding, Outcome
from meshdoctor.model.kinds import KUBERNETES_GATEWAY, NAMESPACE, POD, SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

NOT_SERVED = "MD0508"


def _not_served(mesh: Snapshot, binding: Binding, gateway: Resource, why: str) -> Finding:
    labelled = binding.labelled
    message = f"Calls to what {labelled} binds to {gateway} go past it: {why}"
    space = labelled.namespace or labelled.name
    refused = admits(mesh, gateway, space) is False
    place = ("spec", "listeners") if refused else ("metadata", "labels", WAYPOINT_FOR)
    evidence = (
        labelled.evidence("metadata", "labels", USE_WAYPOINT),
        gateway.evidence(*place),
    )
    return Finding(
        code=NOT_SERVED,
        subject=waypoint_subject(binding.waypoint),
        outcome=Outcome.WARN,
        message=message,
        resource=str(gateway),
        objects=(str(gateway), str(labelled)),
        facts=(holds("waypoint-does-not-serve-it", message, *evidence),),
        root=False,
    )


@dataclass(frozen=True, slots=True)
class AmbientWaypointScope:
    """Waypoints serve what is bound to them."""

    name: str = "ambient-waypoint-scope"
    description: str = "Every waypoint serves what labels bind to it."
    inputs: tuple[str, ...] = (NAMESPACE.input, SERVICE.input, POD.input)
    codes: tuple[str, ...] = (NOT_SERVED,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each binding that istiod drops."""
        if not mesh.catalog.known(KUBERNETES_GATEWAY) or not uses_ambient(mesh):
            return
        for waypoint, asking in wanted_waypoints(mesh).items():
            gateway = waypoint.gateway(mesh)
            for binding in asking if gateway is not None else ():
                why = why_not_served(mesh, binding, gateway) if gateway is not None else None
                if gateway is not None and why is not None:
                    yield _not_served(mesh, binding, gateway, why)


ANALYZER = AmbientWaypointScope()
