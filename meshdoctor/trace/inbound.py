"""The server's sidecar: ``virtualInbound``, its filter chain, the filters, the inbound cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.analyze.proxy_evidence import (
    cluster_evidence,
    filter_chain_match_evidence,
    listener_evidence,
)
from meshdoctor.model.trace import Place, Verdict
from meshdoctor.trace.application import answer
from meshdoctor.trace.filter_chains import Connection, choose_chain
from meshdoctor.trace.gates import Gate, pass_filters
from meshdoctor.trace.handshake import CLOSED, WRONG_VERSION, refusal
from meshdoctor.trace.replies import RESET, Kind, Reply, Sender
from meshdoctor.trace.route_matching import choose_route, choose_virtual_host
from meshdoctor.trace.server_policies import (
    note_inbound_differences,
    peer_objects,
    peer_text,
)
from meshdoctor.trace.trail import Branch

if TYPE_CHECKING:
    from meshdoctor.model.envoy import FilterChain, Listener, RetryPolicy
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.trace.arrival import Arrival
    from meshdoctor.trace.trail import Trail

LISTENER = "virtualInbound"
LOOPBACK = ("127.0.0.1", "::1")
_UNAVAILABLE = 503
_PLAIN_HTTP = ("http/1.1",)


def _connection(arrival: Arrival) -> Connection:
    protocols = arrival.protocols
    if not arrival.tls:
        protocols = _PLAIN_HTTP if arrival.http else ()
    return Connection(arrival.port, arrival.address, arrival.tls, arrival.sni, protocols)


def _closed(
    trail: Trail, branch: Branch, arrival: Arrival, pod: Resource, proxy: Proxy, listener: Listener
) -> list[Reply]:
    """No chain takes the connection: Envoy logs NR and closes it."""
    rule = arrival.cluster.config if arrival.cluster else None
    objects = (*((str(rule),) if rule else ()), *peer_objects(trail.mesh, pod, arrival.port))
    spoken = "TLS without the mesh's ALPN" if arrival.tls else "plaintext"
    text = (
        f"no filter chain takes {spoken} at port {arrival.port} (0 NR filter_chain_not_found): "
        f"{peer_text(trail.mesh, pod, arrival.port)}"
    )
    trail.hop(
        branch,
        Place.SERVER_PROXY,
        "filter chain",
        "none",
        Verdict.FAILS,
        text,
        objects=objects,
        evidence=(listener_evidence(proxy, listener),),
        proxy=proxy,
    )
    kind = Kind.TLS_FAILED if arrival.tls else Kind.CLOSED
    return [
        Reply(
            kind,
            branch.share,
            text,
            objects or (str(trail.mesh.workloads.owning(pod)),),
            Place.SERVER_PROXY,
            flags=("NR",),
            details=CLOSED if arrival.tls else "filter_chain_not_found",
        )
    ]


def _handshake(
    trail: Trail, branch: Branch, arrival: Arrival, pod: Resource, proxy: Proxy, chain: FilterChain
) -> Reply | None:
    """How TLS between the two ends fails; None where it does not."""
    refused: tuple[str, str] | None = None
    if arrival.tls and chain.tls is None and not (arrival.own_tls and chain.http is None):
        text = "the caller speaks TLS, and the server's proxy takes plaintext only at this port"
        refused = WRONG_VERSION, text
    elif chain.tls is not None:
        if chain.tls.require_client_certificate and not arrival.mutual:
            refused = CLOSED, "the server asks for a certificate of the mesh, and none is shown"
        else:
            refused = refusal(trail.mesh, arrival, pod, proxy)
    if refused is None:
        return None
    rules = arrival.cluster.config if arrival.cluster else None
    objects = tuple(
        filter(None, (str(rules) if rules else "", *peer_objects(trail.mesh, pod, arrival.port)))
    )
    trail.hop(
        branch,
        Place.SERVER_PROXY,
        "transport socket",
        chain.name or LISTENER,
        Verdict.FAILS,
        refused[1],
        objects=objects,
        proxy=proxy,
    )
    return Reply(
        Kind.TLS_FAILED,
        branch.share,
        refused[1],
        objects or (str(trail.mesh.workloads.owning(pod)),),
        Place.SERVER_PROXY,
        details=refused[0],
    )


def _target(
    trail: Trail, proxy: Proxy, chain: FilterChain
) -> tuple[str, RetryPolicy | None] | None:
    """The inbound cluster, and the retry policy of the route to it; None where there is none."""
    if chain.http is not None:
        config = chain.http.route_config
        if config is None and proxy.config is not None:
            config = proxy.config.route_config(chain.http.route_config_name)
        host = choose_virtual_host(config, trail.request.authority) if config else None
        route = choose_route(host, trail.request) if host else None
        if route is None or not route.clusters:
            return None
        return route.clusters[0].name, route.retry_policy
    if chain.tcp is not None and chain.tcp.clusters:
        return chain.tcp.clusters[0].name, None
    return None


def _behind(
    trail: Trail,
    branch: Branch,
    arrival: Arrival,
    pod: Resource,
    proxy: Proxy,
    chain: FilterChain,
) -> list[Reply]:
    """Past the filters: the inbound cluster, and the application."""
    found = _target(trail, proxy, chain)
    name = found[0] if found else ""
    cluster = proxy.config.cluster(name) if proxy.config and name else None
    if found is None or cluster is None:
        text = f"the server's proxy has nowhere to send it{f' ({name})' if name else ''}"
        trail.hop(branch, Place.SERVER_PROXY, "cluster", name, Verdict.FAILS, text, proxy=proxy)
        return [
            Reply(
                Kind.STATUS if chain.http else Kind.CLOSED,
                branch.share,
                text,
                (),
                Place.SERVER_PROXY,
                _UNAVAILABLE if name else 404,
                ("NC",) if name else ("NR",),
                "cluster_not_found" if name else "route_not_found",
            )
        ]
    port = cluster.hosts[0].port if cluster.hosts else arrival.port
    where = f"{cluster.hosts[0].address}:{port}" if cluster.hosts else f"the pod's port {port}"
    trail.hop(
        branch,
        Place.SERVER_PROXY,
        "cluster",
        name,
        Verdict.PASSES,
        f"leads to {where}",
        objects=tuple(f"Service {s.namespace}/{s.name}" for s in cluster.services),
        evidence=(cluster_evidence(proxy, cluster),),
        proxy=proxy,
    )
    local = bool(cluster.hosts) and cluster.hosts[0].address in LOOPBACK
    replies = answer(trail, branch, arrival, pod, port, proxied=True, local=local)
    sender = Sender(chain.http is not None, found[1])
    return [through(reply, sender, http=chain.http is not None) for reply in replies]


def through(reply: Reply, sender: Sender, *, http: bool) -> Reply:
    """What the server's proxy answers where the application does not.

    Args:
        reply: the application's.
        sender: how the server's proxy sends.
        http: whether it reads HTTP at this port.
    """
    if reply.kind is not Kind.REFUSED:
        return reply
    if not http:
        return Reply(Kind.CLOSED, reply.share, reply.because, reply.objects, Place.SERVER_PROXY)
    flags = (*(("URX",) if sender.retries_connect() else ()), "UF")
    details = f"{RESET}{{remote_connection_failure|delayed_connect_error:_Connection_refused}}"
    return Reply(
        Kind.STATUS,
        reply.share,
        reply.because,
        reply.objects,
        Place.SERVER_PROXY,
        _UNAVAILABLE,
        flags,
        details,
    )


def walk_inbound(
    trail: Trail, branch: Branch, arrival: Arrival, pod: Resource, proxy: Proxy
) -> list[Reply]:
    """What a server's sidecar makes of a connection to a captured port.

    Args:
        trail: takes the hops.
        branch: where it stands.
        arrival: the connection.
        pod: the server.
        proxy: its sidecar, whose dump was read and holds the listener.
    """
    listener = proxy.config.listener(LISTENER) if proxy.config else None
    if listener is None:
        text = f"the proxy holds no listener {LISTENER}: it has no configuration"
        trail.hop(
            branch, Place.SERVER_PROXY, "listener", LISTENER, Verdict.FAILS, text, proxy=proxy
        )
        owner = (str(trail.mesh.workloads.owning(pod)),)
        return [Reply(Kind.REFUSED, branch.share, text, owner, Place.SERVER_PROXY)]
    note_inbound_differences(trail, pod, proxy, listener, arrival.port)
    chain = choose_chain(listener, _connection(arrival))
    if chain is None or not chain.filters:
        return _closed(trail, branch, arrival, pod, proxy, listener)
    how = "mutual TLS" if arrival.mutual else ("TLS" if arrival.tls else "plaintext")
    failed = _handshake(trail, branch, arrival, pod, proxy, chain)
    if failed is not None:
        return [failed]
    trail.hop(
        branch,
        Place.SERVER_PROXY,
        "filter chain",
        f"{LISTENER} {chain.name}".strip(),
        Verdict.PASSES,
        f"takes {how} at port {arrival.port}: {peer_text(trail.mesh, pod, arrival.port)}",
        objects=peer_objects(trail.mesh, pod, arrival.port)
        or (str(trail.mesh.workloads.owning(pod)),),
        evidence=(filter_chain_match_evidence(proxy, listener, chain),),
        proxy=proxy,
    )
    gate = Gate(proxy, pod, listener, chain, Place.SERVER_PROXY, arrival.port)
    return _filtered(trail, branch, gate, arrival)


def _filtered(trail: Trail, branch: Branch, gate: Gate, arrival: Arrival) -> list[Reply]:
    """The chain's filters, and what lies behind them for what they let pass."""
    passage = pass_filters(trail, branch, gate, arrival)
    replies = [item.as_reply(Place.SERVER_PROXY) for item in passage.refusals]
    if passage.share:
        onward = Branch(passage.share, branch.labels)
        replies += _behind(trail, onward, arrival, gate.pod, gate.proxy, gate.chain)
    elif passage.old_connections:
        when = "on a connection from before the proxy's last update, which still drains"
        onward = Branch(0.0, (*branch.labels, "on an old connection"))
        behind = _behind(trail, onward, arrival, gate.pod, gate.proxy, gate.chain)
        replies += [replace(reply, share=0.0, condition=when) for reply in behind]
    return replies
