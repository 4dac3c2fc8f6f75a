"""Whom a DestinationRule can reach at all: the three places in which its clients look for it.

A rule counts for clients of its own namespace; for the others only if it stands in the namespace
of the service or in the root namespace. ``exportTo`` opens no fourth place
(pilot/pkg/model/push_context.go, ``destinationRule``).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.intent.clients import clients_of
from meshdoctor.intent.destination_rules import covers, rule_host, rules_for
from meshdoctor.model.pod import is_finished
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


def hosts_of_rule(mesh: Snapshot, rule: Resource) -> tuple[ServiceHost, ...]:
    """What a rule's host stands for in the registry: one host, or all that a wildcard covers."""
    host = rule_host(rule, mesh)
    if host.startswith("*"):
        return tuple(item for item in mesh.registry.hosts if covers(host, item.host))
    return mesh.registry.find(host)


def says_something(rule: Resource) -> bool:
    """Whether a rule sets anything."""
    return bool(as_mapping(rule.spec.get("trafficPolicy")) or as_list(rule.spec.get("subsets")))


def stands_apart(mesh: Snapshot, rule: Resource, hosts: tuple[ServiceHost, ...]) -> bool:
    """Whether a rule is in neither the root namespace nor that of any service it speaks of."""
    places = {mesh.root_namespace, *(host.namespace for host in hosts)}
    return rule.namespace not in places


@lru_cache(maxsize=2)
def namespaces_with_clients(mesh: Snapshot) -> frozenset[str]:
    """Namespaces in which some pod, or some proxy that was read, may be a client."""
    pods = {pod.namespace for pod in mesh.proxy_pods if not is_finished(pod)}
    return frozenset(pods | {proxy.namespace for proxy in mesh.proxies.values()})


def _is_part_of(part: object, whole: object) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and _is_part_of(value, whole[key]) for key, value in part.items())
    return part == whole


def _settings(rule: Resource) -> Mapping[str, object]:
    return {key: rule.spec[key] for key in ("trafficPolicy", "subsets") if key in rule.spec}


def is_repeated(mesh: Snapshot, rule: Resource, hosts: tuple[ServiceHost, ...]) -> bool:
    """Whether the rules that do govern all clients of its hosts say everything it says."""
    groups = [(host.host, group) for host in hosts for group in clients_of(mesh, host.host)]
    return bool(groups) and all(
        any(
            _is_part_of(_settings(rule), _settings(other))
            for other in rules_for(mesh, host, group.namespace, group.labels)
        )
        for host, group in groups
    )
