"""Evidence from an EndpointSlice: whether an endpoint is ready, or that there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.evidence import Evidence, excerpt_of, join_pointer
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource


def endpoints_evidence(item: Resource) -> Evidence:
    """The ready condition of a slice's first ready endpoint, else of its first, else the lack."""
    conditions = [
        as_mapping(as_mapping(value).get("conditions"))
        for value in as_list(item.raw.get("endpoints"))
    ]
    if conditions or "endpoints" not in item.raw:
        ready = [index for index, each in enumerate(conditions) if each.get("ready")]
        return item.evidence("endpoints", ready[0] if ready else 0, "conditions", "ready")
    # The API server writes "endpoints": null, which is a value of its own.
    return Evidence(
        source=item.source,
        pointer=join_pointer(item.pointer, ["endpoints"]),
        excerpt=excerpt_of(item.raw["endpoints"]),
        command=item.command("endpoints"),
    )
