"""What is asked of every webhook of istiod's, of either kind: does it answer, is it trusted."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.check.outcome import Result, failed, failed_if, joined, skipped, unknown
from meshdoctor.intent.injection_webhooks import injection_webhooks
from meshdoctor.intent.webhook_trust import Trust
from meshdoctor.model.kinds import MUTATING_WEBHOOK
from meshdoctor.model.resource import parse_time
from meshdoctor.views.webhooks import UNKNOWN, WebhookRow, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.model.snapshot import Snapshot

_IS_URL = "outside"
_SILENCE = {"no such Service": "there is none", "none ready": "no endpoint of it is ready"}
NO_ENTRY = "there is no such webhook"


@lru_cache(maxsize=2)
def _all(mesh: Snapshot) -> tuple[WebhookRow, ...]:
    return rows(mesh)


def injection_entries(mesh: Snapshot) -> tuple[WebhookRow, ...]:
    """The injection entries that are switched on (``istioctl tag`` switches others off)."""
    off = {
        (hook.configuration.source, f"{hook.configuration.pointer}/webhooks/{hook.index}")
        for hook in injection_webhooks(mesh)
        if hook.is_deactivated
    }
    return tuple(
        row
        for row in _all(mesh)
        if row.kind == MUTATING_WEBHOOK.name and (row.source, row.pointer) not in off
    )


def validation_entries(mesh: Snapshot) -> tuple[WebhookRow, ...]:
    """Every validation entry."""
    return tuple(row for row in _all(mesh) if row.kind != MUTATING_WEBHOOK.name)


def _name(row: WebhookRow) -> str:
    return f"{row.kind} {row.configuration}"


def answers(entries: Sequence[WebhookRow]) -> Result:
    """Whether something stands behind every entry."""
    if not entries:
        return skipped(NO_ENTRY)
    if any(row.endpoints == UNKNOWN for row in entries):
        return unknown("Services or EndpointSlices could not be read")
    problems = (
        f"{_name(row)} calls Service {row.service}: {_SILENCE[row.endpoints]}"
        for row in entries
        if row.endpoints in _SILENCE
    )
    return failed_if(dict.fromkeys(problems))


def trusted(mesh: Snapshot, entries: Sequence[WebhookRow]) -> Result:
    """Whether the API server can trust what answers every entry."""
    within = [row for row in entries if row.endpoints != _IS_URL]
    if not within:
        return skipped(NO_ENTRY)
    problems = []
    for row in within:
        expires = parse_time(row.ca_not_after)
        if row.ca_bundle is Trust.EMPTY:
            problems.append(f"{_name(row)} has no caBundle: istiod has not patched it")
        elif row.ca_bundle is Trust.DIFFERS:
            problems.append(f"{_name(row)} trusts another CA than istiod's")
        elif expires is not None and expires < mesh.now:
            problems.append(f"the caBundle of {_name(row)} expired at {row.ca_not_after}")
    if problems:
        return failed(joined(dict.fromkeys(problems)))
    if any(row.ca_bundle is Trust.UNKNOWN for row in within):
        return unknown("the mesh root or a caBundle could not be read")
    return failed_if(())


def fails_closed(entries: Sequence[WebhookRow], harm: str) -> Result:
    """Whether every entry has ``failurePolicy: Fail``.

    Args:
        entries: the entries of one kind.
        harm: what happens unnoticed with ``Ignore`` while istiod is down.
    """
    if not entries:
        return skipped(NO_ENTRY)
    problems = (
        f"{_name(row)} has failurePolicy {row.failure_policy}: {harm}"
        for row in entries
        if row.failure_policy != "Fail"
    )
    return failed_if(dict.fromkeys(problems))
