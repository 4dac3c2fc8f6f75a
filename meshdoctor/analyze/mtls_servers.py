"""The pods behind a destination, and what each of them takes: plaintext, mutual TLS, or both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.intent.backends import pods_behind, target_port
from meshdoctor.intent.inbound_capture import captures_inbound, is_in_ambient
from meshdoctor.intent.peer_authentication import PeerMode, ServerMode, peer_mode
from meshdoctor.model.kinds import PEER_AUTHENTICATION
from meshdoctor.model.pod import container_path, has_proxy, is_gateway, is_istiod, is_ztunnel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.registry import ServiceHost, ServicePort
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

INBOUND_LISTENER = "virtualInbound"
_TLS = "tls"


@dataclass(frozen=True, slots=True)
class Server:
    """One running pod behind a destination, at the port that the Service leads to."""

    pod: Resource
    port: int
    """Container port."""
    has_proxy: bool
    """Whether a sidecar or ztunnel can terminate mutual TLS for it."""
    enforces: bool
    """Whether connections to the port pass a sidecar, which then demands what policies say."""
    peer: PeerMode | None
    """None where PeerAuthentications could not be read, or nothing enforces them."""

    @property
    def is_strict(self) -> bool:
        """Whether it turns plaintext away."""
        return self.peer is not None and self.peer.mode is ServerMode.STRICT

    @property
    def is_disabled(self) -> bool:
        """Whether it does not speak TLS although it has a sidecar."""
        return self.peer is not None and self.peer.mode is ServerMode.DISABLE


def _is_server(pod: Resource) -> bool:
    """Whether policies for workloads apply; gateways follow their own Gateway objects."""
    if pod.status.get("phase") != "Running":
        return False
    return not (is_gateway(pod) or is_istiod(pod) or is_ztunnel(pod))


def server_at(mesh: Snapshot, pod: Resource, port: int) -> Server:
    """What one pod takes at a container port."""
    sidecar = has_proxy(pod)
    enforces = sidecar and captures_inbound(pod, port)
    known = mesh.catalog.known(PEER_AUTHENTICATION)
    return Server(
        pod=pod,
        port=port,
        has_proxy=sidecar or is_in_ambient(pod),
        enforces=enforces,
        peer=peer_mode(mesh, pod.namespace, pod.labels, port) if enforces and known else None,
    )


def servers_behind(
    mesh: Snapshot,
    service: ServiceHost,
    port: ServicePort,
    subset: Mapping[str, str] | None = None,
) -> tuple[Server, ...]:
    """The running pods behind a port of a service, or behind a subset of it."""
    found: list[Server] = []
    for pod in pods_behind(mesh, service, subset):
        number = target_port(port, pod)
        if number is not None and _is_server(pod):
            found.append(server_at(mesh, pod, number))
    return tuple(found)


def takes_plaintext(proxy: Proxy, port: int) -> bool | None:
    """Whether a sidecar's inbound filter chains let plaintext in at a container port.

    Returns:
        None when the dump was not read or does not say.
    """
    listener = proxy.config.listener(INBOUND_LISTENER) if proxy.config else None
    if listener is None or listener.has_matcher or not listener.filter_chains:
        return None
    own = [c for c in listener.filter_chains if c.match.destination_port == port]
    # Ports without a chain of their own fall to the passthrough chains.
    chains = own or [c for c in listener.filter_chains if c.match.destination_port is None]
    return any(c.match.transport_protocol != _TLS and c.tls is None for c in chains)


def takes_tls(proxy: Proxy, port: int) -> bool | None:
    """Whether a sidecar terminates TLS at a container port; None when the dump does not say."""
    listener = proxy.config.listener(INBOUND_LISTENER) if proxy.config else None
    if listener is None or listener.has_matcher or not listener.filter_chains:
        return None
    own = [c for c in listener.filter_chains if c.match.destination_port == port]
    chains = own or [c for c in listener.filter_chains if c.match.destination_port is None]
    return any(c.tls is not None for c in chains)


def workloads_of(mesh: Snapshot, servers: Iterable[Server]) -> tuple[str, ...]:
    """The workloads behind some servers, once each."""
    return tuple(dict.fromkeys(str(mesh.workloads.owning(item.pod)) for item in servers))


def has_application(pod: Resource) -> bool:
    """Whether a pod runs something that may call others, not only the mesh's own parts."""
    return not (is_gateway(pod) or is_istiod(pod) or is_ztunnel(pod)) and (
        container_path(pod, "install-cni") is None
    )
