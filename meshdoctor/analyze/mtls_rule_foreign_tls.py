"""A DestinationRule that makes clients speak TLS of their own to a sidecar, which takes Istio's.

With mode SIMPLE no client certificate is sent, with MUTUAL one of the user's. A STRICT sidecar
wants a certificate of the mesh; a PERMISSIVE one knows TLS on an HTTP port by Istio's ALPN alone;
one with mode DISABLE takes the handshake for a garbled request. On other ports the bytes go on to
the application, which may well speak TLS (pilot/pkg/networking/core/filterchain_options.go).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds
from meshdoctor.analyze.mtls_facts import client_fact, failed_calls, requests_fail, transport_text
from meshdoctor.analyze.mtls_remedies import tls_to_istio_mutual
from meshdoctor.analyze.mtls_rule_conflicts import named, problem, rule_fact
from meshdoctor.analyze.mtls_servers import workloads_of
from meshdoctor.analyze.pod_evidence import container_names
from meshdoctor.intent.client_tls import ClientMode
from meshdoctor.intent.port_protocol import protocol_of
from meshdoctor.model.envoy import TlsMode

if TYPE_CHECKING:
    from meshdoctor.analyze.access_logs import Calls
    from meshdoctor.analyze.mtls_encounters import Encounter
    from meshdoctor.analyze.mtls_servers import Server
    from meshdoctor.model.access_log import AccessLogEntry
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.snapshot import Snapshot

FOREIGN_TLS = "MD0208"
FOREIGN_MODES = frozenset({ClientMode.SIMPLE, ClientMode.MUTUAL})

SERVER_HAS_SIDECAR = "server-has-sidecar"
_HELD = {ClientMode.SIMPLE: TlsMode.SIMPLE, ClientMode.MUTUAL: TlsMode.MUTUAL}
_MOST_SHOWN = 2


def _handshake_failed(entry: AccessLogEntry) -> bool:
    text = transport_text(entry).replace(" ", "_")
    return "TLS_error" in text or "connection_termination" in text


def _cannot_agree(meeting: Encounter, server: Server) -> bool:
    """Whether no handshake can succeed, whatever certificates the clients hold."""
    if server.is_strict:
        # A certificate that the mesh's CA signed may be among the user's own.
        return meeting.tls.mode is ClientMode.SIMPLE
    port = meeting.service.port(meeting.destination.port or 0)
    return port is not None and protocol_of(meeting.service, port).is_http


def _failed(mesh: Snapshot, meeting: Encounter, servers: list[Server]) -> Calls:
    assert meeting.tls.setting is not None
    policies = [s.peer.policy for s in servers if s.peer and s.peer.policy]
    objects = [meeting.tls.setting.rule, *policies]
    return failed_calls(mesh, meeting, servers, objects, shows=_handshake_failed)


def foreign_tls(mesh: Snapshot, meeting: Encounter) -> Finding | None:
    """A rule with mode SIMPLE or MUTUAL, and servers whose sidecars take only Istio's TLS."""
    setting = meeting.tls.setting
    if setting is None or meeting.tls.mode not in FOREIGN_MODES:
        return None
    known = [server for server in meeting.servers if server.enforces and server.peer is not None]
    sure = [server for server in known if _cannot_agree(meeting, server)]
    failed = _failed(mesh, meeting, sure or known)
    servers = sure or (known if failed else [])
    if not servers:
        return None
    peer = servers[0].peer
    assert peer is not None
    held, differs = client_fact(mesh, meeting, _HELD[meeting.tls.mode])
    who = named(workloads_of(mesh, servers))
    text = f"{who} has a sidecar, which takes Istio's own mutual TLS: {peer.text}"
    mutual, back = tls_to_istio_mutual(setting)
    shown = [item for server in servers[:_MOST_SHOWN] for item in container_names(server.pod)]
    return problem(
        mesh,
        FOREIGN_TLS,
        meeting,
        f"{setting.rule} sets tls mode {meeting.tls.mode} for {meeting.destination}, but {text}",
        objects=[setting.rule, *workloads_of(mesh, servers)],
        facts=(
            rule_fact(meeting),
            holds(SERVER_HAS_SIDECAR, text, *shown, *peer.evidence),
            held,
            requests_fail(mesh, meeting, failed),
        ),
        failed=failed,
        contradicted=differs,
        fills={"servers": who, "use_istio_mutual": mutual, "use_own_tls": back},
    )
