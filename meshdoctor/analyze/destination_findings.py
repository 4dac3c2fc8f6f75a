"""How findings about a destination are built: PASS, UNKNOWN, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds
from meshdoctor.model.finding import Finding, Outcome, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Affected, Fact


def passes(
    code: str, use: Use, message: str, fact: str, evidence: Iterable[Evidence] = ()
) -> Finding:
    """A PASS about a destination: it rules the code's cause out."""
    return Finding(
        code=code,
        subject=use.subject,
        outcome=Outcome.PASS,
        message=message,
        resource=resource_of(use),
        facts=(holds(fact, message, *evidence),),
    )


def cannot_tell(code: str, use: Use, message: str, needs: tuple[str, ...]) -> Finding:
    """An UNKNOWN about a destination, naming the inputs that were unread."""
    return Finding(
        code=code,
        subject=use.subject,
        outcome=Outcome.UNKNOWN,
        message=message,
        resource=resource_of(use),
        needs=needs,
    )


def problem(
    code: str,
    use: Use,
    message: str,
    *,
    objects: tuple[str, ...],
    facts: tuple[Fact, ...],
    affected: tuple[Affected, ...],
    fills: Mapping[str, str] | None = None,
    root: bool = True,
    note: bool = False,
) -> Finding:
    """A FAIL about a destination; where nobody uses it, a WARN that names no root cause.

    Where nobody can use it either (``note``), that WARN is no more than a note.
    """
    counts = root and use.is_wanted and not note
    milder = Severity.INFO if note else Severity.WARNING
    # A workload at fault is not its own victim, save where nobody else is known.
    others = tuple(item for item in affected if item.source not in objects)
    return Finding(
        code=code,
        subject=use.subject,
        outcome=Outcome.FAIL if counts else Outcome.WARN,
        message=message,
        resource=objects[0],
        objects=objects[:6],
        facts=facts,
        affected=others or affected,
        severity=None if counts else milder,
        root=counts,
        fills={
            "destination": str(use.destination),
            "host": use.destination.host,
            "caller": command_target(others[0].source if others else ""),
            **(fills or {}),
        },
    )


def command_target(workload: str) -> str:
    """A workload as kubectl and istioctl take it: ``deployment/name -n namespace``."""
    kind, _, where = workload.partition(" ")
    namespace, found, name = where.partition("/")
    return f"{kind.lower()}/{name} -n {namespace}" if found else "deployment/CALLER -n NAMESPACE"


def resource_of(use: Use) -> str:
    """The object a finding about a destination is attached to."""
    if use.service is not None:
        return str(use.service.resource)
    if use.virtual_services:
        return str(use.virtual_services[0])
    return f"Host {use.destination.host}"
