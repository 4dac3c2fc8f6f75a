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
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

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
