"""Rights: is each read allowed (SelfSubjectAccessReview), and what is lost where it is not."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from meshdoctor.check.checker import LiveChecker
from meshdoctor.check.outcome import Result, failed, joined, passed, skipped, unknown, warned
from meshdoctor.collect.rights import Use

if TYPE_CHECKING:
    from meshdoctor.collect.access_review import Review
    from meshdoctor.collect.preflight import Preflight

_ROLE = "'meshdoctor rbac' prints the role that allows it"


def _of(found: Preflight, use: Use, *, needed: bool | None = None) -> list[Review]:
    return [
        item
        for item in found.reviews
        if item.right.use is use and needed in (None, item.right.needed)
    ]


def _without(review: Review) -> str:
    return f"{review.text} is denied, which leaves unknown: {review.right.without_it}"


def _denied(reviews: list[Review]) -> list[Review]:
    return [item for item in reviews if item.allowed is False]


def _unsaid(reviews: list[Review]) -> list[Review]:
    return [item for item in reviews if item.allowed is None]


def _judge(reviews: list[Review]) -> Result:
    if denied := _denied(reviews):
        return failed(f"{joined(map(_without, denied))}; {_ROLE}")
    if unsaid := _unsaid(reviews):
        return unknown(f"{unsaid[0].text}: {unsaid[0].reason} ({len(unsaid)} of {len(reviews)})")
    return passed(f"{len(reviews)} asked, all allowed") if reviews else skipped("not asked")


def _objects(found: Preflight, *, needed: bool) -> Result:
    return _judge(_of(found, Use.OBJECTS, needed=needed))


def _other(found: Preflight, *, use: Use) -> Result:
    return _judge(_of(found, use))


def _is_allowed(reviews: list[Review]) -> bool:
    return bool(reviews) and all(item.allowed for item in reviews)


def _port_forward(found: Preflight) -> Result:
    reviews = _of(found, Use.PORT_FORWARD)
    result = _judge(reviews)
    if _denied(reviews) and _is_allowed(_of(found, Use.EXEC)):
        return warned(f"{joined(item.text for item in _denied(reviews))} denied; exec is used")
    return result


def _exec(found: Preflight) -> Result:
    reviews = _of(found, Use.EXEC)
    if _denied(reviews) and _is_allowed(_of(found, Use.PORT_FORWARD)):
        return skipped("denied, and not needed: port-forward is allowed")
    return _judge(reviews)


CHECKERS = (
    LiveChecker(
        id="rights-needed-objects",
        description="every kind of object that conclusions need may be listed",
        check=partial(_objects, needed=True),
    ),
    LiveChecker(
        id="rights-further-objects",
        description="the kinds of object that make conclusions richer may be listed",
        warning=True,
        check=partial(_objects, needed=False),
    ),
    LiveChecker(
        id="rights-watch",
        description="objects may be watched",
        warning=True,
        check=partial(_other, use=Use.WATCH),
    ),
    LiveChecker(
        id="rights-logs",
        description="logs of proxies and istiod may be read",
        check=partial(_other, use=Use.LOGS),
    ),
    LiveChecker(
        id="rights-port-forward",
        description="port-forward to pods is allowed",
        check=_port_forward,
    ),
    LiveChecker(
        id="rights-exec",
        description="exec in pods is allowed where port-forward is not",
        check=_exec,
    ),
    LiveChecker(
        id="rights-secrets",
        description="Secrets that gateways name may be read",
        warning=True,
        check=partial(_other, use=Use.SECRETS),
    ),
    LiveChecker(
        id="rights-metrics",
        description="CPU and memory figures may be read",
        warning=True,
        check=partial(_other, use=Use.METRICS),
    ),
)
