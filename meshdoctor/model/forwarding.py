"""Where the proxies on a request's way send it, under which route, and whom it comes to.

A walk says how a request ends; these say how it got there, so that shares, copies, retries and
timeouts can be judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.model.envoy.names import parse_cluster_name

if TYPE_CHECKING:
    from meshdoctor.model.envoy import ClusterName, Route
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.trace import Place


@dataclass(frozen=True, slots=True)
class Forwarding:
    """One proxy's sending of a part of the requests to one of its clusters."""

    sender: Resource
    """The proxy's pod."""
    place: Place
    share: float
    """Part of all such requests, 0 to 1."""
    cluster: str
    """Envoy's name of it; ``PassthroughCluster`` for what goes on to where it was meant."""
    route: Route | None
    """The HTTP route that leads there; None for bytes."""
    authority: str
    """Host header as it is sent on."""
    path: str

    @property
    def destination(self) -> ClusterName | None:
        """Host, port and subset; None for what is no cluster of istiod's naming."""
        return parse_cluster_name(self.cluster)


@dataclass(frozen=True, slots=True)
class Stop:
    """An address that a part of the requests comes to: a server's, or a gateway's on the way."""

    address: str
    port: int
    pod: Resource | None
    """None for a host that is no pod."""
    share: float
