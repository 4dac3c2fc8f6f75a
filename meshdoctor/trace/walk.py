"""The walk of one request from end to end, and what becomes of it.

The runtime model leads: what both ends' proxies hold. Where a proxy was not read its objects stand
in, and the hop says so. Access logs are never asked.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from meshdoctor.model.trace import Walk
from meshdoctor.trace.comparison import outcome_difference
from meshdoctor.trace.gateway import walk_gateway
from meshdoctor.trace.outbound import walk_from_pod
from meshdoctor.trace.trail import Branch, Trail

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Outcome, Request


def merged(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Outcomes that end alike, told once with the sum of their shares; the likeliest first."""
    found: dict[object, Outcome] = {}
    for outcome in outcomes:
        before = found.get(outcome.key)
        if before is None:
            found[outcome.key] = outcome
            continue
        # What happens anyway needs no condition.
        first, second = (before, outcome) if not before.condition else (outcome, before)
        objects = tuple(dict.fromkeys((*first.objects, *second.objects)))
        condition = first.condition and second.condition
        share = before.share + outcome.share
        found[outcome.key] = replace(first, objects=objects, share=share, condition=condition)
    return tuple(sorted(found.values(), key=lambda o: (-o.share, bool(o.condition))))


@lru_cache(maxsize=2)
def _without_proxies(mesh: Snapshot) -> Snapshot:
    """The same mesh, as if no proxy had been read."""
    return replace(mesh, proxies=MappingProxyType({}))


def walk(mesh: Snapshot, request: Request, *, intent_only: bool = False) -> Walk:
    """Walk one request.

    Args:
        mesh: the snapshot.
        request: from a pod of it, or from outside by one of its gateways.
        intent_only: whether to go by the objects alone, though proxies were read.
    """
    if intent_only:
        return _walked(_without_proxies(mesh), request, intent_only=True)
    found = _walked(mesh, request, intent_only=False)
    proxy = mesh.proxy_of(request.client)
    if proxy is None or proxy.config is None:
        return found
    asked = _walked(_without_proxies(mesh), request, intent_only=True)
    difference = outcome_difference(mesh, proxy, found, asked)
    if difference is None:
        return found
    return replace(found, differences=(*found.differences, difference))


def _walked(mesh: Snapshot, request: Request, *, intent_only: bool) -> Walk:
    ask = partial(_walked, intent_only=intent_only)
    trail = Trail(mesh, request, intent_only=intent_only, ask=ask)
    if request.from_gateway:
        outcomes = walk_gateway(trail, Branch(), request.client)
    else:
        outcomes = walk_from_pod(trail, Branch())
    return Walk(
        request=request,
        hops=tuple(trail.hops),
        outcomes=merged(outcomes),
        differences=tuple(trail.differences),
        unknown=tuple(trail.unknown),
        forwardings=tuple(trail.forwardings),
        stops=tuple(trail.stops),
    )
