"""Routes that lead to a cluster which the proxy does not hold: the runtime side of NC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, unread
from meshdoctor.analyze.destination_facts import calling_proxies
from meshdoctor.analyze.proxy_evidence import route_evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot


def _route_evidence(proxy: Proxy, cluster: str) -> Iterator[Evidence]:
    """Routes of a proxy that lead to a cluster it does not hold."""
    for config in proxy.config.routes if proxy.config else ():
        for host in config.virtual_hosts:
            for route in host.routes:
                if any(target.name == cluster for target in route.clusters):
                    yield route_evidence(proxy, config, host, route)


def cluster_missing(mesh: Snapshot, use: Use) -> tuple[Fact, bool]:
    """Whether the calling proxies lack the cluster that their routes lead to.

    Returns:
        The fact, as far as they could be read; and whether all of them hold the cluster, so that
        requests still get there on a configuration older than the objects.
    """
    cluster = use.destination.cluster
    missing: list[Proxy] = []
    held = False
    for proxy in calling_proxies(mesh, use):
        if proxy.config is not None:
            held = held or proxy.config.cluster(cluster) is not None
            if proxy.config.cluster(cluster) is None:
                missing.append(proxy)
    if not missing:
        text = f"No proxy that routes to {use.destination} could be read"
        return unread("proxies-lack-cluster", text), held
    who = ", ".join(dict.fromkeys(mesh.caller(proxy) for proxy in missing[:3]))
    text = f"The proxy of {who} routes to {cluster} and holds no such cluster"
    shown = [item for proxy in missing[:3] for item in list(_route_evidence(proxy, cluster))[:1]]
    return holds("proxies-lack-cluster", text, *shown), False
