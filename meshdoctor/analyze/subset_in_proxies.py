"""Subsets that a proxy's routes name and its clusters lack, where the objects were not read.

istiod makes a cluster for each subset that a DestinationRule defines, with or without pods
(pilot/pkg/networking/core/cluster_builder.go, applyDestinationRule). A proxy that holds the host's
own cluster and none for the subset of a route has therefore been told of no such subset.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import access_logs
from meshdoctor.analyze.base import PROXY_CONFIG, destination_subject, holds, unread
from meshdoctor.analyze.nearest_labels import nearest_word
from meshdoctor.analyze.proxy_evidence import cluster_evidence, route_evidence
from meshdoctor.analyze.subset_definition import SUBSET_NOT_DEFINED, new_rule
from meshdoctor.intent.destination_rules import rules_for, subset_named
from meshdoctor.model.envoy.names import build_cluster_name, parse_cluster_name
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import DESTINATION_RULE, VIRTUAL_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.envoy import Cluster, ConfigDump, Route
    from meshdoctor.model.envoy.config_pointer import ConfigPointer
    from meshdoctor.model.envoy.names import ClusterName
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot

_RULES = f"{VIRTUAL_SERVICE.plural}.{VIRTUAL_SERVICE.group}"
_POLICIES = f"{DESTINATION_RULE.plural}.{DESTINATION_RULE.group}"


@dataclass(frozen=True, slots=True)
class _Lack:
    """A route of one proxy to a subset that the proxy holds no cluster for."""

    proxy: Proxy
    rule: ConfigPointer
    """The VirtualService that the route is of."""
    name: ClusterName
    defined: tuple[str, ...]
    """Subsets of the host that the proxy does hold."""
    policy: ConfigPointer | None
    """The DestinationRule of the host, as far as it shows in its cluster."""
    domains: frozenset[str]
    """What callers may call the host, ports left out."""
    evidence: tuple[Evidence, ...]


def _missing(config: ConfigDump, route: Route) -> Iterator[tuple[ClusterName, Cluster]]:
    """Subsets that a route sends something to without a cluster of theirs, and the host's own."""
    for target in route.clusters:
        name = parse_cluster_name(target.name)
        if name is None or not target.weight:
            continue
        if name.port is None or not name.subset or name.direction != "outbound":
            continue
        whole = config.cluster(build_cluster_name("outbound", name.port, "", name.host))
        if config.cluster(target.name) is None and whole is not None:
            yield name, whole


def _lacks(proxy: Proxy, config: ConfigDump) -> Iterator[_Lack]:
    hosts = [(routes, host) for routes in config.routes for host in routes.virtual_hosts]
    ways = [(routes, host, route) for routes, host in hosts for route in host.routes]
    for routes, host, route in ways:
        rule = route.config
        if rule is None or rule.kind != VIRTUAL_SERVICE.name:
            continue
        for name, whole in _missing(config, route):
            yield _Lack(
                proxy=proxy,
                rule=rule,
                name=name,
                defined=_defined(config, name),
                policy=whole.config,
                domains=frozenset(domain.partition(":")[0] for domain in host.domains),
                evidence=(
                    route_evidence(proxy, routes, host, route),
                    cluster_evidence(proxy, whole),
                ),
            )


def _defined(config: ConfigDump, name: ClusterName) -> tuple[str, ...]:
    others = filter(None, (parse_cluster_name(cluster.name) for cluster in config.clusters))
    return tuple(
        sorted(
            other.subset
            for other in others
            if (other.direction, other.host, other.port) == ("outbound", name.host, name.port)
            and other.subset
        )
    )


def _definition(lack: _Lack) -> dict[str, str]:
    """The command that defines the subset, by what the proxy shows of the DestinationRule."""
    name = lack.name.subset
    subset: dict[str, object] = {"name": name, "labels": {"version": name}}
    if lack.policy is None:
        return new_rule(lack.name.host, lack.rule.namespace, subset)
    there = bool(lack.defined)
    rule = f"{_POLICIES} {lack.policy.name} -n {lack.policy.namespace}"
    add = {
        "op": "add",
        "path": "/spec/subsets/-" if there else "/spec/subsets",
        "value": subset if there else [subset],
    }
    at = f"/spec/subsets/{len(lack.defined)}" if there else "/spec/subsets"
    remove = {"op": "remove", "path": at}
    return {
        "rule": f"{lack.policy.namespace}/{lack.policy.name}",
        "define": f"kubectl patch {rule} --type json -p '{json.dumps([add])}'",
        "undefine": f"kubectl patch {rule} --type json -p '{json.dumps([remove])}'",
    }


def _fills(lack: _Lack) -> dict[str, str]:
    name = lack.name.subset
    other = nearest_word(name, lack.defined) or next(iter(lack.defined), None)
    edit = f"kubectl edit {_RULES} {lack.rule.name} -n {lack.rule.namespace}"
    there = ", ".join(lack.defined)
    return {
        "subset": name,
        "host": lack.name.host,
        "destination": f"{lack.name.host}:{lack.name.port}",
        "defined": f"{there} are defined" if there else "no subset of it is defined",
        "virtualservice": f"{lack.rule.namespace}/{lack.rule.name}",
        "do": f"Send the route to subset {other}" if other else "Take the subset out of the route",
        "command": f"{edit}  # subset: {other or 'none'}",
        "undo": f"{edit}  # subset: {name}",
        "caller": lack.proxy.id,
        **_definition(lack),
    }


def _is_defined(mesh: Snapshot, lack: _Lack) -> bool:
    """Whether a DestinationRule that was read defines it: then the proxy is behind."""
    rules = rules_for(mesh, lack.name.host, lack.proxy.namespace)
    return subset_named(rules, lack.name.subset) is not None


def _is_refused(mesh: Snapshot, lack: _Lack) -> bool:
    """Whether the proxy has refused a request for want of a cluster (NC), by its log."""
    logs = access_logs(mesh).without_cluster
    refused = (call for host in lack.domains for call in logs.get(host, ()))
    return any(call.proxy.id == lack.proxy.id for call in refused)


def _finding(mesh: Snapshot, lacks: list[_Lack]) -> Finding:
    first = lacks[0]
    cluster = build_cluster_name(
        "outbound", first.name.port or 0, first.name.subset, first.name.host
    )
    fills = _fills(first)
    where = f"{first.name.host}:{first.name.port}"
    # Where logs show who calls, the others only hold the route.
    lacks = [lack for lack in lacks if _is_refused(mesh, lack)] or lacks
    callers = tuple(dict.fromkeys(mesh.caller(lack.proxy) for lack in lacks))
    who = ", ".join(callers[:3])
    message = (
        f"{first.rule} sends requests to subset {first.name.subset} of {first.name.host}, "
        f"of which the proxy of {who} has been told nothing ({fills['defined']})"
    )
    evidence = tuple(dict.fromkeys(item for lack in lacks[:3] for item in lack.evidence))
    policies = (str(first.policy),) if first.policy is not None else ()
    return Finding(
        code=SUBSET_NOT_DEFINED,
        subject=destination_subject(first.name.host, first.name.port, first.name.subset),
        outcome=Outcome.FAIL,
        message=message,
        resource=str(first.rule),
        objects=(str(first.rule), *policies),
        facts=(
            holds("subset-undefined", message, *evidence),
            holds(
                "proxies-lack-cluster",
                f"The proxy of {who} routes to {cluster} and holds no such cluster",
                *evidence,
            ),
            unread("requests-fail", "What requests are meant to go there was not read"),
        ),
        affected=tuple(Affected(caller, where) for caller in callers),
        fills=fills,
    )


@dataclass(frozen=True, slots=True)
class SubsetInProxies:
    """Subsets that routes name are known to the proxies that hold the routes."""

    name: str = "subset-in-proxies"
    description: str = (
        "Proxies hold a cluster of every subset they route to (where VirtualServices are unread)."
    )
    inputs: tuple[str, ...] = (PROXY_CONFIG,)
    codes: tuple[str, ...] = (SUBSET_NOT_DEFINED,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at the routes of every proxy that was read; the objects tell more where they are."""
        if mesh.catalog.known(VIRTUAL_SERVICE) or mesh.catalog.of(VIRTUAL_SERVICE):
            return
        found: dict[tuple[str, ClusterName], list[_Lack]] = defaultdict(list)
        for proxy in mesh.proxies.values():
            if proxy.config is not None:
                for lack in _lacks(proxy, proxy.config):
                    if not _is_defined(mesh, lack):
                        found[str(lack.rule), lack.name].append(lack)
        for key in sorted(found, key=str):
            yield _finding(mesh, found[key])


ANALYZER = SubsetInProxies()
"""Subsets that only proxies can tell of."""
