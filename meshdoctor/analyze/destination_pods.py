"""The pods that a destination in use leads to, its subset included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.intent.backends import pods_behind
from meshdoctor.intent.destination_rules import rules_for, subset_named

if TYPE_CHECKING:
    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.intent.destination_rules import Subset
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
