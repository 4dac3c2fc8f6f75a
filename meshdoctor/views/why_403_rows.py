"""Why 403, as rows: every field of every rule, what it asks for and what the server sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.intent.authorization_match import Match
from meshdoctor.intent.authorization_request import text_of

if TYPE_CHECKING:
    from meshdoctor.intent.authorization import Decision
    from meshdoctor.intent.authorization_match import Field, RuleMatch
    from meshdoctor.model.resource import Resource
    from meshdoctor.views.why_403 import Judged, Why

COLUMNS: tuple[tuple[str, str], ...] = (
    ("ACTION", "action"),
    ("POLICY", "policy_name"),
    ("RULE", "rule"),
    ("FIELD", "field"),
    ("ASKS FOR", "wanted"),
    ("THE SERVER SEES", "seen"),
    ("MATCHES", "matches"),
)


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field of one rule; or a rule, or a policy, that has none."""

    policy: Resource
    action: str
    rule: str
    field: str
    wanted: str
    seen: str
    matches: str
    """``yes``, ``no`` or ``unknown``."""
    is_reason: bool
    """Whether the verdict rests on it."""
    note: str

    @property
    def policy_name(self) -> str:
        """``namespace/name``."""
        return f"{self.policy.namespace}/{self.policy.name}"


def _field_name(policy: Resource, field: Field) -> str:
    if "when" in field.path:
        key = policy.get(*field.path[:-1], "key")
        return f"{key} (not)" if field.name == "notValues" else str(key)
    return field.name


def _is_reason(item: Judged, rule: RuleMatch, field: Field, made: Decision) -> bool:
    """Whether the verdict rests on a field: of a rule that decides, or that fails to allow."""
    if not item.decides:
        return False
    if made.policy is not None:
        return rule.index == made.rule
    return field in rule.failed


def _rows_of(item: Judged, made: Decision) -> list[FieldRow]:
    def row(rule: str, field: str, wanted: str, seen: str, match: str, reason: bool) -> FieldRow:
        return FieldRow(
            item.policy, item.action, rule, field, wanted, seen, match, reason, item.note
        )

    found = []
    for rule in item.rules:
        number = str(rule.index)
        for field in rule.judged:
            name = _field_name(item.policy, field)
            reason = _is_reason(item, rule, field, made)
            seen = text_of(field.seen)
            found.append(
                row(number, name, ", ".join(field.wanted), seen, field.match.value, reason)
            )
        if not rule.judged:
            decides = item.decides and rule.index == made.rule
            found.append(row(number, "-", "anything", "-", rule.match.value, decides))
    if not item.rules:
        found.append(row("-", "-", "nothing: it has no rules", "-", Match.NO.value, item.decides))
    return found


def rows(found: Why) -> tuple[FieldRow, ...]:
    """Every field of every rule of every policy, in the order in which Istio asks."""
    return tuple(row for item in found.policies for row in _rows_of(item, found.decision))


def to_json(row: FieldRow) -> dict[str, Any]:
    """The row as plain values."""
    return {
        "policy": str(row.policy),
        "action": row.action,
        "rule": int(row.rule) if row.rule.isdecimal() else None,
        "field": row.field,
        "wanted": row.wanted,
        "seen": row.seen,
        "matches": row.matches,
        "is_reason": row.is_reason,
        "note": row.note or None,
    }
