"""Servers that pass TLS through, and VirtualServices that route what is inside it.

A PASSTHROUGH server never sees a request, only the name in the TLS handshake: istiod builds its
filter chains from ``tls`` routes alone (core/gateway.go, buildGatewayNetworkFiltersFromTLSRoutes).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import PROXY_CONFIG, holds, silent, unread
from meshdoctor.analyze.gateway_findings import cannot_tell, passes, problem, router_proxies
from meshdoctor.analyze.json_patches import json_patch, replace_value
from meshdoctor.analyze.proxy_evidence import filter_chain_evidence
from meshdoctor.intent.gateway_servers import (
    PASSTHROUGH,
    hosts_meet,
    meeting_hosts,
    served_by,
    servers,
)
from meshdoctor.model.kinds import GATEWAY, VIRTUAL_SERVICE
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.intent.gateway_servers import Server
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact, Finding
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

HTTP_ROUTES_ONLY = "MD0640"
_MODES = ("SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL", "ISTIO_MUTUAL", "AUTO_PASSTHROUGH")
_PROTOCOLS = ("HTTP", "HTTPS", "GRPC", "GRPC-WEB", "HTTP2", "MONGO", "TCP", "TLS")
_MOST_SHOWN = 6
_NO_CHAIN = "gateway-listens-for-no-such-name"


def _routes_connections(item: Resource) -> bool:
    return bool(as_list(item.spec.get("tls")) or as_list(item.spec.get("tcp")))


def _no_chain(proxies: tuple[Proxy, ...], hosts: tuple[str, ...]) -> Fact:
    """The fact that the gateway's proxies take no connection for these names."""
    read = [proxy for proxy in proxies if proxy.config is not None]
    if not read:
        return unread(_NO_CHAIN, "No gateway pod's listeners could be read")
    for proxy in read:
        for listener in proxy.config.listeners if proxy.config else ():
            if listener.state != "active":
                continue
            for chain in listener.chains:
                names = chain.match.server_names
                if any(hosts_meet(name, host) for name in names for host in hosts):
                    text = f"{proxy.id} has a filter chain for {', '.join(names)}"
                    return silent(_NO_CHAIN, text, filter_chain_evidence(proxy, listener, chain))
    return holds(_NO_CHAIN, f"{read[0].id} has no filter chain for {', '.join(hosts)}")


def _destination(item: Resource) -> object:
    """Where the first HTTP route leads, to be kept in the TLS route."""
    for rule in map(as_mapping, as_list(item.spec.get("http"))):
        for target in map(as_mapping, as_list(rule.get("route"))):
            return dict(as_mapping(target.get("destination")))
    return {"host": "HOST", "port": {"number": 443}}


def _end_tls(server: Server) -> dict[str, str]:
    """The commands that let TLS end at the gateway, and back."""
    ended = {"mode": "SIMPLE", "credentialName": "SECRET"}
    at = f"/spec/servers/{server.index}"

    def patch(tls: object, protocol: str) -> str:
        steps = (("tls", tls), ("port/protocol", protocol))
        return json_patch(
            server.gateway,
            [{"op": "replace", "path": f"{at}/{place}", "value": new} for place, new in steps],
        )

    return {"command": patch(ended, "HTTPS"), "undo": patch(dict(server.tls), server.protocol)}


def _finding(mesh: Snapshot, server: Server, found: tuple[Resource, ...]) -> Finding:
    gateway, item = server.gateway, found[0]
    hosts = tuple(dict.fromkeys(host for each in found for host in meeting_hosts(server, each)))
    message = (
        f"{gateway} passes TLS through on port {server.port}, and {item} has only HTTP routes for "
        f"{', '.join(hosts)}, which need TLS to end at the gateway"
    )
    names = [host for host in hosts if host != "*"] or list(hosts)
    tls = [
        {
            "match": [{"port": server.port, "sniHosts": names}],
            "route": [{"destination": _destination(item)}],
        }
    ]
    route, unroute = replace_value(item, ("spec", "tls"), tls)
    return problem(
        mesh,
        HTTP_ROUTES_ONLY,
        gateway,
        message,
        objects=(str(gateway), *map(str, found)),
        facts=(
            holds(
                "http-routes-behind-passthrough",
                message,
                gateway.evidence(*server.path("tls", "mode")),
                item.evidence("spec", "hosts"),
                item.evidence("spec", "gateways"),
            ),
            _no_chain(router_proxies(mesh, gateway), hosts),
        ),
        servers=(server,),
        fills={
            "port": str(server.port),
            "virtualservice": f"{item.namespace}/{item.name}",
            "hosts": ", ".join(hosts),
            **_end_tls(server),
            "route": route,
            "unroute": unroute,
        },
    )


def _server(mesh: Snapshot, server: Server) -> Iterator[Finding]:
    bound = served_by(mesh, server)
    routed = [item for item in bound if _routes_connections(item)]
    plain = tuple(item for item in bound if as_list(item.spec.get("http")))
    taken = {host for item in routed for host in meeting_hosts(server, item)}
    unrouted = tuple(
        item
        for item in plain
        if item not in routed and not taken.issuperset(meeting_hosts(server, item))
    )
    if unrouted:
        yield _finding(mesh, server, unrouted)
    elif routed:
        message = f"{routed[0]} routes the connections that {server.gateway} passes through"
        evidence = routed[0].evidence("spec", "gateways")
        yield passes(HTTP_ROUTES_ONLY, server.gateway, message, "tls-routes", evidence)


def _is_understood(server: Server) -> bool:
    """Whether mode and protocol are words of Istio's Gateway."""
    return server.mode in (*_MODES, "") and server.protocol in _PROTOCOLS


def _how(server: Server) -> Evidence:
    """Where a server says that it ends TLS itself, or speaks none."""
    path = ("tls", "mode") if server.mode else ("port", "protocol")
    return server.gateway.evidence(*server.path(*path))


@dataclass(frozen=True, slots=True)
class GatewayPassthrough:
    """What is passed through is routed by name."""

    name: str = "gateway-passthrough"
    description: str = "A VirtualService behind a PASSTHROUGH server has tls or tcp routes."
    inputs: tuple[str, ...] = (GATEWAY.input, VIRTUAL_SERVICE.input, PROXY_CONFIG)
    codes: tuple[str, ...] = (HTTP_ROUTES_ONLY,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at each server that passes TLS through."""
        for gateway in mesh.catalog.of(GATEWAY):
            through = [server for server in servers(gateway) if server.mode == PASSTHROUGH]
            if not mesh.catalog.known(VIRTUAL_SERVICE):
                if through:
                    message = f"It cannot be told what is routed behind {gateway}"
                    needs = mesh.catalog.unread(VIRTUAL_SERVICE)
                    yield cannot_tell(HTTP_ROUTES_ONLY, gateway, message, needs)
                continue
            for server in through:
                yield from _server(mesh, server)
            if not through and all(map(_is_understood, servers(gateway))):
                message = f"No server of {gateway} passes TLS through"
                evidence = [_how(server) for server in servers(gateway)][:_MOST_SHOWN]
                yield passes(HTTP_ROUTES_ONLY, gateway, message, "no-passthrough", *evidence)


ANALYZER = GatewayPassthrough()
