"""Whether each DestinationRule stands where some client of its host looks for it.

Nothing reports a rule in a third namespace: it is accepted and has no effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import access_logs
from meshdoctor.analyze.base import (
    ISTIOD_MESH,
    PROXY_CONFIG,
    PROXY_HOSTS,
    PROXY_LOG,
    destination_subject,
    holds,
    unread,
)
from meshdoctor.analyze.destination_facts import affected_by
from meshdoctor.analyze.destination_findings import command_target
from meshdoctor.analyze.destinations_in_use import uses_of
from meshdoctor.analyze.moved_destination_rules import how_to_move
from meshdoctor.analyze.proxy_evidence import cluster_origin_evidence
from meshdoctor.intent.destination_rules import covers, rule_host
from meshdoctor.intent.rule_reach import (
    hosts_of_rule,
    is_repeated,
    namespaces_with_clients,
    says_something,
    stands_apart,
)
from meshdoctor.model.envoy.names import parse_cluster_name
from meshdoctor.model.finding import Fact, FactState, Finding, Outcome, Severity
from meshdoctor.model.kinds import DESTINATION_RULE, POD, SERVICE, SERVICE_ENTRY
from meshdoctor.model.pod import is_finished, is_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.envoy import Cluster
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

MISPLACED = "MD0132"
_MOST_SHOWN = 3


def _speaks_of(cluster: str, host: str) -> bool:
    name = parse_cluster_name(cluster)
    return name is not None and name.direction == "outbound" and covers(host, name.host)


def _routes_to(proxy: Proxy, host: str) -> bool:
    return any(
        _speaks_of(target.name, host)
        for config in (proxy.config.routes if proxy.config else ())
        for virtual_host in config.virtual_hosts
        for route in virtual_host.routes
        for target in route.clusters
    )


def _calls(mesh: Snapshot, proxy: Proxy, host: str) -> bool | None:
    """Whether a proxy ever called a host; None when neither its counters nor its log tell.

    A gateway that has a route to it is there to call it.
    """
    pod = mesh.pod_of(proxy)
    if pod is not None and is_gateway(pod) and _routes_to(proxy, host):
        return True
    if proxy.hosts is not None:
        return any(
            status.rq_total or status.cx_total
            for cluster in proxy.hosts.clusters
            if _speaks_of(cluster.name, host)
            for status in cluster.hosts
        )
    logs = access_logs(mesh)
    if proxy.id in logs.unread | logs.silent:
        return None
    return any(
        call.proxy.id == proxy.id
        for cluster, calls in logs.outbound.items()
        if _speaks_of(cluster, host)
        for call in calls
    )


@lru_cache(maxsize=2)
def _proxy_ids(mesh: Snapshot) -> dict[str, tuple[str, ...]]:
    """Ids of the proxies that are there or were read, by namespace."""
    found: dict[str, dict[str, None]] = {}
    for pod in mesh.proxy_pods:
        if not is_finished(pod):
            found.setdefault(pod.namespace, {})[f"{pod.name}.{pod.namespace}"] = None
    for proxy in mesh.proxies.values():
        found.setdefault(proxy.namespace, {})[proxy.id] = None
    return {namespace: tuple(ids) for namespace, ids in found.items()}


def _has_clients(mesh: Snapshot, rule: Resource) -> bool | None:
    """Whether anybody in the rule's own namespace calls its host; None when nobody can tell."""
    if rule.namespace not in namespaces_with_clients(mesh):
        return False
    host, untold = rule_host(rule, mesh), False
    for name in _proxy_ids(mesh).get(rule.namespace, ()):
        proxy = mesh.proxies.get(name)
        answer = _calls(mesh, proxy, host) if proxy else None
        if answer:
            return True
        untold = untold or answer is None
    return None if untold else False


def _clusters(mesh: Snapshot, host: str) -> Iterator[tuple[Proxy, Cluster]]:
    for proxy in mesh.proxies.values():
        for cluster in proxy.config.clusters if proxy.config else ():
            if _speaks_of(cluster.name, host):
                yield proxy, cluster


def _is_applied(mesh: Snapshot, rule: Resource) -> bool:
    """Whether the cluster of some proxy elsewhere comes from this very rule."""
    return any(
        proxy.namespace != rule.namespace
        and cluster.config is not None
        and str(cluster.config) == str(rule)
        for proxy, cluster in _clusters(mesh, rule_host(rule, mesh))
    )


def _without_rule(mesh: Snapshot, rule: Resource, uses: list[Use]) -> Fact:
    """The fact that the clusters of those who call do not come from the rule."""
    every = _clusters(mesh, rule_host(rule, mesh))
    found = [item for item in every if item[0].namespace != rule.namespace]
    callers = {call.proxy.id for use in uses for call in use.calls}
    found.sort(key=lambda item: item[0].id not in callers)
    if not found:
        return unread("clusters-without-rule", "No proxy's cluster for the host was read")
    who = ", ".join(dict.fromkeys(mesh.caller(proxy) for proxy, _ in found[:_MOST_SHOWN]))
    text = f"The clusters for {rule_host(rule, mesh)} at {who} do not come from {rule}"
    shown = (cluster_origin_evidence(proxy, cluster) for proxy, cluster in found[:_MOST_SHOWN])
    return holds("clusters-without-rule", text, *shown)


def _place_fact(rule: Resource, hosts: tuple[ServiceHost, ...], text: str) -> Fact:
    return holds(
        "rule-in-third-namespace",
        text,
        rule.evidence("metadata", "namespace"),
        rule.evidence("spec", "host"),
        hosts[0].resource.evidence("metadata", "namespace"),
    )


def _finding(
    mesh: Snapshot,
    rule: Resource,
    outcome: Outcome,
    text: str,
    facts: tuple[Fact, ...] = (),
    needs: tuple[str, ...] = (),
) -> Finding:
    subject = destination_subject(rule_host(rule, mesh), None)
    return Finding(MISPLACED, subject, outcome, text, str(rule), facts=facts, needs=needs)


def _problem(mesh: Snapshot, rule: Resource, hosts: tuple[ServiceHost, ...]) -> Finding:
    host = rule_host(rule, mesh)
    uses = [use for h in hosts for p in h.ports for use in uses_of(mesh, h.host, p.number)]
    # Where somebody in the rule's namespace might call it one day, others must be seen to call.
    alone = rule.namespace not in namespaces_with_clients(mesh)
    wanted = [use for use in uses if (use.is_wanted if alone else use.calls)]
    repeated = is_repeated(mesh, rule, hosts)
    root = bool(wanted) and not repeated
    affected = tuple(dict.fromkeys(item for use in wanted for item in affected_by(mesh, use)))
    space = hosts[0].namespace
    message = (
        f"{rule} is for {host} of namespace {space}, and nobody who calls that looks in namespace "
        f"{rule.namespace}: they look in their own, in {space} and in {mesh.root_namespace}"
    )
    if repeated:
        message += "; a rule in the right place says the same"
    return Finding(
        MISPLACED,
        destination_subject(host, None),
        Outcome.FAIL if root else Outcome.WARN,
        message,
        str(rule),
        objects=(str(rule), str(hosts[0].resource)),
        facts=(_place_fact(rule, hosts, message), _without_rule(mesh, rule, uses)),
        affected=affected,
        severity=None if root and alone else Severity.WARNING,
        root=root,
        fills={
            "host": host,
            "space": space,
            "root": mesh.root_namespace,
            "service": str(hosts[0].resource),
            "caller": command_target(next((item.source for item in affected), "")),
            **how_to_move(mesh, rule, hosts),
        },
    )


def _judge(mesh: Snapshot, rule: Resource) -> Finding | None:
    hosts = hosts_of_rule(mesh, rule)
    if not hosts or not says_something(rule):
        return None
    host = rule_host(rule, mesh)
    if not stands_apart(mesh, rule, hosts):
        text = f"{rule} stands in a namespace in which every client of {host} looks for it"
        fact = holds("rule-in-known-place", text, rule.evidence("metadata", "namespace"))
        return _finding(mesh, rule, Outcome.PASS, text, (fact,))
    if needs := mesh.catalog.unread(POD):
        text = f"Whether {rule} has clients in its own namespace cannot be told"
        return _finding(mesh, rule, Outcome.UNKNOWN, text, needs=needs)
    if _has_clients(mesh, rule) is not False or _is_applied(mesh, rule):
        text = f"{rule} is for the clients of {host} in namespace {rule.namespace}"
        fact = holds("rule-has-clients", text, rule.evidence("metadata", "namespace"))
        return _finding(mesh, rule, Outcome.PASS, text, (fact,))
    found = _problem(mesh, rule, hosts)
    seen = found.facts[-1].state is FactState.HOLDS
    if not seen and all(istiod.mesh is None for istiod in mesh.istiods):
        text = f"Whether {rule} stands in the root namespace cannot be told"
        return _finding(mesh, rule, Outcome.UNKNOWN, text, needs=(ISTIOD_MESH, PROXY_CONFIG))
    return found


@dataclass(frozen=True, slots=True)
class MisplacedDestinationRules:
    """Every DestinationRule can have an effect."""

    name: str = "misplaced-destination-rules"
    description: str = "Every DestinationRule stands where some client of its host looks for it."
    inputs: tuple[str, ...] = (
        DESTINATION_RULE.input,
        SERVICE.input,
        SERVICE_ENTRY.input,
        POD.input,
        ISTIOD_MESH,
        PROXY_CONFIG,
        PROXY_HOSTS,
        PROXY_LOG,
    )
    codes: tuple[str, ...] = (MISPLACED,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at every rule whose host the registry has."""
        for rule in mesh.catalog.of(DESTINATION_RULE):
            if (found := _judge(mesh, rule)) is not None:
                yield found


ANALYZER = MisplacedDestinationRules()
