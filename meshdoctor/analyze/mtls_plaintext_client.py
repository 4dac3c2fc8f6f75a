"""Pods outside the mesh that STRICT servers turn away.

STRICT with such pods around is no fault; one of them that calls and is refused is. Only the
server's own log shows it; where logs are switched off, a template that names the server counts.
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
from meshdoctor.analyze.mtls_plaintext_cases import Case, Group, groups
from meshdoctor.analyze.mtls_plaintext_remedies import remedies
from meshdoctor.analyze.mtls_servers import Server, has_application, servers_behind
from meshdoctor.analyze.mtls_side_effects import what_else
from meshdoctor.analyze.pod_evidence import container_names, containers_text
from meshdoctor.intent.destinations import Destination
from meshdoctor.intent.inbound_capture import is_in_ambient
from meshdoctor.model.finding import Affected, Finding, Outcome, Severity
from meshdoctor.model.kinds import PEER_AUTHENTICATION, POD, SERVICE
from meshdoctor.model.pod import has_proxy, is_finished

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.model.finding import Fact
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.snapshot import Snapshot

PLAINTEXT_CLIENT = "MD0201"

SERVER_REFUSED = "server-refused-plaintext"
CLIENT_HAS_NO_PROXY = "client-has-no-proxy"
SERVER_IS_STRICT = "server-is-strict"
NOTHING_REFUSED = "nothing-refused"

_NEEDED = (POD, SERVICE, PEER_AUTHENTICATION)
_MOST_SHOWN = 3
_MOST_UNKNOWN = 50
"""Beyond so many destinations, or callers, a further one says nothing new."""
_SYSTEM = frozenset({"kube-system", "kube-public", "kube-node-lease"})


def _refused_text(case: Case) -> str:
    last = case.refusals[-1]
    count = len(case.refusals)
    times = "once" if count == 1 else f"{count} times"
    return (
        f"Plaintext from {case.client} was turned away {times} of late, "
        f"last by {last.server.pod.name} at {last.time.strftime('%H:%M:%S')} UTC"
    )


def _refused(mesh: Snapshot, case: Case) -> Fact:
    if case.named is not None:
        return case.named.fact(mesh, SERVER_REFUSED)
    newest = (item.evidence for item in reversed(case.refusals[-_MOST_SHOWN:]))
    return holds(SERVER_REFUSED, _refused_text(case), *newest)


def _facts(mesh: Snapshot, case: Case) -> tuple[Fact, ...]:
    peer, server, pod = case.peer, case.server, case.pod
    servers = [item.server for item in case.refusals] or [server]
    held, _ = server_fact(mesh, servers, tls_only=True)
    strict = f"{server.pod.name} takes only mutual TLS at port {server.port}: {peer.text}"
    alone = f"{pod.name} has no proxy, so that it speaks plaintext: {containers_text(pod)}"
    return (
        _refused(mesh, case),
        holds(SERVER_IS_STRICT, strict, *peer.evidence),
        holds(CLIENT_HAS_NO_PROXY, alone, *container_names(pod)),
        held,
    )


def _finding(mesh: Snapshot, case: Case, group: Group, beside: str) -> Finding:
    destination, server = case.destination, case.server.pod
    message = f"{case.client} calls {destination} in plaintext, which takes only mutual TLS"
    return Finding(
        code=PLAINTEXT_CLIENT,
        subject=destination_subject(destination.host, destination.port),
        outcome=Outcome.WARN if beside else Outcome.FAIL,
        message=f"{message}; {beside}" if beside else message,
        resource=str(case.client),
        objects=group.objects(case),
        facts=_facts(mesh, case),
        affected=(Affected(str(case.client), destination.to),),
        severity=Severity.WARNING if beside else None,
        root=not beside,
        fills={
            **remedies(mesh, group),
            "check_log": (
                f"kubectl logs {server.name} -n {server.namespace} "
                "-c istio-proxy --since=1m | grep filter_chain_not_found"
            ),
        },
    )


def _outsiders(mesh: Snapshot) -> tuple[str, ...]:
    """The workloads outside the mesh that may call others, the first of each namespace first."""
    found: dict[str, str] = {}
    for pod in mesh.catalog.of(POD):
        if (
            not has_proxy(pod)
            and not is_in_ambient(pod)
            and not is_finished(pod)
            and has_application(pod)
            and pod.namespace not in _SYSTEM
        ):
            found.setdefault(str(mesh.workloads.owning(pod)), pod.namespace)
    firsts = {namespace: name for name, namespace in reversed(found.items())}
    return tuple(dict.fromkeys([*firsts.values(), *found]))


def _unwatched(mesh: Snapshot, servers: Iterable[Server]) -> bool:
    """Whether some STRICT server's log does not show what it refuses."""
    logs = access_logs(mesh)
    blind = logs.unread | logs.silent
    return any(f"{server.pod.name}.{server.pod.namespace}" in blind for server in servers)


def _cannot_tell(
    destination: Destination, service: ServiceHost, callers: tuple[str, ...]
) -> Finding:
    return Finding(
        code=PLAINTEXT_CLIENT,
        subject=destination_subject(destination.host, destination.port),
        outcome=Outcome.UNKNOWN,
        message=(
            f"{destination} takes only mutual TLS; whether it turns plaintext away stands in its "
            "servers' access logs, which were not read or are switched off"
        ),
        resource=str(service.resource),
        # Whoever asks about one of these must hear that nobody knows.
        affected=tuple(Affected(name, destination.to) for name in callers[:_MOST_UNKNOWN]),
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
    callers = _outsiders(mesh)
    unknown = _MOST_UNKNOWN if callers else 0
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
                    yield _cannot_tell(destination, service, callers)
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
        for group in groups(mesh):
            beside = {policy: what_else(mesh, policy) for policy in group.policies}
            for case in group.cases:
                finding = _finding(mesh, case, group, beside[case.policy])
                judged.add(finding.subject)
                yield finding
        yield from _others(mesh, judged)


ANALYZER = _PlaintextClients()
