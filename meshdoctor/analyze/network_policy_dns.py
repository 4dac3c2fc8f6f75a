"""Whether NetworkPolicies leave clients their DNS: without it no call begins and nothing is logged.

An egress policy isolates a pod from the cluster's DNS too, unless a rule lets port 53 pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import access_logs
from meshdoctor.analyze.base import holds, workload_subject
from meshdoctor.analyze.network_policy_words import add_rule, fills_of, isolation_text, rule_for
from meshdoctor.intent.backends import pods_behind, target_port
from meshdoctor.intent.inbound_capture import is_in_ambient
from meshdoctor.intent.named_destinations import named_destinations
from meshdoctor.intent.network_policies import Direction, Verdict, decide, nearest_first
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import DAEMON_SET, NAMESPACE, NETWORK_POLICY, POD, SERVICE
from meshdoctor.model.pod import has_proxy, host_network, is_finished

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.intent.network_policies import Block
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

DNS_BLOCKED = "MD0161"
"""A NetworkPolicy keeps pods from the cluster's DNS."""
DNS_PORT = 53
_LOCAL_CACHE = "node-local-dns"
"""A DaemonSet that answers on the node itself, which policies for pods do not speak of."""


def _dns_service(mesh: Snapshot) -> ServiceHost | None:
    found = mesh.registry.service(f"kube-dns.kube-system.svc.{mesh.registry.domain}")
    cached = any(item.name == _LOCAL_CACHE for item in mesh.catalog.of(DAEMON_SET))
    return None if cached else found


@lru_cache(maxsize=2)
def _dns_targets(mesh: Snapshot) -> tuple[tuple[Resource, int], ...]:
    """The pods that answer DNS, and the port on each."""
    service = _dns_service(mesh)
    ports = [port for port in service.ports if port.number == DNS_PORT] if service else []
    if service is None or not ports:
        return ()
    return tuple(
        (pod, number)
        for pod in pods_behind(mesh, service)
        if not host_network(pod) and (number := target_port(ports[0], pod)) is not None
    )


@lru_cache(maxsize=2)
def _callers(mesh: Snapshot) -> frozenset[str]:
    """Ids of the proxies that sent calls on within the logs' hour."""
    return frozenset(
        call.proxy.id for calls in access_logs(mesh).outbound.values() for call in calls
    )


def _calls_by_name(mesh: Snapshot, pod: Resource) -> bool:
    """Whether a pod is known to call others: its proxy's log or its template shows it."""
    return f"{pod.name}.{pod.namespace}" in _callers(mesh) or bool(named_destinations(mesh, pod))


def _blocks(mesh: Snapshot, pod: Resource) -> tuple[Block, ...]:
    """The policies that keep a pod from every DNS pod; none when any can be reached."""
    targets = _dns_targets(mesh)
    decisions = [decide(mesh, pod, target, port, "UDP") for target, port in targets]
    if not decisions or any(item.verdict is not Verdict.BLOCKED for item in decisions):
        return ()
    target, port = targets[0]
    egress = [block for block in decisions[0].blocks if block.direction is Direction.EGRESS]
    return nearest_first(mesh, egress, pod, target, port, "UDP")


def _finding(mesh: Snapshot, pod: Resource, blocks: tuple[Block, ...]) -> Finding:
    target, port = _dns_targets(mesh)[0]
    first = blocks[0].policy
    workload = mesh.workloads.owning(pod)
    why = isolation_text(first, Direction.EGRESS)
    message = f"{workload} cannot reach the cluster's DNS ({target}, port {port}): {why}"
    evidence = [first.evidence("spec", "podSelector")]
    if first.get("spec", "egress"):
        evidence.append(first.evidence("spec", "egress"))
    evidence += [item.evidence for item in named_destinations(mesh, pod)[:1]]
    ports = [{"protocol": protocol, "port": port} for protocol in ("UDP", "TCP")]
    rule = rule_for(mesh, Direction.EGRESS, [target], ports)
    policies = tuple(dict.fromkeys(str(block.policy) for block in blocks))
    return Finding(
        code=DNS_BLOCKED,
        subject=workload_subject(workload),
        outcome=Outcome.FAIL,
        message=message,
        resource=policies[0],
        objects=(*policies[:5], str(workload)),
        facts=(holds("policy-blocks-connection", message, *evidence),),
        affected=(Affected(str(workload), ""),),
        fills=fills_of(
            mesh, pod, "the cluster's DNS", why, add_rule(first, Direction.EGRESS, rule)
        ),
    )


@dataclass(frozen=True, slots=True)
class DnsReachable:
    """NetworkPolicies leave every workload that calls others its DNS."""

    name: str = "dns-reachable"
    description: str = "NetworkPolicies let every workload that calls others reach DNS."
    inputs: tuple[str, ...] = (
        NETWORK_POLICY.input,
        NAMESPACE.input,
        POD.input,
        SERVICE.input,
    )
    codes: tuple[str, ...] = (DNS_BLOCKED,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at one pod of each workload of the mesh that is known to call others."""
        seen: set[str] = set()
        for pod in mesh.proxy_pods:
            workload = str(mesh.workloads.owning(pod))
            if is_finished(pod) or is_in_ambient(pod) or not has_proxy(pod) or workload in seen:
                continue
            blocks = _blocks(mesh, pod)
            if blocks and _calls_by_name(mesh, pod):
                seen.add(workload)
                yield _finding(mesh, pod, blocks)


ANALYZER = DnsReachable()
