"""Which istiod a proxy should talk to, and whether that istiod is ready.

A proxy talks to the Service in its ``PROXY_CONFIG.discoveryAddress`` (``istiod[-<revision>]``);
the revision that injected it stands in its pod's annotations (pilot pkg/kube/inject).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.intent.revision_labels import DEFAULT_REVISION
from meshdoctor.intent.revisions import ControlPlane, control_planes, got_revision
from meshdoctor.model.kinds import POD, SERVICE
from meshdoctor.model.pod import (
    PROXY_CONTAINER,
    container_path,
    is_finished,
    is_istiod,
    is_ready,
    is_terminating,
)
from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.model.selector import matches_labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

XDS_PORT = 15012
"""istiod's port for xDS and certificates over TLS, on the Service and on the pod alike."""

_ADDRESS = re.compile(
    r"(?P<service>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)\.svc[a-z0-9.-]*:(?P<port>\d+)"
)


def ready_pods(plane: ControlPlane) -> tuple[Resource, ...]:
    """The replicas of a control plane that serve."""
    return tuple(pod for pod in plane.pods if is_ready(pod))


def controller_of(mesh: Snapshot, plane: ControlPlane) -> str:
    """What runs a control plane, ``Deployment istio-system/istiod``: the object to mend."""
    if plane.deployments:
        return str(plane.deployments[0])
    return str(mesh.workloads.owning(plane.pods[0]))


def ready_istiods(mesh: Snapshot) -> tuple[Resource, ...]:
    """Every istiod pod that serves, of every revision."""
    return tuple(
        pod
        for pod in mesh.catalog.of(POD)
        if is_istiod(pod) and is_ready(pod) and not is_finished(pod) and not is_terminating(pod)
    )


@dataclass(frozen=True, slots=True)
class DiscoveryAddress:
    """Where a proxy looks for istiod."""

    service: str
    namespace: str
    port: int

    def __str__(self) -> str:
        """As it stands in a proxy's configuration, without the cluster's domain."""
        return f"{self.service}.{self.namespace}.svc:{self.port}"


def _environment(pod: Resource) -> dict[str, str]:
    path = container_path(pod, PROXY_CONTAINER)
    entries = as_list(pod.get(*path, "env")) if path else []
    variables = [as_strings(item) for item in entries]
    return {item["name"]: item.get("value", "") for item in variables if "name" in item}


def _addresses(pod: Resource | None, proxy: Proxy | None) -> Iterator[str]:
    bootstrap = proxy.config.bootstrap if proxy and proxy.config else None
    if bootstrap is not None:
        yield bootstrap.discovery_address
    if pod is None:
        return
    variables = _environment(pod)
    try:
        settings = json.loads(variables.get("PROXY_CONFIG") or "{}")
    except ValueError:
        settings = {}
    # PROXY_CONFIG holds only what differs from the mesh's defaults; CA_ADDR is always whole.
    yield str(as_mapping(settings).get("discoveryAddress") or "")
    yield variables.get("CA_ADDR", "")


def discovery_address(pod: Resource | None, proxy: Proxy | None) -> DiscoveryAddress | None:
    """Where a proxy looks for istiod: its bootstrap, else its pod's environment.

    Returns:
        None when it is not said, or is no Service of the cluster (an external control plane).
    """
    text = next((address for address in _addresses(pod, proxy) if address), "")
    found = _ADDRESS.fullmatch(text)
    if found is None:
        return None
    return DiscoveryAddress(found["service"], found["namespace"], int(found["port"]))


def is_external(pod: Resource | None, proxy: Proxy | None) -> bool:
    """Whether a proxy looks for istiod outside the cluster."""
    return any(_addresses(pod, proxy)) and discovery_address(pod, proxy) is None


def discovery_service(mesh: Snapshot, address: DiscoveryAddress) -> Resource | None:
    """The Service of a discovery address; None when it is unread or does not exist."""
    return mesh.catalog.find(SERVICE, address.namespace, address.service)


def serves(service: Resource, plane: ControlPlane) -> bool:
    """Whether a Service selects a control plane's pods (those its template would make)."""
    wanted = as_strings(service.spec.get("selector"))
    templates = [
        as_strings(item.get("spec", "template", "metadata", "labels")) for item in plane.deployments
    ]
    labels = [*templates, *(pod.labels for pod in plane.pods)]
    return (
        bool(wanted)
        and service.namespace in plane.namespaces
        and any(matches_labels(wanted, each) for each in labels)
    )


def _named(mesh: Snapshot, address: DiscoveryAddress) -> ControlPlane | None:
    revision = address.service.removeprefix("istiod").lstrip("-") or DEFAULT_REVISION
    plane = control_planes(mesh).get(revision)
    return plane if plane and address.namespace in plane.namespaces else None


def plane_of(mesh: Snapshot, pod: Resource | None, proxy: Proxy | None) -> ControlPlane | None:
    """The control plane that a proxy should talk to.

    By its discovery address: the istiod that the Service there selects, a ready one first, else
    the one of the revision the Service is named after; without an address, by its revision.

    Returns:
        None when there is no such istiod in what was read.
    """
    address = discovery_address(pod, proxy)
    if address is None:
        if pod is None or is_external(pod, proxy):
            return None
        return control_planes(mesh).get(got_revision(pod) or DEFAULT_REVISION)
    service = discovery_service(mesh, address)
    if service is not None:
        chosen = [plane for plane in control_planes(mesh).values() if serves(service, plane)]
        if chosen:
            return next((plane for plane in chosen if ready_pods(plane)), chosen[0])
    return _named(mesh, address)
