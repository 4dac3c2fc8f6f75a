"""Faults that a VirtualService injects: calls that fail or wait without reaching the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import MESH_SUBJECT, PROXY_LOG, holds, silent, unread
from meshdoctor.analyze.http_rules import (
    HttpRule,
    calls_through,
    http_rules,
    is_watched,
    serves_http,
)
from meshdoctor.analyze.json_patches import replace_value
from meshdoctor.model.finding import Affected, Fact, Finding, Outcome, Severity
from meshdoctor.model.kinds import POD, SERVICE, VIRTUAL_SERVICE
from meshdoctor.model.resource import as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.analyze.access_logs import Calls
    from meshdoctor.model.snapshot import Snapshot

FAULT = "MD0730"

_FLAGS = {"abort": "FI", "delay": "DI"}
_ALL = 100.0


def _share(part: object) -> float:
    """Percentage of the calls that it hits; all of them where none is given."""
    fields = as_mapping(part)
    if "percentage" not in fields:
        old = fields.get("percent")
        return float(old) if isinstance(old, int | float) else _ALL
    value = as_mapping(fields["percentage"]).get("value")
    return float(value) if isinstance(value, int | float) else 0.0


def _words(rule: HttpRule, kind: str) -> str:
    part = as_mapping(as_mapping(rule.value.get("fault")).get(kind))
    share = f"{_share(part):g} % of the calls"
    if kind == "delay":
        return f"delays {share} by {part.get('fixedDelay', 'a while')}"
    status = part.get("httpStatus") or part.get("grpcStatus") or "an error"
    return f"answers {share} with {status}"


def _log_fact(mesh: Snapshot, rule: HttpRule, calls: Calls) -> Fact:
    if calls:
        last = calls[-1]
        text = (
            f"{len(calls)} calls were hit of late, last at {last.time.strftime('%H:%M:%S')} UTC "
            f"({last.outcome})"
        )
        return holds("calls-were-hit", text, *(call.evidence for call in reversed(calls[-3:])))
    if is_watched(mesh, rule):
        return silent("calls-were-hit", "The access logs show no call that was hit of late")
    return unread("calls-were-hit", "The callers' access logs were not read or are switched off")


def _finding(mesh: Snapshot, rule: HttpRule, kinds: list[str]) -> Finding:
    item = rule.virtual_service
    flags = [_FLAGS[kind] for kind in kinds]
    calls = tuple(
        call for call in calls_through(mesh, rule) if any(call.entry.flagged(f) for f in flags)
    )
    # A fault for requests that match something is somebody's test until a call is hit.
    open_to_all = not rule.value.get("match")
    alone = open_to_all and rule.is_held and serves_http(mesh, rule) is True
    root = bool(calls) or (alone and not is_watched(mesh, rule))
    does = " and ".join(_words(rule, kind) for kind in kinds)
    remove, restore = replace_value(item, (*rule.path, "fault"), None)
    text = f"Rule {rule.index} of {item} injects a fault: it {does}"
    sources = sorted({mesh.caller(call.proxy) for call in calls}) or [""]
    return Finding(
        code=FAULT,
        subject=rule.subject,
        outcome=Outcome.FAIL if root else Outcome.WARN,
        message=text,
        resource=str(item),
        objects=(str(item),),
        facts=(
            holds("rule-injects-fault", text, item.evidence(*rule.path, "fault")),
            _log_fact(mesh, rule, calls),
        ),
        affected=tuple(Affected(source, rule.to) for source in sources),
        severity=None if root else Severity.INFO,
        root=root,
        fills={
            "rule": str(rule.index),
            "does": does,
            "flags": " or ".join(flags),
            "remove": remove,
            "restore": restore,
        },
    )


def _judge(mesh: Snapshot) -> Iterator[Finding]:
    for rule in http_rules(mesh):
        fault = as_mapping(rule.value.get("fault"))
        kinds = [kind for kind in _FLAGS if kind in fault and _share(fault[kind]) > 0]
        if kinds:
            found = _finding(mesh, rule, kinds)
            yield found
            if not found.root and serves_http(mesh, rule) is None:
                text = f"Whether {rule.virtual_service} injects its fault depends on the Service"
                needs = (SERVICE.input,)
                owner = str(rule.virtual_service)
                yield Finding(FAULT, rule.subject, Outcome.UNKNOWN, text, owner, needs=needs)
        elif rule.destinations and rule.is_held:
            text = f"Rule {rule.index} of {rule.virtual_service} injects no fault"
            where = rule.virtual_service.evidence(*rule.path)
            yield Finding(
                FAULT,
                rule.subject,
                Outcome.PASS,
                text,
                str(rule.virtual_service),
                facts=(holds("rule-injects-nothing", text, where),),
            )


@dataclass(frozen=True, slots=True)
class _Faults:
    name: str = "http-faults"
    description: str = "No VirtualService makes calls fail or wait on purpose."
    inputs: tuple[str, ...] = (VIRTUAL_SERVICE.input, SERVICE.input, POD.input, PROXY_LOG)
    codes: tuple[str, ...] = (FAULT,)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """Judge every HTTP rule."""
        needs = mesh.catalog.unread(VIRTUAL_SERVICE, POD)
        if needs:
            text = "Whether a VirtualService injects faults cannot be told"
            yield Finding(FAULT, MESH_SUBJECT, Outcome.UNKNOWN, text, "mesh", needs=needs)
            return
        yield from _judge(mesh)


ANALYZER = _Faults()
