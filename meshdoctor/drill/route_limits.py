"""The connection pools that the first proxy should keep towards where it sends requests.

No object says by itself whether a limit is in force: the DestinationRule of the first of three
places decides, and in it a subset's or port's policy before the rule's own (networking.istio.io
DestinationRule, ConnectionPoolSettings). So every cluster on the way is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.trace import Place
from meshdoctor.trace.intent_clusters import asked_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.drill.wanted_route import Bounds
    from meshdoctor.model.envoy import CircuitBreakers
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Walk

_UNLIMITED = float("inf")


def _by_name(limits: CircuitBreakers | None) -> Mapping[str, int | None]:
    """Limits as ConnectionPoolSettings calls them."""
    if limits is None:
        return {}
    return {
        "maxConnections": limits.max_connections,
        "http1MaxPendingRequests": limits.max_pending_requests,
        "http2MaxRequests": limits.max_requests,
        "maxRetries": limits.max_retries,
    }


def judged_limits(
    mesh: Snapshot, walk: Walk, wanted: Mapping[str, Bounds]
) -> Iterator[tuple[bool, str]]:
    """Whether each limit lies between its bounds wherever the first proxy sends; and the facts.

    Args:
        mesh: in which the requests were walked; its objects alone count.
        walk: of the requests.
        wanted: bounds by the limit's name; a limit that nobody set is above every bound.
    """
    sent = [item for item in walk.forwardings if item.place is Place.CLIENT_PROXY and item.share]
    if not sent:
        yield False, "no proxy sends them on"
    for sender, name in dict.fromkeys((item.sender, item.cluster) for item in sent):
        cluster = asked_cluster(mesh, sender, name).cluster
        limits = _by_name(cluster.circuit_breakers if cluster else None)
        by = f" ({cluster.config})" if cluster and cluster.config else ""
        for limit, bounds in wanted.items():
            value = limits.get(limit)
            said = "is not set" if value is None else f"is {value}"
            text = f"{limit} {said} in {name}{by}, wanted {bounds.told()}"
            yield bounds.hold(_UNLIMITED if value is None else value), text
