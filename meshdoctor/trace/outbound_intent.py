"""The calling pod's sidecar by the objects alone, where its proxy could not be read.

Which listener takes a connection follows from the ports of what the proxy may see: HTTP ports
share one listener, where the Host header decides; other ports belong to one Service each; what
nothing declares passes through, or is refused under REGISTRY_ONLY
(pilot/pkg/networking/core/listener.go, ``buildSidecarOutboundListeners``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.intent.port_protocol import PortProtocol, protocol_of
from meshdoctor.intent.sidecar_scope import REGISTRY_ONLY, outbound_mode
from meshdoctor.intent.visibility import Sight, sees
from meshdoctor.model.envoy.names import build_cluster_name
from meshdoctor.model.kinds import SIDECAR
from meshdoctor.model.trace import Place, Verdict
from meshdoctor.trace.destination import candidates
from meshdoctor.trace.intent_forward import (
    blocked_host,
    follow_bytes,
    follow_rules,
    take_route,
)
from meshdoctor.trace.intent_routes import Listening, default_route
from meshdoctor.trace.intent_stage import ROUTED_BY, IntentStage, lacks, note_unread
from meshdoctor.trace.intent_upstream import passthrough_cluster, send_asked
from meshdoctor.trace.intent_virtual_services import governing_sidecar, speaks_for
from meshdoctor.trace.replies import Sender
from meshdoctor.trace.upstream import black_hole, pass_through

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.intent.visibility import View
    from meshdoctor.model.registry import ServiceHost, ServicePort
    from meshdoctor.model.trace import Outcome
    from meshdoctor.trace.destination import Destination
    from meshdoctor.trace.servers import Onward
    from meshdoctor.trace.trail import Branch, Trail

_HTTP_PORT = 80


def _sharing(stage: IntentStage, number: int) -> Iterator[ServiceHost]:
    """The hosts that the proxy sees and whose port is at the shared HTTP listener."""
    mesh = stage.trail.mesh
    for service in mesh.registry.hosts:
        port = service.port(number)
        if port is None:
            continue
        protocol = protocol_of(service, port)
        shared = protocol.is_http or (protocol is PortProtocol.AUTO and service.is_headless)
        if shared and sees(mesh, stage.pod, service.host, number).sight is Sight.SEEN:
            yield service


def _is_http_port(stage: IntentStage, number: int) -> bool:
    """Whether the proxy has the shared HTTP listener for a port: a Service it sees has one."""
    return number == _HTTP_PORT or any(True for _ in _sharing(stage, number))


def _is_crowded_out(stage: IntentStage, destination: Destination) -> bool:
    """Whether a TCP port has no listener, since an older host has the shared one for HTTP.

    Without an address of its own it would need 0.0.0.0, where istiod lets the first host decide,
    by age, between HTTP and TCP (``listenerConflict`` in listener.go; analyzer message IST0134).
    """
    service, port = destination.service, destination.port
    if service is None or port is None or service.is_kubernetes or destination.address:
        return False
    if protocol_of(service, port) is not PortProtocol.TCP:
        return False
    own = service.resource.created
    others = [one.resource.created for one in _sharing(stage, port.number)]
    return own is not None and any(one is not None and one < own for one in others)


def _by_authority(stage: IntentStage) -> tuple[str, View | None]:
    """The host that the Host header means to the client, and how the proxy sees it."""
    mesh, request = stage.trail.mesh, stage.trail.request
    name = request.authority
    bare, colon, port = name.rpartition(":")
    if colon and port.isdecimal():
        name = bare
    for candidate in candidates(mesh, name, stage.pod.namespace):
        if mesh.registry.find(candidate):
            return candidate, sees(mesh, stage.pod, candidate, stage.port)
    destination = stage.destination
    if destination is not None and destination.service is not None and name == destination.address:
        # The Service's own address is one of its names.
        host = destination.service.host
        return host, sees(mesh, stage.pod, host, stage.port)
    return name.rstrip(".").lower(), None


def _unknown(stage: IntentStage, branch: Branch, *, http: bool) -> list[Outcome]:
    """A destination that the proxy does not know: passed through, or refused."""
    mode = outbound_mode(stage.trail.mesh, stage.pod)
    if not mode.is_known:
        stage.trail.miss(mode.config.name, "whether unknown destinations are allowed")
    if mode.mode == REGISTRY_ONLY:
        if http:
            return blocked_host(stage, branch, _listening(stage))
        return black_hole(stage, branch, Sender(False, None))
    sender = Sender(http, None)
    route = default_route("", _listening(stage)) if http else None
    cluster = passthrough_cluster()
    stage.trail.send(branch, stage.pod, stage.place, cluster.name, route)
    return pass_through(stage, branch, cluster, sender, route)


def _listening(stage: IntentStage) -> Listening:
    return Listening(stage.trail.mesh, stage.pod, stage.port)


def _http(stage: IntentStage, branch: Branch, host: str, view: View | None) -> list[Outcome]:
    """A request at a listener that reads HTTP, for a host as its header says."""
    mesh = stage.trail.mesh
    if view is not None and view.sight is Sight.UNKNOWN:
        for need in view.needs:
            stage.trail.miss(need, "whether the proxy sees the host", decisive=True)
        return []
    service = view.service if view and view.sight is Sight.SEEN else None
    rule = governing_sidecar(mesh, stage.pod, host, "http")
    if rule is not None and (service is not None or stage.port == _HTTP_PORT):
        return follow_rules(stage, branch, (rule,), _listening(stage))
    if service is not None:
        name = build_cluster_name("outbound", stage.port, "", service.host)
        shown = (service.resource.evidence("spec", "ports"),)
        route = default_route(name, _listening(stage))
        return take_route(stage, branch, route, (str(service.resource),), shown)
    if view is not None and view.by is not None:
        text = f"{view.hider} of {view.by} hides {host} from {stage.pod.namespace}"
        shown = (view.by.evidence(*view.path),)
        stage.hop(branch, "visibility", host, Verdict.FAILS, text, (str(view.by),), shown)
    return _unknown(stage, branch, http=True)


def _bytes(
    stage: IntentStage, branch: Branch, service: ServiceHost, port: ServicePort
) -> list[Outcome]:
    """A connection at a port that is not read as HTTP."""
    request = stage.trail.request
    sni = request.host if request.tls else ""
    for section in ("tls", "tcp"):
        rule = governing_sidecar(stage.trail.mesh, stage.pod, service.host, section)
        if rule is not None:
            found = follow_bytes(stage, branch, rule, _listening(stage), sni)
            if found is not None:
                return found
    name = build_cluster_name("outbound", port.number, "", service.host)
    return send_asked(stage, branch, name, Sender(False, None), None)


def walk_captured_intent(
    trail: Trail, branch: Branch, destination: Destination, onward: Onward
) -> list[Outcome]:
    """What a client's sidecar should make of a connection that it takes.

    Args:
        trail: takes the hops.
        branch: where it stands.
        destination: what the caller asks for.
        onward: walks on where the way leads to a gateway.
    """
    request, client, mesh = trail.request, trail.request.client, trail.mesh
    note_unread(trail, branch, client, Place.CLIENT_PROXY)
    if lacks(trail, *ROUTED_BY, SIDECAR):
        return []
    stage = IntentStage(
        trail=trail,
        pod=client,
        onward=onward,
        address=destination.address,
        port=request.port,
        destination=destination,
    )
    plain = request.http and not request.tls
    service, port = destination.service, destination.port
    view = sees(mesh, client, destination.host, request.port) if service is not None else None
    if view is not None and view.sight is Sight.UNKNOWN:
        return _http(stage, branch, destination.host, view)
    seen = service is not None and view is not None and view.sight is Sight.SEEN
    if seen and service is not None and port is not None:
        protocol = protocol_of(service, port)
        if plain and _is_crowded_out(stage, destination):
            return _unknown(stage, branch, http=True)
        _listener(stage, branch, service, port, protocol)
        if plain and protocol is PortProtocol.AUTO and not service.is_headless:
            return _http(stage, branch, service.host, view)
        if not (plain and (protocol.is_http or protocol is PortProtocol.AUTO)):
            if not protocol.is_http:
                return _bytes(stage, branch, service, port)
            return _unknown(stage, branch, http=False)
        host, named = _by_authority(stage)
        return _http(stage, branch, host, named)
    if plain and (_is_http_port(stage, request.port) or speaks_for(mesh, client, request.host)):
        host, named = _by_authority(stage)
        return _http(stage, branch, host, named)
    if view is not None and view.by is not None:
        text = f"{view.hider} of {view.by} hides {destination.host} from {client.namespace}"
        shown = (view.by.evidence(*view.path),)
        stage.hop(branch, "visibility", destination.host, Verdict.FAILS, text, (), shown)
    return _unknown(stage, branch, http=False)


def _listener(
    stage: IntentStage,
    branch: Branch,
    service: ServiceHost,
    port: ServicePort,
    protocol: PortProtocol,
) -> None:
    request = stage.trail.request
    as_http = request.http and not request.tls and protocol in (*_HTTP, PortProtocol.AUTO)
    how = "as HTTP" if as_http else "as TCP: HTTP rules do not count here"
    stage.hop(
        branch,
        "listener",
        f"{service.host}:{port.number}",
        Verdict.PASSES,
        f"takes the connection to {stage.address or request.host}:{port.number} {how} ({protocol})",
        (str(service.resource),),
        (service.resource.evidence("spec", "ports", port.index),),
    )


_HTTP = (PortProtocol.HTTP, PortProtocol.HTTP2)
