"""Whether requests take the way that a drill wants, and what decides that."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from meshdoctor.drill.route_limits import judged_limits
from meshdoctor.drill.route_shares import copied_share, share_of
from meshdoctor.model.envoy import duration_seconds
from meshdoctor.model.trace import Place
from meshdoctor.trace.replies import Sender

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.drill.wanted_route import Bounds, Retries, WantedRoute
    from meshdoctor.model.envoy import Route
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Walk

_ENDLESS = float("inf")


class Judgement(NamedTuple):
    """Whether it is so, why, and which objects decide it."""

    passed: bool | None
    because: str
    objects: tuple[str, ...]


def _first_routes(walk: Walk) -> tuple[Route, ...]:
    """The routes by which the first proxy sends requests on."""
    sent = [item for item in walk.forwardings if item.place is Place.CLIENT_PROXY and item.share]
    return tuple(dict.fromkeys(item.route for item in sent if item.route is not None))


def _shares(mesh: Snapshot, walk: Walk, wanted: WantedRoute) -> Iterator[tuple[bool, str]]:
    for share in wanted.shares:
        found = share_of(mesh, walk, share.whom)
        text = f"{found:.4g} % of the requests come to {share.whom}"
        yield share.bounds.hold(found), f"{text}, wanted {share.bounds.told('%')}"
    for share in wanted.copies:
        found = copied_share(mesh, walk, share.whom)
        text = f"copies of {found:.4g} % of the requests come to {share.whom}"
        yield share.bounds.hold(found), f"{text}, wanted {share.bounds.told('%')}"


def _patience(walk: Walk, bounds: Bounds) -> Iterator[tuple[bool, str]]:
    """The timeout of each route; Envoy's own of 15 s where a route says nothing."""
    for route in _first_routes(walk):
        found = duration_seconds(route.timeout or "15s") or _ENDLESS
        text = "the route has no timeout" if found == _ENDLESS else f"the timeout is {found:g} s"
        yield bounds.hold(found), f"{text}, wanted {bounds.told('s')}"


def _covers(route: Route, event: str) -> bool:
    sender = Sender(True, route.retry_policy)
    if event.isdecimal():
        return sender.retries_status(int(event))
    match event:
        case "connect-failure":
            return sender.retries_connect()
        case "reset":
            return sender.retries_reset()
    policy = route.retry_policy
    return policy is not None and event in policy.retry_on.replace(" ", "").split(",")


def _one_try(route: Route) -> float:
    """How long a try may last: without a limit of its own as long as the route's timeout."""
    policy = route.retry_policy
    limits = (policy.per_try_timeout if policy else "", route.timeout or "15s")
    return next(filter(None, map(duration_seconds, limits)), _ENDLESS)


def _tries(walk: Walk, wanted: Retries) -> Iterator[tuple[bool, str]]:
    for route in _first_routes(walk):
        policy = route.retry_policy
        number = 0 if policy is None else 1 if policy.num_retries is None else policy.num_retries
        text = f"{number} retries are made, wanted {wanted.attempts.told()}"
        yield wanted.attempts.hold(number), text
        for event in wanted.covers:
            named = policy.retry_on if policy and number else "nothing"
            yield _covers(route, event), f"retries are made on {named}, wanted for {event}"
        found = _one_try(route)
        said = "any time" if found == _ENDLESS else f"{found:g} s"
        if wanted.per_try is not None:
            text = f"a try may last {said}, wanted {wanted.per_try.told('s')}"
            yield wanted.per_try.hold(found), text
        if wanted.fits:
            whole = duration_seconds(route.timeout or "15s") or _ENDLESS
            text = f"{number + 1} tries of {said} must fit into {whole:g} s"
            yield (number + 1) * found <= whole, text


def judge_route(mesh: Snapshot, walk: Walk, wanted: WantedRoute) -> Judgement:
    """Judge the way of some requests.

    Args:
        mesh: in which they were walked.
        walk: of the requests.
        wanted: of their way.
    """
    routes = _first_routes(walk)
    objects = tuple(dict.fromkeys(str(route.config) for route in routes if route.config))
    told = list(_shares(mesh, walk, wanted))
    if wanted.limits:
        told += judged_limits(mesh, walk, wanted.limits)
    if wanted.retries is not None or wanted.timeout is not None:
        if not routes:
            told.append((False, "no proxy sends them on by an HTTP route"))
        if wanted.retries is not None:
            told += _tries(walk, wanted.retries)
        if wanted.timeout is not None:
            told += _patience(walk, wanted.timeout)
    wrong = [text for held, text in told if not held]
    if not wrong:
        return Judgement(True, "; ".join(text for _, text in told), objects)
    unread = [item.what for item in walk.unknown if item.decisive]
    if unread and not walk.forwardings:
        return Judgement(None, f"their way cannot be told without {', '.join(unread)}", ())
    return Judgement(False, "; ".join(wrong), objects)
