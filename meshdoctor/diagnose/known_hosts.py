"""Every name by which a mesh may be asked for a destination, cheap sources before dear ones."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.intent.destination_rules import rule_host
from meshdoctor.intent.destinations import destination_routes
from meshdoctor.intent.route_bindings import bindings
from meshdoctor.model.access_log import host_port
from meshdoctor.model.envoy.names import parse_cluster_name
from meshdoctor.model.kinds import DESTINATION_RULE, GATEWAY, KUBERNETES_GATEWAY
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.snapshot import Snapshot


def _gateway_hosts(mesh: Snapshot) -> Iterator[str]:
    for gateway in mesh.catalog.of(GATEWAY):
        for server in as_list(gateway.spec.get("servers")):
            for host in as_list(as_mapping(server).get("hosts")):
                yield str(host).rpartition("/")[2]
    for gateway in mesh.catalog.of(KUBERNETES_GATEWAY):
        for listener in as_list(gateway.spec.get("listeners")):
            yield str(as_mapping(listener).get("hostname") or "")


def _aliases(mesh: Snapshot) -> Iterator[str]:
    """Names outside the cluster that Services stand for, or are reached by."""
    for service in mesh.registry.hosts:
        if service.is_kubernetes:
            yield str(service.resource.spec.get("externalName") or "")
            balancer = as_mapping(service.resource.status.get("loadBalancer"))
            for item in as_list(balancer.get("ingress")):
                yield str(as_mapping(item).get("hostname") or "")


@lru_cache(maxsize=2)
def configured_hosts(mesh: Snapshot) -> frozenset[str]:
    """Hosts that objects speak of, existing or not; wildcards among them."""
    found = {service.host for service in mesh.registry.hosts}
    found |= {host for binding in bindings(mesh) for host in binding.hosts}
    found |= {route.destination.host for route in destination_routes(mesh)}
    rules = (rule_host(rule, mesh) for rule in mesh.catalog.of(DESTINATION_RULE))
    # A rule for *.local says nothing of what there is.
    found |= {host for host in rules if not host.startswith("*")}
    found.update(_gateway_hosts(mesh))
    found.update(_aliases(mesh))
    return frozenset(host.lower() for host in found) - {"", "*"}


def _seen_in_logs(mesh: Snapshot) -> Iterator[str | None]:
    for proxy in mesh.proxies.values():
        for entry in proxy.log.access if proxy.log else ():
            yield host_port(entry.authority)[0]
            yield host_port(entry.upstream_host)[0]
            yield host_port(entry.downstream_local)[0]
            parsed = parse_cluster_name(entry.cluster) if entry.cluster else None
            yield parsed.host if parsed else None


def _held_by_proxies(mesh: Snapshot) -> Iterator[str | None]:
    for proxy in mesh.proxies.values():
        for config in proxy.config.routes if proxy.config else ():
            for virtual_host in config.virtual_hosts:
                yield from (host_port(domain)[0] for domain in virtual_host.domains)


def is_seen_by_proxies(mesh: Snapshot, host: str) -> bool:
    """Whether some proxy logs a host or an address, or holds a route for it."""
    for found in (_seen_in_logs(mesh), _held_by_proxies(mesh)):
        if any(name is not None and name.lower() == host for name in found):
            return True
    return False
