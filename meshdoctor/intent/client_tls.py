"""How a client's proxy speaks to a destination: its DestinationRule's tls, else automatic mTLS.

A DestinationRule that sets ``tls`` decides for every endpoint, with or without a proxy; where none
does, mesh config ``enableAutoMtls`` (on by default) chooses per endpoint
(pilot/pkg/networking/core/cluster_tls.go).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.intent.destination_rules import Setting, rule_host, rules_for, setting
from meshdoctor.model.kinds import DESTINATION_RULE
from meshdoctor.model.pod import is_finished
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_OLD_CERTIFICATES = "/etc/certs/"
"""Where sidecars kept Istio's own certificates before SDS: MUTUAL with these is Istio mTLS."""


class ClientMode(StrEnum):
    """How a client's proxy speaks."""

    AUTO = "AUTO"
    """Automatic mTLS: mutual TLS to endpoints that take it, plaintext to the others."""
    DISABLE = "DISABLE"
    """Plaintext."""
    SIMPLE = "SIMPLE"
    """TLS without a client certificate."""
    MUTUAL = "MUTUAL"
    """TLS with a certificate of the user's."""
    ISTIO_MUTUAL = "ISTIO_MUTUAL"
    """Istio's mutual TLS."""


@dataclass(frozen=True, slots=True)
class ClientTls:
    """The mode for one destination, and what sets it."""

    mode: ClientMode
    setting: Setting | None
    """The DestinationRule's ``tls``; None where none sets it."""
    rules: tuple[Resource, ...]
    """The DestinationRules that govern the destination, if any."""

    @property
    def mode_path(self) -> tuple[str | int, ...]:
        """Path of the mode within the rule; the rule's host when it sets none."""
        if self.setting is None:
            return ("spec", "host")
        return (*self.setting.path, "mode")


@dataclass(frozen=True, slots=True)
class Clients:
    """Namespaces, or single pods of one, that are governed by the same rules everywhere."""

    namespaces: tuple[str, ...]
    labels: Mapping[str, str] | None
    """Labels of the pods; None for every pod of the namespaces."""
    pods: tuple[Resource, ...]
    """The pods with a proxy."""

    @property
    def namespace(self) -> str:
        """One namespace that stands for all."""
        return self.namespaces[0]


def auto_mtls(mesh: Snapshot) -> bool:
    """Mesh config ``enableAutoMtls``; true, Istio's default, where it is unset or unread."""
    values = [(istiod.mesh or {}).get("enableAutoMtls") for istiod in mesh.istiods]
    return False not in values


def _mode(tls: Mapping[str, object]) -> ClientMode:
    written = tls.get("mode")
    if written == ClientMode.MUTUAL.value and str(tls.get("clientCertificate") or "").startswith(
        _OLD_CERTIFICATES
    ):
        return ClientMode.ISTIO_MUTUAL
    known = {mode.value: mode for mode in ClientMode if mode is not ClientMode.AUTO}
    # An absent mode is the enum's zero, DISABLE.
    return known.get(str(written), ClientMode.DISABLE)


def client_tls(
    mesh: Snapshot,
    host: str,
    port: int,
    subset: str,
    client_namespace: str,
    client_labels: Mapping[str, str] | None = None,
) -> ClientTls:
    """The mode with which a client's proxy speaks to a destination.

    Args:
        mesh: the snapshot; its DestinationRules must be known.
        host: fully qualified.
        port: the Service's port.
        subset: empty for none.
        client_namespace: where the calling proxy runs.
        client_labels: the calling pod's labels, for rules with a workloadSelector.
    """
    rules = rules_for(mesh, host, client_namespace, client_labels)
    found = setting(rules, "tls", port, subset)
    if found is None or not isinstance(found.value, dict):
        default = ClientMode.AUTO if auto_mtls(mesh) else ClientMode.DISABLE
        return ClientTls(default, None, rules)
    return ClientTls(_mode(found.value), found, rules)


def policy_sets_tls(policy: Mapping[str, object]) -> bool:
    """Whether a traffic policy sets ``tls``, for every port or for one."""
    levels = [policy, *map(as_mapping, as_list(policy.get("portLevelSettings")))]
    return any(level.get("tls") is not None for level in levels)


def sets_tls(rule: Resource) -> bool:
    """Whether a DestinationRule sets ``tls`` at any level."""
    subsets = [as_mapping(item) for item in as_list(rule.spec.get("subsets"))]
    return any(
        policy_sets_tls(as_mapping(holder.get("trafficPolicy"))) for holder in (rule.spec, *subsets)
    )


@lru_cache(maxsize=2)
def tls_hosts(mesh: Snapshot) -> tuple[frozenset[str], tuple[str, ...]]:
    """Hosts, and wildcards, of the DestinationRules that set ``tls``."""
    hosts = {rule_host(rule, mesh) for rule in mesh.catalog.of(DESTINATION_RULE) if sets_tls(rule)}
    wildcards = tuple(sorted(host for host in hosts if host.startswith("*")))
    return frozenset(hosts.difference(wildcards)), wildcards


@lru_cache(maxsize=2)
def clients(mesh: Snapshot) -> tuple[Clients, ...]:
    """Everyone with a proxy, in groups for which every DestinationRule look-up ends alike.

    Only namespaces with rules of their own, or that some ``exportTo`` names, differ from the rest;
    where a namespace's rules have workload selectors its pods differ by their labels.
    """
    rules = mesh.catalog.of(DESTINATION_RULE)
    special = {rule.namespace for rule in rules}
    special |= {str(name) for rule in rules for name in as_list(rule.spec.get("exportTo"))}
    special.add(mesh.root_namespace)
    selecting = {rule.namespace for rule in rules if "workloadSelector" in rule.spec}
    by_namespace: dict[str, list[Resource]] = {}
    for pod in mesh.proxy_pods:
        if not is_finished(pod):
            by_namespace.setdefault(pod.namespace, []).append(pod)
    ordinary = tuple(sorted(by_namespace.keys() - special))
    found: list[Clients] = []
    if ordinary:
        pods = tuple(pod for name in ordinary for pod in by_namespace[name])
        found.append(Clients(ordinary, None, pods))
    for name in sorted(by_namespace.keys() & special):
        if name in selecting:
            found += _by_labels(name, by_namespace[name])
        else:
            found.append(Clients((name,), None, tuple(by_namespace[name])))
    return tuple(found)


def _by_labels(namespace: str, pods: list[Resource]) -> Iterator[Clients]:
    groups: dict[tuple[tuple[str, str], ...], list[Resource]] = {}
    for pod in pods:
        groups.setdefault(tuple(sorted(pod.labels.items())), []).append(pod)
    for labels, members in groups.items():
        yield Clients((namespace,), dict(labels), tuple(members))
