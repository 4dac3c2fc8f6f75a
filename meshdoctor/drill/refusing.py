"""Which EnvoyFilter makes a pod's proxy refuse its listeners, as far as that is certain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.analyze.envoy_filter_scope import filters_for, identity, patches_for
from meshdoctor.intent.envoy_filter_refusal import lacking_field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


def refused_filters(mesh: Snapshot, pod: Resource) -> Iterator[tuple[Resource, str]]:
    """The EnvoyFilters whose patches a proxy cannot take, and what each of them lacks.

    Args:
        mesh: the moment, as a snapshot.
        pod: with a proxy; it need not be stored yet.
    """
    who = identity(mesh, f"{pod.name}.{pod.namespace}", None)
    mine = replace(who, labels=pod.labels, type=who.type or "sidecar")
    for item in filters_for(mesh, mine):
        for _, patch in patches_for(item, mine, "LDS"):
            if field := lacking_field(patch):
                yield item, field
