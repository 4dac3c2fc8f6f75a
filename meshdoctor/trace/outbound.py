"""The calling pod: name, capture, and its sidecar's outbound listener."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.analyze.proxy_evidence import filter_chain_evidence, listener_evidence
from meshdoctor.intent.inbound_capture import is_in_ambient
from meshdoctor.intent.outbound_capture import passed_by
from meshdoctor.model.pod import has_proxy
from meshdoctor.model.trace import Basis, Outcome, Place, Verdict
from meshdoctor.trace.ambient import through_waypoint, without_ztunnel
from meshdoctor.trace.arrival import Arrival
from meshdoctor.trace.destination import pods_reached, resolve
from meshdoctor.trace.filter_chains import Connection, choose_chain, choose_outbound
from meshdoctor.trace.forward import walk_chain
from meshdoctor.trace.gateway import onward
from meshdoctor.trace.outbound_intent import walk_captured_intent
from meshdoctor.trace.replies import Kind, Reply, seen_without_proxy
from meshdoctor.trace.servers import reach
from meshdoctor.trace.stage import Stage
from meshdoctor.trace.staleness import note_listener_error

if TYPE_CHECKING:
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.trace.destination import Destination
    from meshdoctor.trace.trail import Branch, Trail

_PLAIN_HTTP = ("http/1.1",)


def _note_name(trail: Trail, branch: Branch, destination: Destination) -> None:
    request = trail.request
    where = destination.address or "whatever DNS outside the cluster says"
    objects: tuple[str, ...] = (str(destination.service.resource),) if destination.service else ()
    if destination.pod is not None:
        objects = (str(destination.pod),)
    known = "" if destination.is_known else "; no Service or ServiceEntry has this name"
    trail.hop(
        branch,
        Place.CLIENT,
        "name",
        request.host,
        Verdict.PASSES,
        f"{request.host} is {destination.host} at {where}{known}",
        objects=objects,
        basis=Basis.INTENT,
    )


def _direct(trail: Trail, branch: Branch, destination: Destination) -> list[Outcome]:
    """The application's own connection, as kube-proxy leads it to a pod."""
    request = trail.request
    if destination.service is not None and destination.port is None:
        service = str(destination.service.resource)
        text = f"{service} has no port {request.port}"
        called = f"{destination.host}:{request.port}"
        return [_stopped(trail, branch, called, text, service, "connection refused or timed out")]
    targets = pods_reached(trail.mesh, destination, request.port)
    if not targets and destination.is_known:
        name = str(destination.service.resource) if destination.service else destination.host
        text = f"{name} has no ready endpoint"
        return [_stopped(trail, branch, name, text, name, "connection refused")]
    found: list[Outcome] = []
    # It is the caller that speaks plaintext, for want of a sidecar or past it.
    owner = str(trail.mesh.workloads.owning(request.client))
    for _, address, port in targets or ((None, destination.address or request.host, request.port),):
        way = branch.to(f"{address}:{port}", 1 / len(targets)) if len(targets) > 1 else branch
        arrival = Arrival(
            source=request.client,
            address=address,
            port=port,
            http=request.http,
            tls=request.tls,
            sni=request.host if request.tls else "",
            protocols=() if request.tls else _PLAIN_HTTP,
            hbone=_through_tunnel(trail, address),
        )
        for reply in _replies(trail, way, arrival, destination):
            plain = reply.kind is Kind.CLOSED and not is_in_ambient(request.client)
            shown = (*reply.objects, owner) if plain else reply.objects
            found.append(seen_without_proxy(replace(reply, objects=shown)))
    return found


def _replies(
    trail: Trail, branch: Branch, arrival: Arrival, destination: Destination
) -> list[Reply]:
    """What comes back: from ztunnel or a waypoint on the way, else from the server's end."""
    client = trail.request.client
    stopped = without_ztunnel(trail, branch, client)
    if stopped is not None:
        return [stopped]
    if destination.service is not None and is_in_ambient(client):
        behind = through_waypoint(trail, branch, arrival, destination.service)
        if isinstance(behind, Reply):
            return [behind]
        arrival = behind
    return reach(trail, branch, arrival, onward)


def _through_tunnel(trail: Trail, address: str) -> bool:
    """Whether ztunnel takes the connection at both ends."""
    server = trail.mesh.pod_at(address)
    return server is not None and is_in_ambient(server) and is_in_ambient(trail.request.client)


def _stopped(
    trail: Trail, branch: Branch, shown: str, text: str, service: str, details: str
) -> Outcome:
    """A connection that leads nowhere from a Service, with the hop that says so."""
    objects = (service,)
    trail.hop(
        branch,
        Place.NETWORK,
        "Service",
        shown,
        Verdict.FAILS,
        text,
        objects=objects,
        basis=Basis.INTENT,
    )
    return _lost(branch, text, objects, details)


def _lost(branch: Branch, text: str, objects: tuple[str, ...], details: str) -> Outcome:
    return Outcome(
        status=0,
        flags=(),
        details=details,
        share=branch.share,
        delivered=False,
        place=Place.NETWORK,
        because=text,
        objects=objects,
    )


def walk_from_pod(trail: Trail, branch: Branch) -> list[Outcome]:
    """What becomes of a request that an application makes.

    Args:
        trail: takes the hops.
        branch: where it stands.
    """
    request = trail.request
    client = request.client
    destination = resolve(trail.mesh, request)
    _note_name(trail, branch, destination)
    passes_by = _passes_by(client, destination, request.port)
    if passes_by is None:
        return _captured(trail, branch, destination)
    text, evidence = passes_by
    trail.hop(
        branch,
        Place.CLIENT,
        "capture",
        client.name,
        Verdict.PASSES,
        text,
        objects=(str(trail.mesh.workloads.owning(client)),),
        evidence=evidence,
        basis=Basis.INTENT,
    )
    return _direct(trail, branch, destination)


def _passes_by(
    client: Resource, destination: Destination, port: int
) -> tuple[str, tuple[Evidence, ...]] | None:
    """Why the connection avoids a sidecar, and where that stands; None when one takes it."""
    if not has_proxy(client):
        if is_in_ambient(client):
            return f"{client.name} has no sidecar; ztunnel takes its connections", ()
        return f"{client.name} has no sidecar: it connects by itself", ()
    excluded = passed_by(client, destination.address, port)
    if excluded is None:
        return None
    shown = client.evidence("metadata", "annotations", excluded)
    return f"{excluded} keeps this connection away from the sidecar", (shown,)


def _captured(trail: Trail, branch: Branch, destination: Destination) -> list[Outcome]:
    request = trail.request
    client = request.client
    proxy = trail.mesh.proxy_of(client)
    config = proxy.config if proxy else None
    listener = choose_outbound(config, destination.address, request.port) if config else None
    if proxy is None or config is None or listener is None:
        return walk_captured_intent(trail, branch, destination, onward)
    protocols = _PLAIN_HTTP if request.http and not request.tls else ()
    sni = request.host if request.tls else ""
    seen = Connection(request.port, destination.address, request.tls, sni, protocols)
    chain = choose_chain(listener, seen)
    if chain is None or not chain.filters:
        text = f"no filter chain of {listener.name} takes the connection"
        trail.hop(
            branch,
            Place.CLIENT_PROXY,
            "filter chain",
            listener.name,
            Verdict.FAILS,
            text,
            evidence=(listener_evidence(proxy, listener),),
            proxy=proxy,
        )
        return [_lost(branch, text, (), "filter_chain_not_found")]
    how = "as HTTP" if chain.http else "as TCP: HTTP rules do not count here"
    trail.hop(
        branch,
        Place.CLIENT_PROXY,
        "listener",
        f"{listener.name} {chain.name}".strip(),
        Verdict.PASSES,
        f"takes the connection to {destination.address or request.host}:{request.port} {how}",
        objects=(str(destination.service.resource),) if destination.service else (),
        evidence=(
            listener_evidence(proxy, listener),
            filter_chain_evidence(proxy, listener, chain),
        ),
        proxy=proxy,
    )
    note_listener_error(trail, proxy, listener)
    stage = Stage(
        trail=trail,
        proxy=proxy,
        config=config,
        pod=client,
        listener=listener,
        chain=chain,
        onward=onward,
        address=destination.address,
        port=request.port,
        destination=destination,
    )
    return walk_chain(stage, branch)
