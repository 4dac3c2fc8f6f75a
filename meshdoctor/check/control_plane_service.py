"""What stands around istiod: its Service, the endpoints behind it, its ConfigMaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.control_plane_users import (
    endpoint_slices_of,
    has_ready_endpoint,
    services_of,
)
from meshdoctor.check.checker import MeshChecker
from meshdoctor.check.control_plane import absence
from meshdoctor.check.outcome import Result, failed_if, judged
from meshdoctor.intent.control_plane import controller_of
from meshdoctor.intent.revision_labels import DEFAULT_REVISION
from meshdoctor.intent.revisions import control_planes
from meshdoctor.model.kinds import CONFIG_MAP, DEPLOYMENT, ENDPOINT_SLICE, POD, SERVICE
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.intent.revisions import ControlPlane
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_PORTS: dict[int, tuple[int, bool]] = {
    15012: (15012, True),
    443: (15017, True),
    15010: (15010, False),
    15014: (15014, False),
}
"""istiod's Service ports: the pod port behind each, and whether a mesh cannot do without.

xDS over TLS, webhooks; plaintext xDS and metrics are left out by some installations on purpose.
"""
_USES = {15012: "xDS", 443: "webhooks", 15010: "plaintext xDS", 15014: "metrics"}


def _ports(service: Resource) -> dict[int, object]:
    """Service port to target port, as written; a target port that is left out is the same."""
    entries = map(as_mapping, as_list(service.spec.get("ports")))
    return {
        item["port"]: item.get("targetPort", item["port"])
        for item in entries
        if isinstance(item.get("port"), int)
    }


def _port_problems(services: tuple[Resource, ...], name: str) -> Iterator[tuple[bool, str]]:
    """What is wrong with the ports of a control plane's Services, and whether it is grave."""
    ports: dict[int, object] = {}
    for service in services:
        ports |= _ports(service)
    where = " and ".join(map(str, services))
    for port, (target, grave) in _PORTS.items():
        if port not in ports:
            yield grave, f"{where} has no port {port} ({_USES[port]}) for {name}"
        # A named target port is the pod's own word for it: nothing to compare with.
        elif isinstance(ports[port], int) and ports[port] != target:
            yield grave, f"{where} sends port {port} to {ports[port]}, istiod listens on {target}"


def _service(mesh: Snapshot) -> Result:
    if nothing := absence(mesh):
        return nothing
    failures: list[str] = []
    warnings: list[str] = []
    for plane in control_planes(mesh).values():
        name = controller_of(mesh, plane)
        services = services_of(mesh, plane)
        if not services:
            failures.append(f"no Service selects the pods of {name}")
            continue
        for grave, problem in _port_problems(services, name):
            (failures if grave else warnings).append(problem)
    return judged(failures, warnings)


def _endpoints(mesh: Snapshot) -> Result:
    if nothing := absence(mesh):
        return nothing
    return failed_if(
        f"no Service of {controller_of(mesh, plane)} has a ready endpoint"
        for plane in control_planes(mesh).values()
        if not any(map(has_ready_endpoint, endpoint_slices_of(mesh, plane)))
    )


def _config_maps_of(plane: ControlPlane) -> Iterator[tuple[str, str, str]]:
    """Namespace, name and key of what a revision reads (istiod chart: configmap.yaml)."""
    suffix = "" if plane.revision == DEFAULT_REVISION else f"-{plane.revision}"
    for namespace in sorted(plane.namespaces):
        yield namespace, f"istio{suffix}", "mesh"
        yield namespace, f"istio-sidecar-injector{suffix}", "values"


def _config_maps(mesh: Snapshot) -> Result:
    if nothing := absence(mesh):
        return nothing
    problems = []
    for plane in control_planes(mesh).values():
        for namespace, name, key in _config_maps_of(plane):
            found = mesh.catalog.find(CONFIG_MAP, namespace, name)
            if found is None:
                problems.append(f"ConfigMap {namespace}/{name} does not exist")
            elif not found.get("data", key):
                problems.append(f"{found} has no key {key}")
    return failed_if(problems)


CHECKERS = (
    MeshChecker(
        id="istiod-service",
        description="istiod's Service selects it and has its ports",
        needs=(DEPLOYMENT, POD, SERVICE),
        check=_service,
    ),
    MeshChecker(
        id="istiod-endpoints",
        description="istiod's Service has ready endpoints",
        needs=(DEPLOYMENT, POD, SERVICE, ENDPOINT_SLICE),
        check=_endpoints,
    ),
    MeshChecker(
        id="istiod-config-maps",
        description="istiod's ConfigMaps are there",
        needs=(DEPLOYMENT, POD, CONFIG_MAP),
        check=_config_maps,
    ),
)
