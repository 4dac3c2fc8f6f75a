"""Which proxies an EnvoyFilter changes, and by which of its patches.

Mirrors networking.istio.io/v1alpha3 EnvoyFilter: one in the root namespace concerns every
namespace, any other its own; ``workloadSelector`` or ``targetRefs`` narrow it to some workloads,
each patch's ``match`` to a direction and to proxy versions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.model.kinds import ENVOY_FILTER, POD
from meshdoctor.model.pod import is_gateway
from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.model.selector import matches_labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.analyze.sync_connections import Connection
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
"""Pod label of the gateways and waypoints that istiod runs for a Gateway object."""

_CONTEXTS = {
    "sidecar": frozenset({"ANY", "SIDECAR_INBOUND", "SIDECAR_OUTBOUND"}),
    "router": frozenset({"ANY", "GATEWAY"}),
    "waypoint": frozenset({"ANY", "WAYPOINT"}),
}
_IN_LISTENERS = frozenset(
    {"LISTENER", "FILTER_CHAIN", "NETWORK_FILTER", "HTTP_FILTER", "LISTENER_FILTER"}
)
_IN_ROUTES = frozenset({"ROUTE_CONFIGURATION", "VIRTUAL_HOST", "HTTP_ROUTE"})
_APPLY_TO = {
    # Inbound routes stand inside their listener, so that patches of routes can spoil it.
    "LDS": _IN_LISTENERS | _IN_ROUTES,
    "RDS": _IN_ROUTES,
    "CDS": frozenset({"CLUSTER"}),
    "ECDS": frozenset({"EXTENSION_CONFIG"}),
}


@dataclass(frozen=True, slots=True)
class ProxyIdentity:
    """What an EnvoyFilter is matched against."""

    id: str
    namespace: str
    labels: Mapping[str, str]
    type: str
    """``sidecar``, ``router`` or ``waypoint``; empty when unknown."""
    version: str


def identity(mesh: Snapshot, proxy_id: str, connection: Connection | None) -> ProxyIdentity:
    """What is known of a proxy: from its pod, its bootstrap and what it told istiod."""
    name, _, namespace = proxy_id.rpartition(".")
    pod = mesh.catalog.find(POD, namespace, name)
    proxy = mesh.proxies.get(proxy_id)
    node = proxy.config.bootstrap if proxy and proxy.config else None
    kind = connection.sync.type if connection else ""
    kind = kind or (node.proxy_type if node else "")
    if not kind and pod is not None:
        kind = "router" if is_gateway(pod) else "sidecar"
    version = connection.sync.version if connection else ""
    version = version or (node.istio_version if node else "")
    labels = pod.labels if pod is not None else (node.labels if node else {})
    return ProxyIdentity(proxy_id, namespace, labels, kind, version)


def _targets(envoy_filter: Resource, proxy: ProxyIdentity) -> bool:
    references = as_list(envoy_filter.spec.get("targetRefs"))
    if not references:
        # A waypoint takes only what names it or a service behind it.
        return proxy.type != "waypoint"
    for reference in map(as_mapping, references):
        if reference.get("kind") == "Gateway":
            if (envoy_filter.namespace, reference.get("name")) == (
                proxy.namespace,
                proxy.labels.get(GATEWAY_NAME),
            ):
                return True
        elif proxy.type == "waypoint" or GATEWAY_NAME in proxy.labels:
            return True
    return False


def selects(envoy_filter: Resource, proxy: ProxyIdentity, root_namespace: str) -> bool:
    """Whether an EnvoyFilter concerns a proxy at all, its patches aside."""
    if envoy_filter.namespace not in (proxy.namespace, root_namespace):
        return False
    wanted = as_strings(envoy_filter.get("spec", "workloadSelector", "labels"))
    return matches_labels(wanted, proxy.labels) and _targets(envoy_filter, proxy)


def _version_matches(pattern: object, version: str) -> bool:
    if not isinstance(pattern, str) or not pattern or not version:
        return True
    try:
        return re.search(pattern, version) is not None
    except re.error:
        # Go's expressions are not quite Python's: one that cannot be read rules nothing out.
        return True


def patches_for(
    envoy_filter: Resource, proxy: ProxyIdentity, type_name: str
) -> tuple[tuple[int, Mapping[str, object]], ...]:
    """The patches that change what a proxy gets of one type, with their places.

    Args:
        envoy_filter: one that selects the proxy.
        proxy: the proxy.
        type_name: CDS, LDS, RDS or ECDS.
    """
    contexts = _CONTEXTS.get(proxy.type)
    found = []
    for index, item in enumerate(as_list(envoy_filter.spec.get("configPatches"))):
        patch = as_mapping(item)
        match = as_mapping(patch.get("match"))
        context = match.get("context") or "ANY"
        pattern = as_mapping(match.get("proxy")).get("proxyVersion")
        if (
            patch.get("applyTo") in _APPLY_TO.get(type_name, frozenset())
            and (contexts is None or context in contexts)
            and _version_matches(pattern, proxy.version)
        ):
            found.append((index, patch))
    return tuple(found)


def filters_for(mesh: Snapshot, proxy: ProxyIdentity) -> tuple[Resource, ...]:
    """The EnvoyFilters that concern a proxy, by namespace and name."""
    places = dict.fromkeys((mesh.root_namespace, proxy.namespace))
    return tuple(
        item
        for place in places
        for item in mesh.catalog.within(ENVOY_FILTER, place)
        if selects(item, proxy, mesh.root_namespace)
    )
