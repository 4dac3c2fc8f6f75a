"""istiod's say on HTTPRoutes and GRPCRoutes: which parents take one, and if its backends are there.

The status that istiod writes for routes of its Gateways (pilot/pkg/config/kube/gateway); a route
whose definition it does not read gets none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.istio_crds import (
    gateway_api_crds,
    ignored_below,
    is_before_v1,
    newest_minor,
)
from meshdoctor.drill.objects import SERVICES, spec_of, status_of, uid_of
from meshdoctor.intent.gateway_api import is_istios_gateway
from meshdoctor.intent.waypoints import admits
from meshdoctor.model.kinds import CRD, KUBERNETES_GATEWAY
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.drill.state import State
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.serve.object_store import Object
    from meshdoctor.serve.resource_type import Key

_CONTROLLER = "istio.io/gateway-controller"


def reads_gateway_api(mesh: Snapshot, plural: str) -> bool:
    """Whether istiod reads a kind: its CRD serves v1, and is of no release that it ignores."""
    if not mesh.catalog.known(CRD):
        return True
    found = gateway_api_crds(mesh).get(plural)
    if found is None or is_before_v1(found):
        return False
    minor = newest_minor(mesh)
    return minor is None or ignored_below(plural, found, minor) is None


def _lacking(state: State, route: Object) -> str:
    """The first backend that is no Service there is; empty where all are."""
    for rule in map(as_mapping, as_list(spec_of(route).get("rules"))):
        for backend in map(as_mapping, as_list(rule.get("backendRefs"))):
            namespace = str(backend.get("namespace") or name_of(route)[0])
            name = str(backend.get("name"))
            is_service = backend.get("kind", "Service") == "Service"
            if is_service and state.objects.get(SERVICES, namespace, name) is None:
                return f"{namespace}/{name}"
    return ""


def _conditions(state: State, route: Object, *, admitted: bool) -> Iterator[dict[str, Any]]:
    lacking = _lacking(state, route)
    told = (
        ("Accepted", admitted, "NotAllowedByListeners", "Route was valid"),
        ("ResolvedRefs", not lacking, "BackendNotFound", "All references resolved"),
    )
    for kind, holds, reason, message in told:
        yield {
            "type": kind,
            "status": "True" if holds else "False",
            "reason": kind if holds else reason,
            "message": message if holds else f"{reason} {lacking}".strip(),
            "lastTransitionTime": state.timestamp,
        }


def _parents(state: State, route: Object) -> Iterator[dict[str, Any]]:
    """What istiod says of each parent that is a Gateway of its own."""
    mesh, own = state.mesh, name_of(route)[0]
    for parent in map(as_mapping, as_list(spec_of(route).get("parentRefs"))):
        namespace = str(parent.get("namespace") or own)
        gateway = mesh.catalog.find(KUBERNETES_GATEWAY, namespace, str(parent.get("name")))
        if parent.get("kind", "Gateway") != "Gateway" or gateway is None:
            continue
        if is_istios_gateway(mesh, gateway):
            admitted = admits(mesh, gateway, own) is not False
            conditions = list(_conditions(state, route, admitted=admitted))
            yield {
                "parentRef": dict(parent),
                "controllerName": _CONTROLLER,
                "conditions": conditions,
            }


def _told(parents: Iterable[object]) -> list[tuple[object, ...]]:
    """What a status says, whenever it was written."""
    return [
        (one.get("parentRef"), [(c.get("type"), c.get("status")) for c in conditions])
        for one in map(as_mapping, parents)
        if (conditions := [as_mapping(each) for each in as_list(one.get("conditions"))])
    ]


def reconcile_route(state: State, key: Key, route: Object) -> State:
    """Write the status of one route that was not recorded.

    Args:
        state: of the cluster.
        key: of its kind.
        route: as it stands.
    """
    recorded = state.recorded.get(key, *name_of(route))
    if recorded is not None and uid_of(recorded) == uid_of(route):
        return state
    mesh = state.mesh
    if not (reads_gateway_api(mesh, key[1]) and reads_gateway_api(mesh, "gateways")):
        return state
    parents = list(_parents(state, route))
    if _told(parents) == _told(as_list(status_of(route).get("parents"))):
        return state
    return state.put(key, {**route, "status": {"parents": parents}})
