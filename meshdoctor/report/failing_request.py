"""A request that a root cause lets fail, walked: what it meets, and where on its way it ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meshdoctor.diagnose.object_names import split_object
from meshdoctor.intent.gateway_servers import hosts_meet, servers
from meshdoctor.intent.gateways import gateway_pods
from meshdoctor.model.kinds import GATEWAY
from meshdoctor.model.pod import is_finished, is_gateway, is_ready
from meshdoctor.model.trace import Place, Request, Verdict
from meshdoctor.trace.walk import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.model.diagnosis import Diagnosis, RootCause
    from meshdoctor.model.finding import Affected
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Hop, Outcome, Walk

_MOST_TRIED = 8
"""Callers and destinations of one root cause that are walked until one is found that fails."""
_HTTP = ("HTTP", "HTTP2", "GRPC", "GRPC-WEB")


@dataclass(frozen=True, slots=True)
class FailingRequest:
    """A request of somebody who suffers from a root cause, and the hops of the way that fails."""

    rank: int
    """Of the root cause."""
    caller: str
    """The workload that asks; empty for a request from outside."""
    client: str
    """Its pod, or the gateway's pod that takes the request from outside."""
    url: str
    """Method and URL, as the caller asks."""
    hops: tuple[Hop, ...]
    """In the order in which the request meets them; other branches are left out."""
    fails_at: int
    """Which of the hops makes it fail, from 0."""
    outcome: Outcome
    """What becomes of it."""

    @property
    def is_stopped(self) -> bool:
        """Whether the application is never asked."""
        return not any(hop.place is Place.APPLICATION for hop in self.hops)


def failing_requests(mesh: Snapshot, diagnosis: Diagnosis) -> tuple[FailingRequest, ...]:
    """One request for each root cause that has one which the walk says will fail by it.

    Args:
        mesh: the snapshot that was diagnosed.
        diagnosis: whose root causes name callers and what they call.
    """
    found = (_of_cause(mesh, cause) for cause in diagnosis.root_causes)
    return tuple(item for item in found if item is not None)


def _of_cause(mesh: Snapshot, cause: RootCause) -> FailingRequest | None:
    # Whom the title speaks of comes first, so that the drawing is of the same request.
    told = sorted(cause.affected, key=lambda item: item.source not in cause.title)
    for affected in told[:_MOST_TRIED]:
        for request in _requests(mesh, cause, affected):
            found = _failing(cause, affected.source, walk(mesh, request))
            if found is not None:
                return found
    return None


def _requests(mesh: Snapshot, cause: RootCause, affected: Affected) -> Iterator[Request]:
    """The requests that an affected pair may stand for."""
    host, _, port = affected.to.rpartition(":")
    if not host or not port.isdigit():
        return
    number = int(port)
    if not affected.source:
        yield from _from_outside(mesh, cause.objects, host, number)
        return
    for pod in _askers(mesh, affected.source):
        yield Request(client=pod, host=host, port=number, has_token=None, tls=number == 443)


def _alive(pods: Iterable[Resource]) -> list[Resource]:
    """One pod stands for all of its workload; a ready one where there is one."""
    alive = (pod for pod in pods if not is_finished(pod))
    return sorted(alive, key=lambda pod: (not is_ready(pod), pod.name))[:1]


def _askers(mesh: Snapshot, name: str) -> list[Resource]:
    """A pod of a workload; a gateway asks on behalf of others, by hosts nobody has told."""
    workload = next((item for item in mesh.workloads.all if str(item) == name), None)
    return [] if workload is None else [pod for pod in _alive(workload.pods) if not is_gateway(pod)]


def _from_outside(
    mesh: Snapshot, objects: tuple[str, ...], host: str, number: int
) -> Iterator[Request]:
    """By the gateways that serve the host at that port, among those of the root cause."""
    for name in objects:
        kind, namespace, own = split_object(name)
        gateway = mesh.catalog.find(GATEWAY, namespace, own) if kind == GATEWAY.name else None
        if gateway is None:
            continue
        serving = [item for item in servers(gateway) if item.port == number]
        named = [item for item in serving if any(hosts_meet(host, h) for h in item.plain_hosts)]
        # A host that no server names is asked for all the same: that may be what is wrong.
        for server in (named or serving)[:1]:
            for pod in _alive(gateway_pods(mesh, gateway)):
                tls = server.protocol not in _HTTP
                yield Request(pod, host, number, has_token=None, from_gateway=True, tls=tls)


def _failing(cause: RootCause, caller: str, found: Walk) -> FailingRequest | None:
    """The way that fails by what the cause names; None where the walk knows of no such way."""
    if not found.is_known:
        return None
    guilty = frozenset(cause.objects)
    for outcome in found.outcomes:
        if not outcome.is_failure or outcome.condition or guilty.isdisjoint(outcome.objects):
            continue
        at = _breaking(found, outcome)
        if at is None:
            continue
        # A branch is told by its labels: what leads to it has the first of them.
        way = [h for h in found.hops if at.branch[: len(h.branch)] == h.branch]
        asked = found.request
        default = 443 if asked.tls else 80
        port = "" if asked.port == default else f":{asked.port}"
        scheme = "https" if asked.tls else "http"
        return FailingRequest(
            rank=cause.rank,
            caller=caller,
            client=str(asked.client),
            url=f"{asked.method} {scheme}://{asked.host}{port}{asked.path}",
            hops=tuple(replace(hop, gatekeeping=None) for hop in way),
            fails_at=next(number for number, hop in enumerate(way) if hop is at),
            outcome=outcome,
        )
    return None


def _breaking(found: Walk, outcome: Outcome) -> Hop | None:
    """The hop that makes an outcome: it fails by the same objects, for certain if any does."""
    by_it = [hop for hop in found.hops if set(hop.objects) & set(outcome.objects)]
    for verdict in (Verdict.FAILS, Verdict.MAY_FAIL):
        of_verdict = [hop for hop in by_it if hop.verdict is verdict]
        same_place = [hop for hop in of_verdict if hop.place is outcome.place]
        if of_verdict:
            return (same_place or of_verdict)[0]
    return None
