"""Pods outside the mesh that STRICT servers turn away.

STRICT with such pods around is no fault; one of them that calls and is refused is. Only the
server's own log shows it, so without that log nobody can tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import RECENT, access_logs
from meshdoctor.analyze.base import (
    MESH_SUBJECT,
    PROXY_CONFIG,
    PROXY_LOG,
    destination_subject,
    holds,
)
from meshdoctor.analyze.mtls_encounters import ports_in_use
from meshdoctor.analyze.mtls_facts import server_fact
from meshdoctor.analyze.mtls_refusals import Refusal, Source, refusals
from meshdoctor.analyze.mtls_remedies import joining, peer_mode_change
from meshdoctor.analyze.mtls_servers import Server, has_application, servers_behind
from meshdoctor.analyze.mtls_side_effects import what_else
from meshdoctor.analyze.mtls_targets import target_of
from meshdoctor.intent.destinations import Destination
from meshdoctor.intent.inbound_capture import is_in_ambient
from meshdoctor.intent.peer_authentication import PeerMode
from meshdoctor.model.finding import Affected, Finding, Outcome, Severity
from meshdoctor.model.kinds import PEER_AUTHENTICATION, POD, SERVICE
from meshdoctor.model.pod import has_proxy, is_finished

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

PLAINTEXT_CLIENT = "MD0201"

SERVER_REFUSED = "server-refused-plaintext"
CLIENT_HAS_NO_PROXY = "client-has-no-proxy"
SERVER_IS_STRICT = "server-is-strict"
NOTHING_REFUSED = "nothing-refused"

_NEEDED = (POD, SERVICE, PEER_AUTHENTICATION)
_MOST_SHOWN = 3
_MOST_UNKNOWN = 50
"""Beyond so many destinations a further one says nothing new."""
_SYSTEM = frozenset({"kube-system", "kube-public", "kube-node-lease"})


@dataclass(frozen=True, slots=True)
class _Case:
    """What one workload outside the mesh met at one destination."""

    client: Workload
    pod: Resource
    """One of its pods."""
    destination: Destination
    refusals: tuple[Refusal, ...]
    """Oldest first."""

    @property
    def peer(self) -> PeerMode:
        """What demands mutual TLS."""
        peer = self.refusals[-1].server.peer
        assert peer is not None
        return peer


def _cases(mesh: Snapshot) -> Iterator[_Case]:
    found: dict[tuple[str, Destination], list[Refusal]] = {}
    for item in refusals(mesh):
        if item.source is Source.OUTSIDE and item.client is not None:
            owner = str(mesh.workloads.owning(item.client))
            target = target_of(mesh, item.server)
            found.setdefault((owner, target), []).append(item)
    for (_, destination), members in sorted(found.items(), key=lambda pair: pair[0]):
        pod = members[-1].client
        assert pod is not None
        yield _Case(mesh.workloads.owning(pod), pod, destination, tuple(members))


def _refused_text(case: _Case) -> str:
    last = case.refusals[-1]
    count = len(case.refusals)
    times = "once" if count == 1 else f"{count} times"
    return (
        f"Plaintext from {case.client} was turned away {times} of late, "
        f"last by {last.server.pod.name} at {last.time.strftime('%H:%M:%S')} UTC"
    )


def _finding(mesh: Snapshot, case: _Case, beside: str) -> Finding:
    destination, peer = case.destination, case.peer
    assert peer.policy is not None
    last = case.refusals[-1]
    held, _ = server_fact(mesh, [item.server for item in case.refusals], tls_only=True)
    alone = f"{case.client} has no proxy, so that it speaks plaintext"
    strict = f"{last.server.pod.name} takes only mutual TLS at port {last.server.port}: {peer.text}"
    join, leave = joining(mesh, [case.pod])
    permit, forbid = peer_mode_change(peer, "PERMISSIVE")
    message = f"{case.client} calls {destination} in plaintext, which takes only mutual TLS"
    return Finding(
        code=PLAINTEXT_CLIENT,
        subject=destination_subject(destination.host, destination.port),
        outcome=Outcome.WARN if beside else Outcome.FAIL,
        message=f"{message}; {beside}" if beside else message,
        resource=str(case.client),
        objects=(str(case.client), str(peer.policy)),
        facts=(
            holds(
                SERVER_REFUSED,
                _refused_text(case),
                *(item.evidence for item in reversed(case.refusals[-_MOST_SHOWN:])),
            ),
            holds(SERVER_IS_STRICT, strict, *peer.evidence),
            holds(CLIENT_HAS_NO_PROXY, alone, case.pod.evidence("spec", "containers", 0, "name")),
            held,
        ),
        affected=(Affected(str(case.client), destination.to),),
        severity=Severity.WARNING if beside else None,
        root=not beside,
        fills={
            "client": str(case.client),
            "client_namespace": case.client.namespace,
            "policy": str(peer.policy),
            "destination": str(destination),
            "server": str(mesh.workloads.owning(last.server.pod)),
            "join_mesh": join,
            "leave_mesh": leave,
            "permit_plaintext": permit,
            "forbid_plaintext": forbid,
            "check_log": (
                f"kubectl logs {last.server.pod.name} -n {last.server.pod.namespace} "
                "-c istio-proxy --since=1m | grep filter_chain_not_found"
            ),
        },
    )


def _could_call(mesh: Snapshot) -> bool:
    """Whether anything outside the mesh runs that may call others."""
    return any(
        not has_proxy(pod)
        and not is_in_ambient(pod)
        and not is_finished(pod)
        and has_application(pod)
        and pod.namespace not in _SYSTEM
        for pod in mesh.catalog.of(POD)
    )


def _unwatched(mesh: Snapshot, servers: Iterable[Server]) -> bool:
    """Whether some STRICT server's log does not show what it refuses."""
    logs = access_logs(mesh)
    blind = logs.unread | logs.silent
    return any(f"{server.pod.name}.{server.pod.namespace}" in blind for server in servers)


def _cannot_tell(destination: Destination, service: ServiceHost) -> Finding:
    return Finding(
        code=PLAINTEXT_CLIENT,
        subject=destination_subject(destination.host, destination.port),
        outcome=Outcome.UNKNOWN,
        message=(
            f"{destination} takes only mutual TLS; whether it turns plaintext away stands in its "
            "servers' access logs, which were not read or are switched off"
        ),
        resource=str(service.resource),
        needs=(PROXY_LOG,),
    )


def _without_refusal(
    destination: Destination, service: ServiceHost, servers: tuple[Server, ...]
) -> Finding:
    """A PASS: no pod outside the mesh is refused there."""
    strict = [server for server in servers if server.is_strict]
    peer = next((server.peer for server in strict or servers if server.peer), None)
    if peer is None:
        text = f"No sidecar behind {destination} demands mutual TLS"
    elif strict:
        minutes = int(RECENT.total_seconds() // 60)
        text = (
            f"{destination} takes only mutual TLS, and its servers turned no pod outside "
            f"the mesh away in the last {minutes} minutes"
        )
    else:
        text = f"{destination} takes plaintext: {peer.text}"
    shown = peer.evidence if peer else ()
    return Finding(
        code=PLAINTEXT_CLIENT,
        subject=destination_subject(destination.host, destination.port),
        outcome=Outcome.PASS,
        message=text,
        resource=str(service.resource),
        facts=(
            holds(
                NOTHING_REFUSED,
                text,
                *(shown or (service.resource.evidence("spec", "selector"),)),
            ),
        ),
    )


def _others(mesh: Snapshot, judged: set[str]) -> Iterator[Finding]:
    """Destinations not judged yet: those in use, and STRICT ones whose logs hide refusals."""
    used = ports_in_use(mesh)
    unknown = _MOST_UNKNOWN if _could_call(mesh) else 0
    for service in mesh.registry.hosts:
        if not service.is_kubernetes or service.is_external_name:
            continue
        for port in service.ports:
            destination = Destination(service.host, port.number)
            if destination_subject(destination.host, destination.port) in judged:
                continue
            servers = servers_behind(mesh, service, port)
            if _unwatched(mesh, [server for server in servers if server.is_strict]):
                if unknown > 0:
                    yield _cannot_tell(destination, service)
                unknown -= 1
            elif servers and (service.host, port.number) in used:
                yield _without_refusal(destination, service, servers)


@dataclass(frozen=True, slots=True)
class _PlaintextClients:
    name: str = "mtls-plaintext-clients"
    description: str = "No pod outside the mesh is turned away by a STRICT server that it calls."
    inputs: tuple[str, ...] = (
        POD.input,
        SERVICE.input,
        PEER_AUTHENTICATION.input,
        PROXY_LOG,
        PROXY_CONFIG,
    )
    codes: tuple[str, ...] = (PLAINTEXT_CLIENT,)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """Judge who was refused, then every destination where nobody was."""
        needs = mesh.catalog.unread(*_NEEDED)
        if needs:
            text = "Who is refused where, and by which policy, cannot be told"
            yield Finding(
                PLAINTEXT_CLIENT, MESH_SUBJECT, Outcome.UNKNOWN, text, "mesh", needs=needs
            )
            return
        judged: set[str] = set()
        beside: dict[Resource, str] = {}
        for case in _cases(mesh):
            policy = case.refusals[-1].policy
            if policy is not None and policy not in beside:
                beside[policy] = what_else(mesh, policy)
            finding = _finding(mesh, case, beside.get(policy, "") if policy else "")
            judged.add(finding.subject)
            yield finding
        yield from _others(mesh, judged)


ANALYZER = _PlaintextClients()
