"""Two VirtualServices for one host of the mesh: sidecars take the older one, and ignore the other.

Gateways merge VirtualServices, sidecars do not: the first one for a host wins, whole, and the push
counts a duplicate domain (pilot/pkg/networking/core/httproute.go).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import destination_subject, holds
from meshdoctor.analyze.gateway_conflicts import age
from meshdoctor.intent.gateway_servers import is_in_mesh, virtual_service_hosts
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import VIRTUAL_SERVICE
from meshdoctor.model.resource import as_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

IGNORED = "MD0623"
_RULES = ("http", "tls", "tcp")


def _is_public(item: Resource) -> bool:
    """Whether every namespace sees it; those for one namespace go before, and are not judged."""
    targets = as_list(item.spec.get("exportTo"))
    return not targets or "*" in targets


def _kind_of_rules(item: Resource) -> frozenset[str]:
    return frozenset(key for key in _RULES if as_list(item.spec.get(key)))


def _same_rules(one: Resource, other: Resource) -> bool:
    return all(one.spec.get(key) == other.spec.get(key) for key in _RULES)


def _by_host(mesh: Snapshot) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = defaultdict(list)
    for item in sorted(mesh.catalog.of(VIRTUAL_SERVICE), key=age):
        if is_in_mesh(item) and _is_public(item):
            for host in virtual_service_hosts(item):
                found[mesh.registry.resolve(host, item.namespace)].append(item)
    return found


def _finding(host: str, first: Resource, lost: Resource) -> Finding:
    message = (
        f"{lost} and {first} are both for {host} in sidecars, which take the older one, {first}, "
        f"whole and ignore {lost}"
    )
    where = f"{lost.name} -n {lost.namespace}"
    return Finding(
        code=IGNORED,
        subject=destination_subject(host, None),
        outcome=Outcome.FAIL,
        message=message,
        resource=str(lost),
        objects=(str(lost), str(first)),
        facts=(
            holds(
                "same-host-twice",
                message,
                lost.evidence("spec", "hosts"),
                first.evidence("spec", "hosts"),
                first.evidence("metadata", "creationTimestamp"),
                lost.evidence("metadata", "creationTimestamp"),
            ),
        ),
        affected=(Affected("", host),),
        fills={
            "host": host,
            "first": str(first),
            "how": message,
            "do": f"Write the rules of {lost} into {first}, and delete {lost}",
            "command": f"kubectl get virtualservices.networking.istio.io {where} -o yaml",
            "changes": "Nothing yet, it only reads.",
            "undo": "Nothing to undo.",
            "verify": f"istioctl analyze -n {lost.namespace}",
        },
    )


@dataclass(frozen=True, slots=True)
class VirtualServiceConflicts:
    """One VirtualService a host in sidecars."""

    name: str = "virtualservice-conflicts"
    description: str = "No two VirtualServices for sidecars have a host in common."
    inputs: tuple[str, ...] = (VIRTUAL_SERVICE.input,)
    codes: tuple[str, ...] = (IGNORED,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at the hosts that several VirtualServices are for."""
        seen: set[tuple[Resource, Resource]] = set()
        for host, items in sorted(_by_host(mesh).items()):
            first = items[0]
            for lost in items[1:]:
                alike = _same_rules(first, lost) or first == lost
                apart = _kind_of_rules(first).isdisjoint(_kind_of_rules(lost))
                if not alike and not apart and (first, lost) not in seen:
                    seen.add((first, lost))
                    yield _finding(host, first, lost)


ANALYZER = VirtualServiceConflicts()
