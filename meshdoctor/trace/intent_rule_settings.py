"""What a rule of a VirtualService asks for beside its destinations: retries, faults, durations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.http_rules import seconds
from meshdoctor.intent.mesh_config import mesh_config
from meshdoctor.model.envoy import Fault, RetryPolicy
from meshdoctor.model.resource import as_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

DEFAULT_RETRIES = RetryPolicy(
    "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes", 2, ""
)
"""istiod's own, where neither the route nor mesh config says otherwise (core/route/retry)."""


def asked_duration(text: object) -> str:
    """A rule's duration (``500ms``, ``1m``) as Envoy prints it; empty for none."""
    length = seconds(text)
    return "" if length is None else f"{length:g}s"


def asked_retries(mesh: Snapshot, pod: Resource, rule: Mapping[str, Any]) -> RetryPolicy | None:
    """How often and when a rule's requests are tried again; None where they are not.

    Args:
        mesh: the snapshot, for ``defaultHttpRetryPolicy`` of its mesh config.
        pod: whose proxy it is.
        rule: an ``http`` rule of a VirtualService.
    """
    written = rule.get("retries")
    if written is None:
        written = mesh_config(mesh, pod).settings.get("defaultHttpRetryPolicy")
    if written is None:
        return DEFAULT_RETRIES
    policy = as_mapping(written)
    attempts = policy.get("attempts")
    if not attempts:
        # No attempts at all: retries are switched off.
        return None
    retry_on = str(policy.get("retryOn") or DEFAULT_RETRIES.retry_on)
    number = attempts if isinstance(attempts, int) else DEFAULT_RETRIES.num_retries
    return RetryPolicy(retry_on, number, asked_duration(policy.get("perTryTimeout")))


def asked_percentage(written: object) -> float:
    """A number, or a mapping that has it as its ``value``."""
    value = written.get("value") if isinstance(written, dict) else written
    return float(value) if isinstance(value, int | float) else 0.0


def _percent(part: Mapping[str, Any]) -> float:
    return asked_percentage(part.get("percentage") or part.get("percent"))


def asked_fault(rule: Mapping[str, Any]) -> Fault | None:
    """The fault that a rule injects; None for none."""
    written = as_mapping(rule.get("fault"))
    if not written:
        return None
    abort, delay = as_mapping(written.get("abort")), as_mapping(written.get("delay"))
    status = abort.get("httpStatus")
    return Fault(
        abort_status=status if isinstance(status, int) else None,
        abort_percent=_percent(abort) if abort else None,
        delay=str(delay.get("fixedDelay") or ""),
        delay_percent=_percent(delay) if delay else None,
        pointer="",
    )
