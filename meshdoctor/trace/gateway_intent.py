"""A gateway by the objects alone, where its proxy could not be read.

Gateways that select its pod open ports, their servers say for which hosts and with which TLS, and
the VirtualServices bound to them say where requests go (pilot/pkg/networking/core/gateway.go).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.gateway_secrets import flaw_of, secret_named
from meshdoctor.intent.gateway_credentials import credentials, denied_names, has_certificate
from meshdoctor.intent.gateway_servers import AUTO_PASSTHROUGH, meeting_hosts, served_by, servers
from meshdoctor.intent.gateways import GATEWAY_NAME, gateway_pods
from meshdoctor.model.kinds import GATEWAY, KUBERNETES_GATEWAY, SECRET
from meshdoctor.model.trace import Outcome, Place, Verdict
from meshdoctor.trace.intent_forward import follow_bytes, follow_rules, no_route
from meshdoctor.trace.intent_routes import Listening
from meshdoctor.trace.intent_stage import ROUTED_BY, IntentStage, lacks, note_unread
from meshdoctor.trace.intent_virtual_services import oldest_first
from meshdoctor.trace.owners import leading_ports
from meshdoctor.trace.policies_intent import pass_policies
from meshdoctor.trace.route_matching import rank_domain, without_port
from meshdoctor.trace.trail import Branch

if TYPE_CHECKING:
    from meshdoctor.intent.gateway_servers import Server
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.trace.arrival import Arrival
    from meshdoctor.trace.servers import Onward
    from meshdoctor.trace.trail import Trail

REFUSED = "connection refused"
_ISTIO_MUTUAL = "ISTIO_MUTUAL"
_HTTP = ("HTTP", "HTTP2", "GRPC", "GRPC-WEB", "HTTPS")


@dataclass(frozen=True, slots=True)
class _Door:
    """One port of a gateway, and the connection that comes to it."""

    stage: IntentStage
    servers: tuple[Server, ...]
    number: int
    tls: bool
    sni: str

    @property
    def mesh(self) -> Snapshot:
        return self.stage.trail.mesh

    @property
    def objects(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(server.gateway) for server in self.servers))

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return tuple(item.gateway.evidence(*item.path()) for item in self.servers[:3])

    def closed(
        self,
        branch: Branch,
        what: str,
        text: str,
        details: str,
        flags: tuple[str, ...] = (),
        objects: tuple[str, ...] = (),
    ) -> list[Outcome]:
        """The connection ends before there is a request."""
        named = objects or self.objects
        self.stage.hop(
            branch, what, f"port {self.number}", Verdict.FAILS, text, named, self.evidence
        )
        return [self.stage.end(branch, 0, flags, details, text, named)]


def _servers_at(mesh: Snapshot, pod: Resource, number: int) -> tuple[Server, ...]:
    """The servers for a port of a gateway's pod, those of the oldest Gateway first."""
    leading = leading_ports(mesh, pod, number)
    gateways = [item for item in mesh.catalog.of(GATEWAY) if pod in gateway_pods(mesh, item)]
    return tuple(
        server
        for gateway in oldest_first(gateways)
        for server in servers(gateway)
        if server.port in leading
    )


def _best(found: list[tuple[tuple[int, int], Server]]) -> list[Server]:
    top = max((rank for rank, _ in found), default=None)
    return [server for rank, server in found if rank == top]


def _by_sni(items: tuple[Server, ...], sni: str) -> list[Server]:
    """The servers that take a server name, the most exact hosts first."""
    ranked = [
        (rank, server)
        for server in items
        for host in server.plain_hosts
        if (rank := rank_domain(host.lower(), sni.lower())) is not None
    ]
    best = _best(ranked)
    return [item for place, item in enumerate(best) if item not in best[:place]]


def _unusable(door: _Door, server: Server) -> tuple[str, str] | None:
    """Why a server has no certificate to show, and the Secret that it lacks."""
    mesh, pod = door.mesh, door.stage.pod
    gateway = str(server.gateway)
    if server.mode != _ISTIO_MUTUAL and not has_certificate(server):
        return f"{gateway} names no certificate, so handshakes fail", gateway
    if denied := denied_names(server, pod.namespace):
        text = f"{denied[0]} is not in the gateway's namespace {pod.namespace}"
        return f"Secret {text}, so handshakes fail", gateway
    for credential in credentials(server.gateway, [pod.namespace]):
        if credential.server != server:
            continue
        if not mesh.catalog.known(SECRET):
            door.stage.trail.miss(SECRET.input, "whether the gateway has its certificate")
            return None
        secret = secret_named(mesh, credential.namespace, credential.name)
        if secret is None:
            return f"{credential.text} is not there, so handshakes fail", credential.text
        flaw = flaw_of(mesh, credential, secret)
        if flaw is not None and not flaw.expired:
            return f"{flaw.text}, so handshakes fail", str(secret)
    return None


def _encrypted(door: _Door, branch: Branch) -> list[Outcome]:
    """A connection over TLS."""
    ending = tuple(server for server in door.servers if server.mode)
    if not ending:
        text = f"TLS meets a port for plaintext: {door.number}"
        return door.closed(branch, "transport socket", text, "http1.codec_error", ("DPE",))
    chosen = _by_sni(ending, door.sni)
    if not chosen:
        names = ", ".join(sorted({host for item in ending for host in item.plain_hosts}))
        text = f"no server takes TLS for {door.sni or 'no name'} (they have {names})"
        return door.closed(branch, "filter chain", text, "filter_chain_not_found", ("NR",))
    server = chosen[0]
    if server.mode == AUTO_PASSTHROUGH:
        where = str(server.gateway)
        door.stage.trail.miss(where, "where AUTO_PASSTHROUGH leads", decisive=True)
        return []
    if not server.ends_tls and server.mode != _ISTIO_MUTUAL:
        return _raw(door, branch, chosen, door.sni)
    lacking = _unusable(door, server)
    if lacking is not None:
        text, secret = lacking
        objects = (str(server.gateway), secret)
        return door.closed(
            branch, "transport socket", text, "connection reset by peer", (), objects
        )
    if server.protocol in _HTTP:
        return _requests(door, branch, tuple(chosen))
    return _raw(door, branch, chosen, "")


def _plain(door: _Door, branch: Branch) -> list[Outcome]:
    """A connection without TLS."""
    open_ones = tuple(server for server in door.servers if not server.mode)
    if not open_ones:
        text = f"plaintext meets a port for TLS: {door.number}"
        return door.closed(branch, "filter chain", text, "filter_chain_not_found", ("NR",))
    reading = tuple(server for server in open_ones if server.protocol in _HTTP)
    if reading:
        return _requests(door, branch, reading)
    return _raw(door, branch, list(open_ones), "")


def _place(door: _Door, server: Server) -> Listening:
    gateway = server.gateway
    name = f"{gateway.namespace}/{gateway.name}"
    return Listening(door.mesh, door.stage.pod, server.port or door.number, frozenset({name}))


def _raw(door: _Door, branch: Branch, items: list[Server], sni: str) -> list[Outcome]:
    """Bytes: to where ``tls`` or ``tcp`` rules lead."""
    for server in items:
        for rule in oldest_first(served_by(door.mesh, server)):
            found = follow_bytes(door.stage, branch, rule, _place(door, server), sni)
            if found is not None:
                return found
    text = f"no tls or tcp rule leads on from port {door.number}"
    return door.closed(branch, "filter chain", text, "filter_chain_not_found", ("NR",))


def _requests(door: _Door, branch: Branch, items: tuple[Server, ...]) -> list[Outcome]:
    """Requests over HTTP: the gateway's policies, then the routes of the host."""
    stage = door.stage
    passage = pass_policies(stage.trail, branch, stage.pod, door.number, stage.place, stage.arrival)
    found = [
        stage.end(
            Branch(item.share, branch.labels),
            item.status,
            item.flags,
            item.details,
            item.because,
            item.objects,
            condition=item.condition,
        )
        for item in passage.refusals
    ]
    if not passage.share:
        return found
    return found + _routed(door, Branch(passage.share, branch.labels), items)


def _routed(door: _Door, branch: Branch, items: tuple[Server, ...]) -> list[Outcome]:
    stage, mesh = door.stage, door.mesh
    authority = without_port(stage.trail.request.authority).lower()
    ranked: list[tuple[tuple[int, int], Server, Resource | None]] = []
    for server in items:
        if server.redirects and not door.tls:
            ranked += [
                (rank, server, None)
                for host in server.plain_hosts
                if (rank := rank_domain(host.lower(), authority)) is not None
            ]
            continue
        for rule in served_by(mesh, server):
            for host in meeting_hosts(server, rule):
                name = mesh.registry.resolve(host, rule.namespace).lower()
                rank = rank_domain(name, authority)
                offered = [
                    own
                    for other in server.hosts_for(rule.namespace)
                    if (own := rank_domain(other.lower(), authority)) is not None
                ]
                if rank is not None and offered:
                    ranked.append((max(rank, *offered), server, rule))
    top = max((rank for rank, _, _ in ranked), default=None)
    chosen = [(server, rule) for rank, server, rule in ranked if rank == top]
    if not chosen:
        hosts = ", ".join(sorted({host for server in items for host in server.plain_hosts}))
        text = f"no VirtualService for {authority} is bound to a server here (hosts {hosts})"
        return no_route(stage, branch, text, door.objects, door.evidence)
    server = chosen[0][0]
    rules = oldest_first({rule for _, rule in chosen if rule is not None})
    if not rules:
        text = "requests over plaintext are redirected to https"
        shown = (server.gateway.evidence(*server.path("tls")),)
        objects = (str(server.gateway),)
        stage.hop(branch, "direct response", "301", Verdict.PASSES, text, objects, shown)
        return [stage.end(branch, 301, (), "direct_response", text, objects)]
    http = tuple(rule for rule in rules if rule.spec.get("http"))
    if not http:
        text = f"{rules[0]} has no http rule"
        return no_route(stage, branch, text, tuple(map(str, rules)), door.evidence)
    return follow_rules(stage, branch, http, _place(door, server))


def enter_gateway(
    trail: Trail,
    branch: Branch,
    pod: Resource,
    number: int,
    place: Place,
    arrival: Arrival | None,
    onward: Onward,
) -> list[Outcome]:
    """What a gateway should make of a connection to one of its ports.

    Args:
        trail: takes the hops.
        branch: where it stands.
        pod: the gateway.
        number: of the pod's port.
        place: where the gateway stands on the way.
        arrival: the connection of a pod in the mesh; None for one from outside.
        onward: walks on where the way leads to another gateway.
    """
    mesh, request = trail.mesh, trail.request
    note_unread(trail, branch, pod, place)
    if GATEWAY_NAME in pod.labels:
        what = KUBERNETES_GATEWAY.input
        trail.miss(what, "what the routes of the Gateway API make of it", decisive=True)
        return []
    if lacks(trail, GATEWAY, *ROUTED_BY):
        return []
    tls = arrival.tls if arrival is not None else request.tls
    sni = (arrival.sni if arrival is not None else request.host) if tls else ""
    found = _servers_at(mesh, pod, number)
    port = next((server.port for server in found if server.port is not None), number)
    stage = IntentStage(
        trail=trail,
        pod=pod,
        onward=onward,
        place=place,
        port=port,
        arrival=arrival,
        terminates=tls and any(s.ends_tls or s.mode == _ISTIO_MUTUAL for s in found),
    )
    door = _Door(stage, found, number, tls, sni)
    if not found:
        text = f"no Gateway that selects {pod.name} has a server for port {number}"
        owner = (str(mesh.workloads.owning(pod)),)
        return door.closed(branch, "listener", text, REFUSED, (), owner)
    text = f"takes the connection at port {number}"
    stage.hop(
        branch,
        "listener",
        f"port {number}",
        Verdict.PASSES,
        text,
        door.objects,
        door.evidence,
    )
    return _encrypted(door, branch) if tls else _plain(door, branch)
