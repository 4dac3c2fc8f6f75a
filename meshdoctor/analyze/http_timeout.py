"""Calls that a route's own timeout ends before the application has answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import access_logs, recent
from meshdoctor.analyze.base import (
    MESH_SUBJECT,
    PROXY_HOSTS,
    PROXY_LOG,
    holds,
    silent,
    unread,
)
from meshdoctor.analyze.http_rules import HttpRule, calls_through, http_rules, is_watched, seconds
from meshdoctor.analyze.json_patches import replace_value
from meshdoctor.analyze.timeout_counters import counted_timeouts
from meshdoctor.model.finding import Affected, Fact, FactState, Finding, Outcome
from meshdoctor.model.kinds import POD, VIRTUAL_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.analyze.access_logs import Call, Calls
    from meshdoctor.analyze.timeout_counters import CountedTimeouts
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot

TIMEOUT = "MD0731"

_ENOUGH = 0.8
"""A call that lasted this share of the timeout ran into it: the clock starts a little late."""
_LIMITS = (("timeout",), ("retries", "perTryTimeout"))


def _limit(rule: HttpRule) -> tuple[tuple[str | int, ...], float] | None:
    """The shortest limit that a rule sets: its path and seconds."""
    found = []
    for path in _LIMITS:
        full = (*rule.path, *path)
        value = seconds(rule.virtual_service.get(*full))
        if value:
            found.append((full, value))
    return min(found, key=lambda item: item[1], default=None)


def _ran_into(call: Call, limit: float) -> bool:
    lasted = call.entry.duration
    return call.entry.flagged("UT") and lasted is not None and lasted / 1000 >= limit * _ENOUGH


def _server_fact(mesh: Snapshot, calls: Calls) -> Fact:
    """The same requests at the server, which was still at work."""
    ids = {call.entry.request_id for call in calls if call.entry.request_id}
    seen = [
        call
        for group in access_logs(mesh).inbound.values()
        for call in recent(mesh, group)
        if call.entry.request_id in ids
    ]
    if seen:
        last = seen[-1]
        text = f"{last.proxy.id} still waited for the application when the caller hung up"
        return holds("application-takes-longer", text, last.evidence)
    if access_logs(mesh).unread:
        return unread("application-takes-longer", "The servers' access logs were not all read")
    return silent("application-takes-longer", "The servers' access logs do not show the requests")


def _seen_fact(calls: Calls) -> Fact:
    last = calls[-1]
    seen = (
        f"{len(calls)} calls ended with 504 UT of late, last after {last.entry.duration} ms at "
        f"{last.time.strftime('%H:%M:%S')} UTC"
    )
    return holds("calls-time-out", seen, *(call.evidence for call in reversed(calls[-3:])))


def _counted_fact(mesh: Snapshot, counted: tuple[CountedTimeouts, ...]) -> Fact:
    """What the callers' proxies count, which tells of timeouts but not of when."""
    first = counted[0]
    quiet = first.proxy.id in access_logs(mesh).silent
    text = (
        f"No access log shows the calls of {first.proxy.id}, but its proxy counts a timeout for "
        f"{first.timeouts} of {first.total} requests to {first.cluster}"
    )
    state = FactState.SILENT if quiet else FactState.UNREAD
    return Fact("calls-time-out", state, text, first.evidence)


def _finding(
    mesh: Snapshot,
    rule: HttpRule,
    path: tuple[str | int, ...],
    limit: float,
    *,
    callers: Iterable[Proxy],
    seen: tuple[Fact, Fact],
) -> Finding:
    item = rule.virtual_service
    remove, restore = replace_value(item, path, None)
    longer, back = replace_value(item, path, f"{limit * 10:g}s")
    text = f"Rule {rule.index} of {item} ends calls after {limit:g} s ({path[-1]})"
    sources = sorted({mesh.caller(proxy) for proxy in callers})
    return Finding(
        code=TIMEOUT,
        subject=rule.subject,
        outcome=Outcome.FAIL,
        message=f"{text}; the application behind {rule.to} takes longer",
        resource=str(item),
        objects=(str(item),),
        facts=(holds("route-sets-timeout", text, item.evidence(*path)), *seen),
        affected=tuple(Affected(source, rule.to) for source in sources),
        fills={
            "rule": str(rule.index),
            "limit": f"{limit:g} s",
            "longer_limit": f"{limit * 10:g} s",
            "remove": remove,
            "restore": restore,
            "longer": longer,
            "shorter": back,
        },
    )


def _is_shortest(mesh: Snapshot, rule: HttpRule, limit: float) -> bool:
    """Whether no other rule ends calls to the same place sooner: counters name no rule."""
    others = (
        found[1]
        for other in http_rules(mesh)
        if other.is_held and set(other.destinations) & set(rule.destinations)
        if (found := _limit(other)) is not None
    )
    return limit <= min(others, default=limit)


def _judge_one(mesh: Snapshot, rule: HttpRule) -> Finding | None:
    item, limit = rule.virtual_service, _limit(rule)
    if limit is None or not rule.is_held or not rule.destinations:
        return None
    path, value = limit
    calls = tuple(call for call in calls_through(mesh, rule) if _ran_into(call, value))
    if calls:
        callers = [call.proxy for call in calls]
        seen = (_seen_fact(calls), _server_fact(mesh, calls))
        return _finding(mesh, rule, path, value, callers=callers, seen=seen)
    counted = tuple(counted_timeouts(mesh, rule)) if _is_shortest(mesh, rule, value) else ()
    if counted:
        callers = [item.proxy for item in counted]
        seen = (_counted_fact(mesh, counted), _server_fact(mesh, ()))
        return _finding(mesh, rule, path, value, callers=callers, seen=seen)
    if not is_watched(mesh, rule):
        text = f"Whether calls run into the {value:g} s of {item} stands in access logs not read"
        return Finding(TIMEOUT, rule.subject, Outcome.UNKNOWN, text, str(item), needs=(PROXY_LOG,))
    text = f"No call of late ran into the {value:g} s that rule {rule.index} of {item} allows"
    return Finding(
        TIMEOUT,
        rule.subject,
        Outcome.PASS,
        text,
        str(item),
        facts=(holds("calls-keep-within", text, item.evidence(*path)),),
    )


def _judge(mesh: Snapshot) -> Iterator[Finding]:
    for rule in http_rules(mesh):
        found = _judge_one(mesh, rule)
        if found is not None:
            yield found


@dataclass(frozen=True, slots=True)
class _Timeouts:
    name: str = "http-timeouts"
    description: str = "The timeouts of routes leave applications the time they take."
    inputs: tuple[str, ...] = (VIRTUAL_SERVICE.input, POD.input, PROXY_LOG, PROXY_HOSTS)
    codes: tuple[str, ...] = (TIMEOUT,)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """Judge every HTTP rule that sets a limit."""
        needs = mesh.catalog.unread(VIRTUAL_SERVICE, POD)
        if needs:
            text = "Whether a VirtualService ends calls too early cannot be told"
            yield Finding(TIMEOUT, MESH_SUBJECT, Outcome.UNKNOWN, text, "mesh", needs=needs)
            return
        yield from _judge(mesh)


ANALYZER = _Timeouts()
