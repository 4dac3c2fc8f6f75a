"""A candidate in words: the cause's templates filled from its findings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meshdoctor.diagnose.object_names import split_object
from meshdoctor.model.diagnosis import Fix, RootCause

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.diagnose.ranking import Candidate
    from meshdoctor.model.evidence import Evidence

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
"""A bare lower-case word in braces: JSON and jsonpath in commands never look like that."""

KUBECTL_WORDS = frozenset({"end"})
"""Words in braces that belong to kubectl's jsonpath."""

STANDARD_FILLS = ("object", "kind", "namespace", "name", "objects", "to", "callers")
"""The words every template may use without the analyzer giving them."""


def placeholders(template: str) -> frozenset[str]:
    """The words a template wants filled in."""
    return frozenset(_PLACEHOLDER.findall(template)) - KUBECTL_WORDS


def fill(template: str, fills: Mapping[str, str]) -> str:
    """Put words into a template; what is no known word (kubectl's ``{end}``) stays as it is."""
    return _PLACEHOLDER.sub(lambda match: fills.get(match.group(1), match.group(0)), template)


def fills_of(candidate: Candidate) -> dict[str, str]:
    """The words for a candidate's templates: the engine's own, then its findings'."""
    objects = candidate.objects
    kind, namespace, name = split_object(objects[0])
    callers = dict.fromkeys(item.source for item in candidate.affected if item.source)
    fills = {
        "object": objects[0],
        "kind": kind,
        "namespace": namespace or name,
        "name": name,
        "objects": ", ".join(objects),
        "to": ", ".join(sorted(candidate.destinations)),
        "callers": ", ".join(callers) or "nobody that was seen",
    }
    for finding in reversed(candidate.findings):
        fills |= finding.fills
    return fills


def _evidence(candidate: Candidate) -> tuple[Evidence, ...]:
    """Every piece of evidence once, a handful of each hypothesis at most."""
    found = [item for finding in candidate.findings for item in finding.evidence]
    return tuple(dict.fromkeys(found))


def root_cause(candidate: Candidate, rank: int) -> RootCause:
    """The candidate as people and programs read it."""
    cause, first = candidate.cause, candidate.hypotheses[0]
    fills = fills_of(candidate)
    return RootCause(
        id=cause.id,
        rank=rank,
        certainty=candidate.certainty,
        severity=candidate.severity,
        domain=cause.domain,
        title=fill(cause.title, fills),
        summary=fill(cause.summary, fills),
        objects=candidate.objects,
        affected=candidate.affected,
        symptoms=cause.symptoms,
        playbook=first.playbook,
        subject=first.finding.subject,
        path=first.path,
        evidence=_evidence(candidate),
        consequences=tuple(sorted(candidate.consequences)),
        fix=tuple(
            Fix(
                fill(item.do, fills),
                fill(item.command, fills),
                fill(item.changes, fills),
                fill(item.undo, fills),
            )
            for item in cause.fix
        ),
        verify=tuple(fill(item, fills) for item in cause.verify),
        docs=cause.docs,
    )
