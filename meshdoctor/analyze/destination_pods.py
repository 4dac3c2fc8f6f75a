"""The pods that a destination in use leads to, its subset included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds
from meshdoctor.analyze.endpoint_evidence import endpoints_evidence
from meshdoctor.intent.backends import endpoint_slices, pods_behind, ready_addresses
from meshdoctor.intent.destination_rules import rules_for, subset_named

if TYPE_CHECKING:
    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.intent.destination_rules import Subset
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


def subset_of(mesh: Snapshot, use: Use) -> Subset | None:
    """The subset a destination names, as its first client sees it; None for none or undefined."""
    if not use.destination.subset:
        return None
    for namespace in use.client_namespaces:
        rules = rules_for(mesh, use.destination.host, namespace)
        if (found := subset_named(rules, use.destination.subset)) is not None:
            return found
    return None


def pods_of(mesh: Snapshot, use: Use) -> tuple[Resource, ...]:
    """The pods that a destination selects now; none for an undefined subset or another host."""
    subset = subset_of(mesh, use)
    if use.service is None or (use.destination.subset and subset is None):
        return ()
    return pods_behind(mesh, use.service, subset.labels if subset else None)


def no_ready_endpoint(mesh: Snapshot, use: Use) -> tuple[Fact, ...]:
    """The fact that Kubernetes itself lists no ready endpoint; nothing where it was not read."""
    slices = endpoint_slices(mesh, use.service) if use.service else ()
    if not slices or any(True for _ in ready_addresses(slices)):
        return ()
    names = ", ".join(item.name for item in slices)
    text = f"EndpointSlice {names} lists no ready endpoint"
    return (holds("no-ready-endpoint", text, *map(endpoints_evidence, slices[:2])),)
