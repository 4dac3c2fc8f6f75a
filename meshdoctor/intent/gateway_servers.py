"""What a Gateway asks for: its servers and their hosts, and the VirtualServices bound to it.

Mirrors pilot/pkg/model/gateway.go and push_context.go: a server's host may be narrowed to the
VirtualServices of one namespace (``ns/host``), and a VirtualService names a Gateway as ``name``,
``namespace/name``, ``./name`` or, of old, ``name.namespace[.svc.cluster.local]``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from meshdoctor.intent.route_bindings import MESH
from meshdoctor.model.kinds import VIRTUAL_SERVICE
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

PASSTHROUGH = "PASSTHROUGH"
AUTO_PASSTHROUGH = "AUTO_PASSTHROUGH"
_ENDS_TLS = ("SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL")
_CHECKS_CLIENTS = ("MUTUAL", "OPTIONAL_MUTUAL")
_PLAIN_HTTP = ("HTTP", "HTTP2", "GRPC", "GRPC-WEB")

GatewayName = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True, slots=True)
class Server:
    """One entry of a Gateway's ``servers``."""

    gateway: Resource
    index: int
    port: int | None
    """The number that clients of the gateway's Service use."""
    protocol: str
    """In capitals."""
    hosts: tuple[str, ...]
    """As written, a namespace before a slash included."""
    tls: Mapping[str, Any]

    @property
    def mode(self) -> str:
        """The TLS mode; empty where the server speaks no TLS.

        An absent mode is PASSTHROUGH, the first of the enumeration; plain HTTP has none.
        """
        if not self.tls or self.protocol in _PLAIN_HTTP:
            return ""
        return str(self.tls.get("mode") or PASSTHROUGH)

    @property
    def ends_tls(self) -> bool:
        """Whether it shows a certificate of its own to clients."""
        return self.mode in _ENDS_TLS

    @property
    def checks_clients(self) -> bool:
        """Whether it checks clients' certificates against a CA."""
        return self.mode in _CHECKS_CLIENTS

    @property
    def redirects(self) -> bool:
        """Whether it answers every request with a redirect to HTTPS, and so needs no route."""
        return self.protocol in _PLAIN_HTTP and self.tls.get("httpsRedirect") is True

    @property
    def needs_routes(self) -> bool:
        """Whether it serves nothing unless a VirtualService says where to."""
        return not self.redirects and self.mode != AUTO_PASSTHROUGH

    def path(self, *more: str | int) -> tuple[str | int, ...]:
        """Path within the Gateway."""
        return ("spec", "servers", self.index, *more)

    def hosts_for(self, namespace: str) -> tuple[str, ...]:
        """The hosts that VirtualServices of a namespace may claim here."""
        found = []
        for text in self.hosts:
            place, slash, host = text.partition("/")
            if not slash:
                found.append(text)
            elif place in ("*", namespace) or (
                place == "." and namespace == self.gateway.namespace
            ):
                found.append(host)
        return tuple(found)

    @property
    def plain_hosts(self) -> tuple[str, ...]:
        """The hosts without the namespaces they may be narrowed to."""
        return tuple(text.partition("/")[2] or text for text in self.hosts)

    def at(self, host: str) -> str:
        """``host:port``, as those that call it are listed."""
        return f"{host}:{self.port}" if self.port is not None else host


def servers(gateway: Resource) -> tuple[Server, ...]:
    """The servers of a Gateway, garbled ones without port and hosts."""
    return tuple(_servers(gateway))


def _servers(gateway: Resource) -> Iterator[Server]:
    for index, value in enumerate(as_list(gateway.spec.get("servers"))):
        item = as_mapping(value)
        port = as_mapping(item.get("port"))
        number = port.get("number")
        yield Server(
            gateway=gateway,
            index=index,
            port=number if isinstance(number, int) else None,
            protocol=str(port.get("protocol") or "").upper(),
            hosts=tuple(host for host in as_list(item.get("hosts")) if isinstance(host, str)),
            tls=as_mapping(item.get("tls")),
        )


def hosts_meet(one: str, other: str) -> bool:
    """Whether two hosts, either of them perhaps a wildcard, have a name in common."""
    if one.startswith("*") and other.startswith("*"):
        return one[1:].endswith(other[1:]) or other[1:].endswith(one[1:])
    if one.startswith("*"):
        return other.endswith(one[1:])
    return one.endswith(other[1:]) if other.startswith("*") else one == other


def virtual_service_hosts(item: Resource) -> tuple[str, ...]:
    """A VirtualService's hosts as written; a delegate has none."""
    return tuple(host for host in as_list(item.spec.get("hosts")) if isinstance(host, str))


def meeting_hosts(server: Server, item: Resource) -> tuple[str, ...]:
    """The hosts of a VirtualService that a server answers for."""
    offered = server.hosts_for(item.namespace)
    return tuple(
        host
        for host in virtual_service_hosts(item)
        if any(hosts_meet(host, other) for other in offered)
    )


def resolve_gateway_name(text: str, namespace: str) -> GatewayName:
    """The Gateway that a rule of this namespace means (model.resolveGatewayName)."""
    place, slash, name = text.partition("/")
    if slash:
        return (namespace if place == "." else place), name
    name, dot, rest = text.partition(".")
    return (rest.partition(".")[0], name) if dot else (namespace, text)


def named_gateways(item: Resource) -> tuple[GatewayName, ...]:
    """The Gateways a VirtualService names, whether they exist or not; ``mesh`` is none."""
    names = (name for name in as_list(item.spec.get("gateways")) if isinstance(name, str))
    found = (resolve_gateway_name(name, item.namespace) for name in names if name != MESH)
    return tuple(dict.fromkeys(found))


def is_in_mesh(item: Resource) -> bool:
    """Whether a VirtualService is for sidecars too."""
    names = as_list(item.spec.get("gateways"))
    return not names or MESH in names


@lru_cache(maxsize=2)
def _by_gateway(mesh: Snapshot) -> dict[GatewayName, tuple[Resource, ...]]:
    found: dict[GatewayName, list[Resource]] = {}
    for item in mesh.catalog.of(VIRTUAL_SERVICE):
        if virtual_service_hosts(item):
            for name in named_gateways(item):
                found.setdefault(name, []).append(item)
    return {name: tuple(items) for name, items in found.items()}


def bound_to(mesh: Snapshot, gateway: Resource) -> tuple[Resource, ...]:
    """The VirtualServices that name a Gateway, by namespace and name; delegates are left out."""
    return _by_gateway(mesh).get((gateway.namespace, gateway.name), ())


def served_by(mesh: Snapshot, server: Server) -> tuple[Resource, ...]:
    """The VirtualServices that name a server's Gateway and share a host with the server."""
    return tuple(item for item in bound_to(mesh, server.gateway) if meeting_hosts(server, item))


def is_wanted(mesh: Snapshot, gateway: Resource) -> bool:
    """Whether something depends on a Gateway; where VirtualServices are unread, it may."""
    if not mesh.catalog.known(VIRTUAL_SERVICE) or bound_to(mesh, gateway):
        return True
    return any(server.mode == AUTO_PASSTHROUGH for server in servers(gateway))


def host_texts(found: Iterable[Server]) -> tuple[str, ...]:
    """``host:port`` of every host of some servers, once each."""
    return tuple(dict.fromkeys(server.at(host) for server in found for host in server.plain_hosts))
