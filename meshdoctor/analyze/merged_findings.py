"""One finding for many clients of one fault."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.model.finding import Finding


def merged(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Join findings of one code about one subject with the same object at fault.

    The first of them speaks for all; everyone that suffers is listed with it.
    """
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        key = (finding.code, finding.subject, finding.resource)
        groups.setdefault((*key[:2], f"{finding.outcome} {key[2]}"), []).append(finding)
    for members in groups.values():
        affected = dict.fromkeys(item for member in members for item in member.affected)
        yield replace(members[0], affected=tuple(sorted(affected)))
