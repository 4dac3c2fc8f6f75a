"""Where VirtualServices send requests: every destination they name, as istiod would build it.

The port is the route's own, else the only one of the service, else that of the listener the
request came in by (pilot/pkg/networking/core/route, ``GetDestinationCluster``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.intent.gateway_servers import (
    AUTO_PASSTHROUGH,
    PASSTHROUGH,
    hosts_meet,
    servers,
)
from meshdoctor.intent.route_bindings import Binding, bindings
from meshdoctor.model.envoy.names import build_cluster_name
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.model.snapshot import Snapshot

Path = tuple[str | int, ...]

_SECTIONS = ("http", "tls", "tcp")
_HTTP_WITHOUT_HOST = 80
"""Outbound port on which a mesh host that no registry knows is routed."""


@dataclass(frozen=True, slots=True, order=True)
class Destination:
    """A host, port and subset that requests are sent to."""

    host: str
    """Fully qualified."""
    port: int | None
    """The Service's port; None when neither the rule nor a registry tells."""
    subset: str = ""

    @property
    def cluster(self) -> str:
        """Name of the outbound cluster a proxy would use; empty without a port."""
        if self.port is None:
            return ""
        return build_cluster_name("outbound", self.port, self.subset, self.host)

    @property
    def to(self) -> str:
        """``host:port``, as callers that suffer are listed."""
        return f"{self.host}:{self.port}" if self.port is not None else self.host

    def __str__(self) -> str:
        """``host:port``, with the subset when there is one."""
        return f"{self.to} subset {self.subset}" if self.subset else self.to


@dataclass(frozen=True, slots=True)
class DestinationRoute:
    """One place in a VirtualService that names a destination and sends it a share."""

    destination: Destination
    binding: Binding
    written: str
    """The host as it stands there."""
    path: Path
    """Path of the ``destination`` within the VirtualService."""
    match: str
    """What requests it is for, e.g. ``/api*``; empty for all."""


def _gateway_ports(binding: Binding, section: object) -> set[int]:
    """Ports of Gateways by which requests for a rule of this section come in."""
    found: set[int] = set()
    for gateway in binding.gateways:
        for server in servers(gateway):
            # A server that only redirects to HTTPS routes nothing.
            if server.port is None or server.redirects:
                continue
            if section == "http" and server.mode in (PASSTHROUGH, AUTO_PASSTHROUGH):
                continue
            hosts = server.hosts_for(binding.virtual_service.namespace)
            if any(hosts_meet(host, other) for host in binding.hosts for other in hosts):
                found.add(server.port)
    return found


def _ports(
    mesh: Snapshot, binding: Binding, host: str, item: Mapping[str, object], section: object
) -> list[int]:
    number = as_mapping(item.get("port")).get("number")
    if isinstance(number, int) and not isinstance(number, bool):
        return [number]
    own = sorted({port.number for service in mesh.registry.find(host) for port in service.ports})
    if len(own) == 1:
        return own
    spoken = {
        port.number
        for name in (binding.hosts if binding.in_mesh else ())
        for service in mesh.registry.find(name)
        for port in service.ports
    }
    outside = _gateway_ports(binding, section)
    # Of a Service's many ports callers may use but those that the destination has too.
    inside = spoken & set(own) or (set() if outside else spoken)
    return sorted(inside | outside) or own or [_HTTP_WITHOUT_HOST]


def _match_text(route: Mapping[str, object]) -> str:
    found: list[str] = []
    for value in as_list(route.get("match")):
        item = as_mapping(value)
        uri = as_mapping(item.get("uri"))
        if isinstance(uri.get("prefix"), str):
            found.append(f"{uri['prefix']}*")
        elif isinstance(uri.get("exact"), str):
            found.append(str(uri["exact"]))
        elif isinstance(uri.get("regex"), str):
            found.append(f"regex {uri['regex']}")
        elif item:
            found.append(", ".join(sorted(str(key) for key in item)))
    return " or ".join(found)


def _weighs(route: Mapping[str, object], alone: bool) -> bool:
    """Whether a share above nothing goes there; a lone destination takes everything."""
    return alone or route.get("weight") != 0


def _routes_of(mesh: Snapshot, binding: Binding) -> Iterator[DestinationRoute]:
    item = binding.virtual_service
    for section in _SECTIONS:
        for index, value in enumerate(as_list(item.spec.get(section))):
            rule = as_mapping(value)
            if section == "http" and (rule.get("redirect") or rule.get("directResponse")):
                continue
            targets = as_list(rule.get("route"))
            for place, target in enumerate(targets):
                share = as_mapping(target)
                destination = as_mapping(share.get("destination"))
                written = destination.get("host")
                if not isinstance(written, str) or not _weighs(share, len(targets) == 1):
                    continue
                host = mesh.registry.resolve(written, item.namespace)
                subset = str(destination.get("subset") or "")
                path: Path = ("spec", section, index, "route", place, "destination")
                for port in _ports(mesh, binding, host, destination, section):
                    yield DestinationRoute(
                        Destination(host, port, subset), binding, written, path, _match_text(rule)
                    )


@lru_cache(maxsize=2)
def destination_routes(mesh: Snapshot) -> tuple[DestinationRoute, ...]:
    """Every destination that some VirtualService sends requests to, in the rules' order.

    Destinations with weight 0 and mirrors are left out: nobody waits for their answer.
    """
    return tuple(route for binding in bindings(mesh) for route in _routes_of(mesh, binding))
