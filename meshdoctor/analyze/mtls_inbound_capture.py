"""Servers whose port leads past their sidecar, while clients are told to speak mutual TLS to it.

istiod tells clients that a pod with a sidecar takes mutual TLS (label ``security.istio.io/tlsMode``
and PeerAuthentication); it does not look at capture annotations. At a port that is left out of
capture the application itself answers the handshake: ``WRONG_VERSION_NUMBER``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import recent
from meshdoctor.analyze.base import (
    MESH_SUBJECT,
    PROXY_CONFIG,
    PROXY_HOSTS,
    PROXY_LOG,
    holds,
    unread,
)
from meshdoctor.analyze.capture_remedies import capture_again, exclusion_evidence
from meshdoctor.analyze.mtls_encounters import Encounter, encounters_at
from meshdoctor.analyze.mtls_facts import (
    REQUESTS_FAIL,
    affected_by,
    client_proxies,
    failed_calls,
    requests_fail,
    was_garbled,
)
from meshdoctor.analyze.mtls_remedies import checks
from meshdoctor.analyze.mtls_rule_conflicts import named
from meshdoctor.analyze.proxy_evidence import host_evidence
from meshdoctor.intent.client_tls import ClientMode
from meshdoctor.intent.peer_authentication import ServerMode, peer_mode
from meshdoctor.intent.traffic_capture import Exclusion, inbound_exclusion
from meshdoctor.model.finding import Fact, FactState, Finding, Outcome
from meshdoctor.model.kinds import DESTINATION_RULE, PEER_AUTHENTICATION, POD, SERVICE
from meshdoctor.model.pod import PROXY_CONTAINER, containers, has_proxy, pod_ip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.analyze.access_logs import Calls
    from meshdoctor.analyze.mtls_servers import Server
    from meshdoctor.model.envoy import HostStatus
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

BYPASSED = "MD0205"

SERVER_BYPASSES = "server-port-bypasses-sidecar"
CLIENTS_SPEAK_TLS = "clients-speak-mutual-tls"
_TLS_MODE = "security.istio.io/tlsMode"
_NEEDED = (POD, SERVICE, DESTINATION_RULE)
_CAPTURED = "sidecar-takes-the-port"


@dataclass(frozen=True, slots=True)
class _Bypass:
    """Servers of one encounter that are dialled with TLS past their sidecars."""

    meeting: Encounter
    servers: tuple[tuple[Server, Exclusion], ...]

    @property
    def pods(self) -> tuple[Server, ...]:
        return tuple(server for server, _ in self.servers)

    @property
    def addresses(self) -> set[str]:
        return {f"{pod_ip(server.pod)}:{server.port}" for server in self.pods}


def _gets_tls(mesh: Snapshot, meeting: Encounter, server: Server) -> bool:
    """Whether the clients' proxies speak mutual TLS to a pod."""
    if meeting.tls.mode is ClientMode.ISTIO_MUTUAL:
        return True
    if meeting.tls.mode is not ClientMode.AUTO or server.pod.labels.get(_TLS_MODE) != "istio":
        return False
    mode = peer_mode(mesh, server.pod.namespace, server.pod.labels, server.port).mode
    return mode is not ServerMode.DISABLE


def _bypass(mesh: Snapshot, meeting: Encounter) -> _Bypass:
    found = []
    for server in meeting.servers:
        exclusion = inbound_exclusion(server.pod, server.port) if has_proxy(server.pod) else None
        if exclusion is not None and _gets_tls(mesh, meeting, server):
            found.append((server, exclusion))
    return _Bypass(meeting, tuple(found))


def _works(mesh: Snapshot, found: _Bypass, failed: Calls) -> bool:
    """Whether the newest call shows that the application answers TLS by itself."""
    reached = [
        call
        for call in recent(mesh, found.meeting.calls(mesh))
        if call.entry.upstream_host in found.addresses and call.entry.details == "via_upstream"
    ]
    return bool(reached) and (not failed or reached[-1].time > failed[-1].time)


def _counted(mesh: Snapshot, found: _Bypass) -> Iterator[tuple[Proxy, HostStatus]]:
    """Clients' counters of these servers, where every connection failed."""
    name = found.meeting.destination.cluster
    for proxy in client_proxies(mesh, found.meeting):
        for host in proxy.hosts.hosts_of(name) if proxy.hosts else ():
            if str(host) in found.addresses and 0 < host.cx_total == host.cx_connect_fail:
                yield proxy, host


def _failure(mesh: Snapshot, found: _Bypass, failed: Calls) -> Fact:
    """That requests fail: by the clients' logs, else by their counters."""
    fact = requests_fail(mesh, found.meeting, failed)
    counted = next(_counted(mesh, found), None)
    if fact.state is FactState.HOLDS or counted is None:
        return fact
    proxy, host = counted
    name = found.meeting.destination.cluster
    text = f"All {host.cx_total} connections of {mesh.caller(proxy)} to {host} failed"
    return holds(REQUESTS_FAIL, text, host_evidence(proxy, name, host))


def _clients_fact(mesh: Snapshot, found: _Bypass) -> Fact:
    """That the clients' proxies were told to speak TLS to these endpoints."""
    meeting, addresses = found.meeting, found.addresses
    name = meeting.destination.cluster
    if meeting.tls.setting is not None:
        rule = meeting.tls.setting.rule
        text = f"{rule} sets tls mode {meeting.tls.mode} for {meeting.destination}"
        return holds(CLIENTS_SPEAK_TLS, text, rule.evidence(*meeting.tls.mode_path))
    for proxy in client_proxies(mesh, meeting):
        held = proxy.config.load_assignment(name) if proxy.config else None
        for item in held.endpoints if held else ():
            if str(item) in addresses and item.tls_mode == "istio":
                text = f"The proxy of {mesh.caller(proxy)} speaks mutual TLS to {item}"
                shown = found.pods[0].pod.evidence("metadata", "labels", _TLS_MODE)
                return holds(CLIENTS_SPEAK_TLS, text, shown)
    return unread(CLIENTS_SPEAK_TLS, f"No client's endpoints of {name} could be read")


def _finding(mesh: Snapshot, found: _Bypass, failed: Calls) -> Finding:
    meeting, (server, exclusion) = found.meeting, found.servers[0]
    owners = {str(owner): owner for s in found.pods if (owner := mesh.workloads.owning(s.pod))}
    owner = mesh.workloads.owning(server.pod)
    forth, back = capture_again(owner, exclusion)
    why = f"{owner} keeps port {server.port} out of its sidecar ({exclusion.text})"
    caller = failed[-1].proxy.id if failed else next(iter(_ids(mesh, found)), "")
    return Finding(
        code=BYPASSED,
        subject=meeting.subject,
        outcome=Outcome.FAIL,
        message=f"Clients of {meeting.destination} speak mutual TLS, but {why}",
        resource=str(owner),
        objects=tuple(owners)[:6],
        facts=(
            holds(SERVER_BYPASSES, why, *exclusion_evidence(owner, server.pod, exclusion)),
            _clients_fact(mesh, found),
            _failure(mesh, found, failed),
        ),
        affected=affected_by(mesh, meeting, failed),
        fills={
            "server": str(owner),
            "port": str(server.port),
            "destination": str(meeting.destination),
            "annotation": exclusion.annotation,
            "exclusion": exclusion.text,
            "capture": forth,
            "bypass": back,
            **checks(caller, meeting.destination.host),
        },
    )


def _ids(mesh: Snapshot, found: _Bypass) -> Iterator[str]:
    yield from (call.proxy.id for call in found.meeting.calls(mesh)[-1:])
    yield from (f"{pod.name}.{pod.namespace}" for pod in found.meeting.pods)


def _unknown(meeting: Encounter, needs: tuple[str, ...], text: str) -> Finding:
    resource = str(meeting.service.resource)
    return Finding(BYPASSED, meeting.subject, Outcome.UNKNOWN, text, resource, needs=needs)


def _uncounted(mesh: Snapshot, pod: Resource) -> bool:
    """Whether a client's counters were not read."""
    proxy = mesh.proxy_of(pod)
    return proxy is None or proxy.hosts is None


def _judge(mesh: Snapshot, found: _Bypass) -> Finding | None:
    """What a bypass means; None where nobody meets it."""
    meeting = found.meeting
    objects = [meeting.tls.setting.rule] if meeting.tls.setting else []
    failed = failed_calls(mesh, meeting, found.pods, objects, shows=was_garbled)
    if _works(mesh, found, failed):
        return None
    if failed or next(_counted(mesh, found), None) is not None:
        return _finding(mesh, found, failed)
    needs = mesh.catalog.unread(PEER_AUTHENTICATION)
    if needs and meeting.tls.setting is None:
        return _unknown(meeting, needs, f"Whether {meeting.destination} is sent TLS is not known")
    if meeting.calls(mesh) or meeting.routed:
        return _finding(mesh, found, failed)
    if meeting.is_wanted(mesh) and any(_uncounted(mesh, pod) for pod in meeting.pods):
        text = f"Whether anybody calls {meeting.destination} past its sidecar is not known"
        return _unknown(meeting, (PROXY_LOG, PROXY_HOSTS), text)
    return None


def _captured(meeting: Encounter) -> Finding | None:
    """A PASS: every sidecar behind a destination takes the port."""
    pods = [server for server in meeting.servers if server.enforces]
    if not pods or not meeting.used:
        return None
    text = f"The sidecar of {named(server.pod.name for server in pods)} takes port {pods[0].port}"
    shown = [
        server.pod.evidence(*path, "name")
        for server in pods[:2]
        for path, container in containers(server.pod)
        if container.get("name") == PROXY_CONTAINER
    ]
    return Finding(
        BYPASSED,
        meeting.subject,
        Outcome.PASS,
        text,
        str(meeting.service.resource),
        facts=(holds(_CAPTURED, text, *shown),),
    )


@dataclass(frozen=True, slots=True)
class InboundCapture:
    """Ports that clients speak mutual TLS to lead through the servers' sidecars."""

    name: str = "mtls-inbound-capture"
    description: str = "Ports that clients speak mutual TLS to are captured by the servers."
    inputs: tuple[str, ...] = (
        POD.input,
        SERVICE.input,
        DESTINATION_RULE.input,
        PEER_AUTHENTICATION.input,
        PROXY_LOG,
        PROXY_HOSTS,
        PROXY_CONFIG,
    )
    codes: tuple[str, ...] = (BYPASSED,)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """One FAIL for each destination whose servers are dialled past their sidecars."""
        needs = mesh.catalog.unread(*_NEEDED)
        if needs:
            text = "Which ports clients speak mutual TLS to cannot be told"
            yield Finding(BYPASSED, MESH_SUBJECT, Outcome.UNKNOWN, text, "mesh", needs=needs)
            return
        passed: dict[str, Finding] = {}
        judged: set[str] = set()
        for meeting in encounters_at(mesh, _has_exclusion):
            found = _bypass(mesh, meeting)
            finding = _judge(mesh, found) if found.servers else None
            if finding is not None:
                judged.add(meeting.subject)
                yield finding
            elif not found.servers and (good := _captured(meeting)) is not None:
                passed.setdefault(meeting.subject, good)
        yield from (item for subject, item in passed.items() if subject not in judged)


def _has_exclusion(server: Server) -> bool:
    return has_proxy(server.pod) and inbound_exclusion(server.pod, server.port) is not None


ANALYZER = InboundCapture()
