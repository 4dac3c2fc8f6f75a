"""A gateway's own listeners: for requests from outside, and for those that pods send it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.proxy_evidence import filter_chain_evidence, listener_evidence
from meshdoctor.intent.backends import target_port
from meshdoctor.model.pod import pod_ip
from meshdoctor.model.trace import Basis, Outcome, Place, Verdict
from meshdoctor.trace.filter_chains import Connection, choose_bound, choose_chain, open_ports
from meshdoctor.trace.forward import walk_chain
from meshdoctor.trace.gateway_intent import REFUSED, enter_gateway
from meshdoctor.trace.owners import gateways_at, services_before
from meshdoctor.trace.replies import Kind, Reply, as_reply
from meshdoctor.trace.stage import Stage
from meshdoctor.trace.trail import Branch

if TYPE_CHECKING:
    from meshdoctor.model.envoy import ConfigDump, FilterChain
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.trace.arrival import Arrival
    from meshdoctor.trace.trail import Trail

_MOST_GATEWAYS = 4
_HTTP1 = "http/1.1"


def bound_port(trail: Trail, pod: Resource, number: int) -> tuple[int, str]:
    """The port of a gateway's pod that a port of its Service leads to, and that Service.

    A number that the pod itself listens on is taken as it is.
    """
    for service in services_before(trail.mesh, pod):
        port = service.port(number)
        target = target_port(port, pod) if port else None
        if target is not None:
            return target, str(service.resource)
    return number, ""


def _warming(config: ConfigDump, chain: FilterChain) -> tuple[str, ...]:
    """Secrets of a chain's TLS that the gateway does not have."""
    names = chain.tls.secret_names if chain.tls else ()
    found = []
    for name in names:
        secret = config.secret(name)
        if "://" in name and (secret is None or not secret.certificates):
            found.append(name)
    return tuple(found)


class _Entry:
    """A connection that a gateway takes."""

    def __init__(
        self, trail: Trail, proxy: Proxy, pod: Resource, place: Place, arrival: Arrival | None
    ) -> None:
        self.trail = trail
        self.proxy = proxy
        self.pod = pod
        self.place = place
        self.arrival = arrival

        self.objects: tuple[str, ...] = ()

    def hop(self, branch: Branch, what: str, name: str, verdict: Verdict, text: str) -> None:
        self.trail.hop(
            branch, self.place, what, name, verdict, text, objects=self.objects, proxy=self.proxy
        )

    def connection(self, port: int) -> Connection:
        request, arrival = self.trail.request, self.arrival
        if arrival is not None:
            protocols = arrival.protocols or (() if arrival.tls else (_HTTP1,))
            return Connection(port, pod_ip(self.pod), arrival.tls, arrival.sni, protocols)
        protocols = ("h2", _HTTP1) if request.tls else (_HTTP1,)
        sni = request.host if request.tls else ""
        return Connection(port, pod_ip(self.pod), request.tls, sni, protocols)

    def closed(self, branch: Branch, text: str, details: str, flags: tuple[str, ...]) -> Outcome:
        return Outcome(
            status=0,
            flags=flags,
            details=details,
            share=branch.share,
            delivered=False,
            place=self.place,
            because=text,
            objects=self.objects,
        )

    def walk(self, branch: Branch, config: ConfigDump, number: int) -> list[Outcome]:
        """Listener, filter chain, and what follows."""
        listener = choose_bound(config, number)
        self.objects = gateways_at(self.trail.mesh, self.pod, number)
        if listener is None:
            ports = open_ports(config)
            text = (
                f"the gateway does not listen on port {number}; it listens on "
                f"{', '.join(map(str, ports)) or 'none'}"
            )
            self.hop(branch, "listener", f"port {number}", Verdict.FAILS, text)
            return [self.closed(branch, text, REFUSED, ())]
        connection = self.connection(number)
        chain = choose_chain(listener, connection)
        if chain is None or not chain.filters:
            names = {n for c in listener.filter_chains for n in c.match.server_names}
            spoken = f"TLS for {connection.sni}" if connection.tls else "plaintext"
            text = f"no filter chain of {listener.name} takes {spoken}"
            text += f" (it has {', '.join(sorted(names))})" if names else ""
            self.hop(branch, "filter chain", listener.name, Verdict.FAILS, text)
            return [self.closed(branch, text, "filter_chain_not_found", ("NR",))]
        missing = _warming(config, chain)
        if missing:
            text = f"the gateway does not have {', '.join(missing)}, so handshakes fail"
            self.hop(branch, "transport socket", listener.name, Verdict.FAILS, text)
            return [self.closed(branch, text, "connection reset by peer", ())]
        if connection.tls and chain.tls is None and chain.http is not None:
            text = f"TLS meets a listener for plaintext HTTP: {listener.name}"
            self.hop(branch, "transport socket", listener.name, Verdict.FAILS, text)
            return [self.closed(branch, text, "http1.codec_error", ("DPE",))]
        self.trail.hop(
            branch,
            self.place,
            "listener",
            listener.name,
            Verdict.PASSES,
            f"takes the connection at port {number}",
            objects=self.objects,
            evidence=(
                listener_evidence(self.proxy, listener),
                filter_chain_evidence(self.proxy, listener, chain),
            ),
            proxy=self.proxy,
        )
        stage = Stage(
            trail=self.trail,
            proxy=self.proxy,
            config=config,
            pod=self.pod,
            listener=listener,
            chain=chain,
            onward=onward,
            place=self.place,
            address=pod_ip(self.pod),
            port=number,
            arrival=self.arrival,
        )
        return walk_chain(stage, branch)


def walk_gateway(trail: Trail, branch: Branch, pod: Resource) -> list[Outcome]:
    """What a gateway makes of a request from outside.

    Args:
        trail: takes the hops; its request's port is the Service's or the pod's own.
        branch: where it stands.
        pod: the gateway.
    """
    proxy = trail.mesh.proxy_of(pod)
    number, service = bound_port(trail, pod, trail.request.port)
    if service and number != trail.request.port:
        text = f"{service} leads port {trail.request.port} to port {number} of the gateway"
        trail.hop(
            branch,
            Place.NETWORK,
            "Service",
            service,
            Verdict.PASSES,
            text,
            objects=(service,),
            basis=Basis.INTENT,
        )
    if proxy is None or proxy.config is None:
        return enter_gateway(trail, branch, pod, number, Place.CLIENT_PROXY, None, onward)
    entry = _Entry(trail, proxy, pod, Place.CLIENT_PROXY, None)
    return entry.walk(branch, proxy.config, number)


def _entered(trail: Trail, branch: Branch, arrival: Arrival, pod: Resource) -> list[Outcome]:
    proxy = trail.mesh.proxy_of(pod)
    place = Place.SERVER_PROXY
    if proxy is None or proxy.config is None:
        return enter_gateway(trail, branch, pod, arrival.port, place, arrival, onward)
    return _Entry(trail, proxy, pod, place, arrival).walk(branch, proxy.config, arrival.port)


def onward(trail: Trail, branch: Branch, arrival: Arrival, pod: Resource) -> list[Reply]:
    """What a gateway in the middle makes of a request that a pod sends it.

    Args:
        trail: takes the hops.
        branch: where it stands.
        arrival: the connection.
        pod: the gateway.
    """
    place = Place.SERVER_PROXY
    here = (str(trail.mesh.workloads.owning(pod)), arrival.port, trail.request)
    if here in trail.gateways:
        text = (
            f"{here[0]} sends the request to itself again, round and round, until a limit ends it"
        )
        trail.hop(branch, place, "proxy", f"{pod.name}.{pod.namespace}", Verdict.FAILS, text)
        return [Reply(Kind.CLOSED, branch.share, text, (here[0],), place)]
    if len(trail.gateways) >= _MOST_GATEWAYS:
        trail.miss(f"Pod {pod.namespace}/{pod.name}", "where so many gateways lead", decisive=True)
        return []
    trail.gateways.append(here)
    try:
        outcomes = _entered(trail, branch, arrival, pod)
    finally:
        trail.gateways.pop()
    return [
        Reply(Kind.REFUSED, o.share, o.because, o.objects, place)
        if o.details == REFUSED
        else as_reply(o, place)
        for o in outcomes
    ]
