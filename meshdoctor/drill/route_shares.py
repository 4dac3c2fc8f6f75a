"""Which part of some requests, or of their copies, comes to somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.intent.backends import pods_behind
from meshdoctor.model.envoy import parse_cluster_name
from meshdoctor.model.forwarding import Stop
from meshdoctor.model.kinds import KUBERNETES_GATEWAY, POD, SERVICE
from meshdoctor.trace.intent_clusters import asked_cluster

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.drill.targets import Target
    from meshdoctor.drill.wanted_route import Whom
    from meshdoctor.model.envoy import Mirror
    from meshdoctor.model.forwarding import Forwarding
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Walk

_GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"


def _is_of(mesh: Snapshot, pod: Resource, target: Target) -> bool:
    """Whether a pod is what a name means: itself, of a workload, behind a Service, a waypoint's."""
    place = (target.namespace, target.name)
    if target.kind is POD:
        return (pod.namespace, pod.name) == place
    if target.kind is KUBERNETES_GATEWAY:
        return (pod.namespace, pod.labels.get(_GATEWAY_NAME)) == place
    if target.kind is SERVICE:
        found = mesh.registry.service(
            f"{target.name}.{target.namespace}.svc.{mesh.registry.domain}"
        )
        return found is not None and pod in pods_behind(mesh, found)
    return str(mesh.workloads.owning(pod)) == str(target)


def _stops_at(mesh: Snapshot, whom: Whom, stop: Stop) -> bool:
    if whom.target is not None:
        return stop.pod is not None and _is_of(mesh, stop.pod, whom.target)
    return stop.address == whom.address and whom.port in (None, stop.port)


def _goes_to(whom: Whom, cluster: str, sent: Forwarding) -> bool:

    found = parse_cluster_name(cluster)
    return (
        found is not None
        and found.host == whom.host
        and whom.port in (None, found.port)
        and whom.subset in (None, found.subset)
        and whom.path in (None, sent.path)
        and whom.authority in (None, sent.authority)
    )


def _by_stops(mesh: Snapshot, whom: Whom, stops: Iterable[Stop]) -> float:
    return sum(stop.share for stop in stops if _stops_at(mesh, whom, stop))


def share_of(mesh: Snapshot, walk: Walk, whom: Whom) -> float:
    """Which part of the requests comes to somebody, in percent.

    Args:
        mesh: in which they were walked.
        walk: of the requests.
        whom: where they come to, or the destination that proxies send them to. Of a destination
            that several proxies in a row send to, the requests count once.
    """
    if whom.host:
        places: dict[object, float] = {}
        for sent in walk.forwardings:
            if _goes_to(whom, sent.cluster, sent):
                places[sent.place] = places.get(sent.place, 0.0) + sent.share
        return 100 * max(places.values(), default=0.0)
    return 100 * _by_stops(mesh, whom, walk.stops)


def _copied_to(mesh: Snapshot, sent: Forwarding, mirror: Mirror) -> Iterator[Stop]:
    """The endpoints that copies are spread over, ready ones only."""
    asked = asked_cluster(mesh, sent.sender, mirror.cluster)
    ready = [item for item in asked.endpoints if item.ready]
    for item in ready:
        yield Stop(item.address, item.port, item.pod, 1 / len(ready))


def copied_share(mesh: Snapshot, walk: Walk, whom: Whom) -> float:
    """Of which part of the requests a copy comes to somebody, in percent.

    Args:
        mesh: in which they were walked.
        walk: of the requests.
        whom: who gets the copies, or to which destination they are sent.
    """
    total = 0.0
    for sent in walk.forwardings:
        for mirror in sent.route.mirrors if sent.route else ():
            part = mirror.percent * sent.share
            if whom.host:
                total += part * _goes_to(whom, mirror.cluster, sent)
            else:
                total += part * _by_stops(mesh, whom, _copied_to(mesh, sent, mirror))
    return total
