"""What is missing, held against what each cause needs: the conclusions that become unknown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meshdoctor.analyze.registry import analyzers
from meshdoctor.diagnose.scope import in_namespaces
from meshdoctor.model.diagnosis import Unknown
from meshdoctor.model.finding import Outcome
from meshdoctor.model.not_read import NotRead, NotReadStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.diagnose.library import Cause, Playbook
    from meshdoctor.model.diagnosis import Scope
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.snapshot import Snapshot

_MOST_PATHS = 3


def _is_part_of(path: str, wanted: str) -> bool:
    """Whether a missing path is (part of) an input.

    ``kubernetes/<group>/<plural>`` leaves the version out; ``proxies/<file>`` and
    ``istiod/<file>`` stand for that file of every pod, and a missing folder is all its files.
    """
    parts = path.removesuffix(".json").split("/")
    room = parts[0]
    if room == "kubernetes":
        if len(parts) == 4:
            parts.pop(2)
        return "/".join(parts) == wanted
    room_wanted, _, file = wanted.partition("/")
    if room != room_wanted:
        return False
    return len(parts) <= 3 or path.split("/", 3)[3] == file


def missing_of(mesh: Snapshot, scope: Scope, wanted: str) -> list[NotRead]:
    """The unread parts of one input, as far as they concern the scope."""
    return [
        item
        for item in mesh.not_read
        if item.status is not NotReadStatus.NOT_INSTALLED
        and _is_part_of(item.what, wanted)
        and in_namespaces(item.what, scope)
    ]


def required_unread(
    mesh: Snapshot, scope: Scope, walked: tuple[Playbook, ...], causes: dict[str, Cause]
) -> tuple[NotRead, ...]:
    """What was not read although a cause of these playbooks, or an analyzer they ask, needs it."""
    asked = {code for playbook in walked for code in playbook.codes}
    inputs = {
        wanted
        for playbook in walked
        for cause_id in playbook.causes
        for wanted in causes[cause_id].inputs
    }
    for analyzer in analyzers():
        if asked.intersection(analyzer.codes):
            inputs.update(analyzer.inputs)
    return tuple(sorted({item for wanted in inputs for item in missing_of(mesh, scope, wanted)}))


def _why(mesh: Snapshot, scope: Scope, needs: Iterable[str]) -> str:
    missing = {item for wanted in needs for item in missing_of(mesh, scope, wanted)}
    alike: dict[tuple[str, str], list[str]] = {}
    for item in sorted(missing):
        alike.setdefault((item.status, item.reason), []).append(item.what)
    return "; ".join(
        f"{_some(paths)}: {status} ({reason})" for (status, reason), paths in alike.items()
    )


def _some(paths: list[str]) -> str:
    """A few of many: on a big mesh the same reason may stand for thousands of proxies."""
    more = len(paths) - _MOST_PATHS
    return ", ".join(paths[:_MOST_PATHS]) + (f" and {more} more" if more > 0 else "")


def unknown_causes(
    mesh: Snapshot,
    scope: Scope,
    walked: tuple[Playbook, ...],
    causes: dict[str, Cause],
    findings: Iterable[Finding],
    found: frozenset[str],
) -> tuple[Unknown, ...]:
    """Causes, and users' checks that lead to none, that can be neither found nor ruled out.

    Either an analyzer said so of some subject, or an input that the cause needs is missing.

    Args:
        mesh: the snapshot.
        scope: what was asked.
        walked: the playbooks that were walked.
        causes: the library's causes.
        findings: what the analyzers said, in scope.
        found: ids of the root causes, which are not unknown.
    """
    causes_of_code = {
        outcome.when: outcome.cause
        for playbook in walked
        for step in playbook.steps
        for outcome in step.outcomes
        if outcome.cause
    }
    needs: dict[str, set[str]] = {}
    said: dict[str, str] = {}
    for playbook in walked:
        for cause_id in playbook.causes:
            unread = {
                wanted for wanted in causes[cause_id].inputs if missing_of(mesh, scope, wanted)
            }
            if unread:
                needs.setdefault(cause_id, set()).update(unread)
    for finding in findings:
        named = causes_of_code.get(finding.code)
        if named is None and scope.symptom is None and not re.match(r"MD\d", finding.code):
            # A user's check: where no playbook asks for it, it concludes by itself.
            named = finding.code
        if finding.outcome is Outcome.UNKNOWN and named:
            needs.setdefault(named, set()).update(finding.needs)
            said.setdefault(named, finding.message)
    return tuple(
        Unknown(
            cause_id,
            tuple(sorted(wanted)),
            _why(mesh, scope, wanted) or said.get(cause_id, "not read"),
        )
        for cause_id, wanted in sorted(needs.items())
        if cause_id not in found
    )
