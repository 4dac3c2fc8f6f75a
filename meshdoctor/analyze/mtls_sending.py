"""What a client sends to a server, and what decides it.

A DestinationRule that sets ``tls`` decides for every endpoint alike; else automatic mTLS chooses
per endpoint, by what istiod tells the client of it (pilot/pkg/xds/endpoints/mtls_checker.go,
pilot/pkg/networking/core/cluster_tls.go). What is not captured leaves as the application sends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.intent.client_tls import ClientMode, ClientTls
from meshdoctor.intent.destination_rules import setting
from meshdoctor.intent.inbound_capture import is_in_ambient
from meshdoctor.intent.outbound_capture import OutboundCapture, outbound_capture
from meshdoctor.intent.peer_authentication import ServerMode, namespace_mode
from meshdoctor.model.envoy import TlsMode
from meshdoctor.model.kinds import DESTINATION_RULE, PEER_AUTHENTICATION
from meshdoctor.model.pod import has_proxy, is_gateway
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.analyze.mtls_accepting import Accepting
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

MESH_CONFIG = "istiod/mesh.json"
"""The input that says whether automatic mTLS is on."""


class Sends(StrEnum):
    """What arrives at the server's port."""

    PLAINTEXT = "plaintext"
    """Without TLS of the mesh's; what the application itself encrypts counts as plaintext."""
    MTLS = "mTLS"
    HBONE = "HBONE"
    SIMPLE = "TLS (SIMPLE)"
    MUTUAL = "TLS (MUTUAL)"
    """With a certificate of the user's."""
    UNKNOWN = "unknown"


class ClientKind(StrEnum):
    """What stands between the client's application and the network."""

    SIDECAR = "sidecar"
    GATEWAY = "gateway"
    AMBIENT = "ztunnel"
    NONE = "no proxy"


@dataclass(frozen=True, slots=True)
class Client:
    """What decides about a pod's calls; pods that are alike in this send alike."""

    kind: ClientKind
    capture: OutboundCapture | None = None
    """Of a sidecar."""


@dataclass(frozen=True, slots=True)
class Sending:
    """What a client sends to one kind of server."""

    what: Sends
    by: str
    """What decides, in words."""
    rule: Resource | None = None
    """The DestinationRule that decides, if one does."""
    mode: ClientMode | None = None
    names: tuple[str, ...] = ()
    """The ``subjectAltNames`` that the client accepts; empty for the server's own."""
    needs: tuple[str, ...] = ()
    """What was not read, where it is unknown."""

    @property
    def text(self) -> str:
        """What is sent, with how it came to be chosen."""
        return f"{self.what} (auto)" if self.mode is ClientMode.AUTO else str(self.what)


@dataclass(frozen=True, slots=True)
class Target:
    """One destination as a client sees it."""

    service: ServiceHost
    port: int
    """The Service's port."""
    tls: ClientTls | None
    """What governs the client there; None where DestinationRules were not read."""
    servers: tuple[Accepting, ...]
    """Every kind of server behind it."""


def client_of(pod: Resource) -> Client:
    """What decides about a pod's calls."""
    if is_gateway(pod):
        return Client(ClientKind.GATEWAY)
    if has_proxy(pod):
        return Client(ClientKind.SIDECAR, outbound_capture(pod))
    return Client(ClientKind.AMBIENT if is_in_ambient(pod) else ClientKind.NONE)


@lru_cache(maxsize=2)
def knows_auto_mtls(mesh: Snapshot) -> bool:
    """Whether it is known that automatic mTLS is on or off: by mesh config, or by a cluster."""
    if any(istiod.mesh is not None for istiod in mesh.istiods):
        return True
    return any(
        cluster.tls is TlsMode.AUTO
        for proxy in mesh.proxies.values()
        if proxy.config is not None
        for cluster in proxy.config.clusters
    )


def _is_passthrough(client: Client, target: Target) -> bool:
    """Whether Envoy dials the address that the application chose (cluster type ORIGINAL_DST)."""
    if client.kind is not ClientKind.SIDECAR:
        return False
    rules = target.tls.rules if target.tls else ()
    balancer = setting(rules, "loadBalancer", target.port)
    chosen = as_mapping(balancer.value).get("simple") if balancer else None
    return target.service.is_headless or chosen == "PASSTHROUGH"


def _is_capable(server: Accepting) -> bool | None:
    """Whether istiod tells clients that an endpoint takes mutual TLS; None when not known."""
    if not server.is_marked:
        return False
    return None if server.peer is None else server.peer.mode is not ServerMode.DISABLE


def _all(answers: Iterable[bool | None]) -> bool | None:
    found = set(answers)
    if False in found or not found:
        return False
    return None if None in found else True


def _automatic(mesh: Snapshot, client: Client, target: Target, server: Accepting) -> Sending:
    """Automatic mTLS: the namespace's mode, then the endpoint's own mark and mode."""
    if not knows_auto_mtls(mesh):
        text = "unknown: whether automatic mTLS is on was not read"
        return Sending(Sends.UNKNOWN, text, needs=(MESH_CONFIG,))
    auto, mode = "automatic mTLS", ClientMode.AUTO
    if mesh.catalog.known(PEER_AUTHENTICATION):
        wide = namespace_mode(mesh, target.service.namespace)
        if wide.mode is ServerMode.DISABLE:
            return Sending(Sends.PLAINTEXT, f"{auto}: {wide.policy} says DISABLE", mode=mode)
    passthrough = _is_passthrough(client, target)
    asked = target.servers if passthrough else (server,)
    capable = _all(_is_capable(item) for item in asked)
    if capable is None:
        text = f"{auto}: unknown, PeerAuthentications were not read"
        return Sending(Sends.UNKNOWN, text, needs=(PEER_AUTHENTICATION.input,))
    if capable:
        return Sending(Sends.MTLS, auto, mode=mode)
    if passthrough and _is_capable(server):
        why = f"{auto}: not every endpoint takes mTLS, and the address is the application's choice"
    elif server.is_marked:
        why = f"{auto}: {server.peer.policy if server.peer else ''} says DISABLE"
    else:
        why = f"{auto}: the server has no sidecar"
    return Sending(Sends.PLAINTEXT, why, mode=mode)


_BY_MODE = {
    ClientMode.DISABLE: Sends.PLAINTEXT,
    ClientMode.ISTIO_MUTUAL: Sends.MTLS,
    ClientMode.SIMPLE: Sends.SIMPLE,
    ClientMode.MUTUAL: Sends.MUTUAL,
}


def _by_rule(client: Client, tls: ClientTls) -> Sending:
    """What a DestinationRule's ``tls`` makes every client send, to whatever stands there."""
    assert tls.setting is not None
    rule, value = tls.setting.rule, as_mapping(tls.setting.value)
    by = f"{rule} (tls {tls.mode})"
    what = _BY_MODE[tls.mode]
    if (
        what in (Sends.SIMPLE, Sends.MUTUAL)
        and client.kind is ClientKind.SIDECAR
        and value.get("credentialName")
        and not str(value["credentialName"]).startswith("configmap://")
        and "workloadSelector" not in rule.spec
    ):
        # istiod drops such TLS without a word (pilot/pkg/networking/core/cluster_tls.go).
        by = f"{rule}: credentialName needs a workloadSelector at a sidecar, so its tls is dropped"
        return Sending(Sends.PLAINTEXT, by, rule, tls.mode)
    names = tuple(str(name) for name in as_list(value.get("subjectAltNames")))
    return Sending(what, by, rule, tls.mode, names)


def _address(service: ServiceHost) -> str:
    address = service.resource.spec.get("clusterIP")
    return address if isinstance(address, str) and address != "None" else ""


def _without_envoy(client: Client, target: Target, server: Accepting) -> Sending | None:
    """What is sent where no Envoy of the client's takes part; None where one does."""
    if client.kind is ClientKind.NONE:
        return Sending(Sends.PLAINTEXT, "the client has no proxy")
    if client.kind is ClientKind.AMBIENT:
        if server.takes_hbone:
            return Sending(Sends.HBONE, "ztunnel")
        return Sending(Sends.PLAINTEXT, "ztunnel: the server takes no HBONE")
    if client.capture is not None:
        annotation = client.capture.passes_by(target.port, _address(target.service))
        if annotation:
            return Sending(Sends.PLAINTEXT, f"annotation {annotation} leads past the sidecar")
    return None


def sending(mesh: Snapshot, client: Client, target: Target, server: Accepting) -> Sending:
    """What a client sends to one kind of server of a destination.

    Args:
        mesh: the snapshot.
        client: what decides about the client's calls.
        target: the destination, with what governs this client there.
        server: the server.
    """
    without = _without_envoy(client, target, server)
    if without is not None:
        return without
    if server.takes_hbone:
        # An endpoint behind a tunnel is matched first, whatever a DestinationRule says.
        return Sending(Sends.HBONE, "istiod: the server takes HBONE")
    if target.tls is None:
        text = "unknown: DestinationRules were not read"
        return Sending(Sends.UNKNOWN, text, needs=(DESTINATION_RULE.input,))
    if target.tls.setting is not None:
        return _by_rule(client, target.tls)
    if target.tls.mode is ClientMode.DISABLE:
        return Sending(Sends.PLAINTEXT, "mesh config: enableAutoMtls is false")
    return _automatic(mesh, client, target, server)
