"""Clients whose own sidecar is passed by, so that they reach STRICT servers in plaintext.

Only the server's log shows it: the client's proxy never sees the connection. Without that log a
client counts as calling what its own template names.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import access_logs
from meshdoctor.analyze.base import (
    MESH_SUBJECT,
    PROXY_CONFIG,
    PROXY_LOG,
    destination_subject,
    holds,
)
from meshdoctor.analyze.capture_remedies import capture_again, exclusion_evidence
from meshdoctor.analyze.mtls_facts import server_fact
from meshdoctor.analyze.mtls_named_calls import NamedCall, named_calls
from meshdoctor.analyze.mtls_refusals import Refusal, Source, refusals
from meshdoctor.analyze.mtls_servers import Server, servers_behind
from meshdoctor.analyze.mtls_targets import services_at, target_of
from meshdoctor.intent.destinations import Destination
from meshdoctor.intent.traffic_capture import Exclusion, limits_outbound, outbound_exclusion
from meshdoctor.model.finding import Affected, Fact, Finding, Outcome
from meshdoctor.model.kinds import PEER_AUTHENTICATION, POD, SERVICE
from meshdoctor.model.pod import has_proxy, is_finished, is_gateway, pod_ip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

BYPASSES = "MD0206"

CLIENT_BYPASSES = "client-bypasses-its-sidecar"
SERVER_REFUSED = "server-refused-plaintext"
SERVER_IS_STRICT = "server-is-strict"
_NOTHING_REFUSED = "nothing-refused"
_NEEDED = (POD, SERVICE, PEER_AUTHENTICATION)
_MOST_SHOWN = 3
_MOST_UNKNOWN = 50


def _dialled(service: ServiceHost) -> str:
    return str(service.resource.spec.get("clusterIP") or "")


def bypass_of(mesh: Snapshot, item: Refusal) -> Exclusion | None:
    """The annotation on a client that explains why a STRICT server got plaintext from it."""
    if item.client is None or item.source is not Source.INSIDE or not has_proxy(item.client):
        return None
    places = [(_dialled(s), port.number) for s, port in services_at(mesh, item.server)]
    places.append((pod_ip(item.server.pod), item.server.port))
    found = (outbound_exclusion(item.client, ip, port) for ip, port in places)
    return next((exclusion for exclusion in found if exclusion is not None), None)


@dataclass(frozen=True, slots=True)
class _Case:
    """What one workload met at one destination."""

    client: Workload
    destination: Destination
    exclusion: Exclusion
    pod: Resource
    """One of the client's."""
    servers: tuple[Server, ...]
    """Those that turned it away, the last at the end."""
    refusals: tuple[Refusal, ...]
    named: NamedCall | None = None
    """What the client's template names, where no log tells."""


@lru_cache(maxsize=2)
def _cases(mesh: Snapshot) -> tuple[_Case, ...]:
    found: dict[tuple[str, Destination], list[tuple[Refusal, Exclusion]]] = {}
    for item in refusals(mesh):
        exclusion = bypass_of(mesh, item)
        if exclusion is not None and item.client is not None:
            owner = str(mesh.workloads.owning(item.client))
            key = (owner, target_of(mesh, item.server))
            found.setdefault(key, []).append((item, exclusion))
    cases = []
    for (_, destination), members in sorted(found.items(), key=lambda pair: pair[0]):
        newest, exclusion = members[-1]
        pod = newest.client
        assert pod is not None
        client, seen = mesh.workloads.owning(pod), tuple(item for item, _ in members)
        servers = tuple(item.server for item in seen)
        cases.append(_Case(client, destination, exclusion, pod, servers, seen))
    for call in named_calls(mesh):
        client = mesh.workloads.owning(call.pod)
        if call.exclusion is not None and (str(client), call.destination) not in found:
            place = (client, call.destination, call.exclusion)
            cases.append(_Case(*place, call.pod, (call.server,), (), call))
    return tuple(cases)


def _refused(mesh: Snapshot, case: _Case) -> Fact:
    if case.named is not None:
        return case.named.fact(mesh, SERVER_REFUSED)
    newest = case.refusals[-1]
    text = (
        f"{newest.server.pod.name} turned plaintext from {case.client} away {len(case.refusals)} "
        f"times of late, last at {newest.time.strftime('%H:%M:%S')} UTC"
    )
    lines = (item.evidence for item in reversed(case.refusals[-_MOST_SHOWN:]))
    return holds(SERVER_REFUSED, text, *lines)


def _finding(mesh: Snapshot, case: _Case) -> Finding:
    last = case.servers[-1]
    pod, peer, server = case.pod, last.peer, last.pod
    assert peer is not None
    why = f"{case.client} keeps it out of its own sidecar ({case.exclusion.text})"
    strict = f"{server.name} takes only mutual TLS at port {last.port}: {peer.text}"
    held, _ = server_fact(mesh, case.servers, tls_only=True)
    forth, back = capture_again(case.client, case.exclusion)
    objects = (str(case.client), *((str(peer.policy),) if peer.policy else ()))
    return Finding(
        code=BYPASSES,
        subject=destination_subject(case.destination.host, case.destination.port),
        outcome=Outcome.FAIL,
        message=f"Traffic to {case.destination} arrives in plaintext: {why}",
        resource=str(case.client),
        objects=objects,
        facts=(
            holds(CLIENT_BYPASSES, why, *exclusion_evidence(case.client, pod, case.exclusion)),
            _refused(mesh, case),
            holds(SERVER_IS_STRICT, strict, *peer.evidence),
            held,
        ),
        affected=(Affected(str(case.client), case.destination.to),),
        fills={
            "client": str(case.client),
            "server": str(mesh.workloads.owning(server)),
            "destination": str(case.destination),
            "policy": str(peer.policy),
            "annotation": case.exclusion.annotation,
            "exclusion": case.exclusion.text,
            "capture": forth,
            "bypass": back,
            "check_log": (
                f"kubectl logs {server.name} -n {server.namespace} "
                "-c istio-proxy --since=1m | grep filter_chain_not_found"
            ),
        },
    )


@lru_cache(maxsize=2)
def _limited(mesh: Snapshot) -> dict[str, Resource]:
    """A pod of each workload that keeps some of its own traffic out of its sidecar."""
    found: dict[str, Resource] = {}
    for pod in mesh.proxy_pods:
        if not is_finished(pod) and not is_gateway(pod) and limits_outbound(pod):
            found.setdefault(str(mesh.workloads.owning(pod)), pod)
    return found


def _blind(mesh: Snapshot, servers: Iterable[Server]) -> bool:
    logs = access_logs(mesh)
    hidden = logs.unread | logs.silent
    return any(f"{server.pod.name}.{server.pod.namespace}" in hidden for server in servers)


def _others(mesh: Snapshot, judged: set[tuple[str, str]]) -> Iterator[Finding]:
    """Destinations that a limited workload would reach in plaintext, and was not seen to."""
    left = _MOST_UNKNOWN
    for service in mesh.registry.hosts:
        if not service.is_kubernetes or service.is_external_name:
            continue
        for port in service.ports:
            servers = [s for s in servers_behind(mesh, service, port) if s.is_strict]
            subject = destination_subject(service.host, port.number)
            for name, pod in _limited(mesh).items() if servers else ():
                exclusion = outbound_exclusion(pod, _dialled(service), port.number)
                if exclusion is None or (name, subject) in judged or left == 0:
                    continue
                left -= 1
                yield _unseen(service, port.number, name, exclusion, _blind(mesh, servers), pod)


def _unseen(
    service: ServiceHost, port: int, name: str, exclusion: Exclusion, blind: bool, pod: Resource
) -> Finding:
    destination = Destination(service.host, port)
    text = f"{name} would reach {destination} in plaintext ({exclusion.text}), "
    common = (BYPASSES, destination_subject(service.host, port))
    affected = (Affected(name, destination.to),)
    if blind:
        text += "which takes only mutual TLS; whether it calls stands in the server's unread log"
        return Finding(*common, Outcome.UNKNOWN, text, name, affected=affected, needs=(PROXY_LOG,))
    text += "but was not turned away there"
    shown = pod.evidence("metadata", "annotations", exclusion.annotation)
    facts = (holds(_NOTHING_REFUSED, text, shown),)
    return Finding(*common, Outcome.PASS, text, name, facts=facts)


@dataclass(frozen=True, slots=True)
class OutboundCapture:
    """No client of the mesh reaches a STRICT server past its own sidecar."""

    name: str = "mtls-outbound-capture"
    description: str = "No client of the mesh reaches a STRICT server past its own sidecar."
    inputs: tuple[str, ...] = (
        POD.input,
        SERVICE.input,
        PEER_AUTHENTICATION.input,
        PROXY_LOG,
        PROXY_CONFIG,
    )
    codes: tuple[str, ...] = (BYPASSES,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One FAIL for each client and destination; UNKNOWN where the server's log is unread."""
        needs = mesh.catalog.unread(*_NEEDED)
        if needs:
            if POD.input in needs or _limited(mesh):
                text = "Whose traffic reaches STRICT servers past its sidecar cannot be told"
                yield Finding(BYPASSES, MESH_SUBJECT, Outcome.UNKNOWN, text, "mesh", needs=needs)
            return
        judged: set[tuple[str, str]] = set()
        for case in _cases(mesh):
            finding = _finding(mesh, case)
            judged.add((str(case.client), finding.subject))
            yield finding
        yield from _others(mesh, judged)


ANALYZER = OutboundCapture()
