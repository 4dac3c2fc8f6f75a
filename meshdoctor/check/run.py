"""Run every check over what was read: each on its own, none on what another found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.check.checker import MeshChecker
from meshdoctor.check.outcome import Result, skipped, unknown
from meshdoctor.check.registry import CATEGORIES
from meshdoctor.check.report import Category, Checked, Report
from meshdoctor.model.finding import Outcome

if TYPE_CHECKING:
    from meshdoctor.check.checker import LiveChecker
    from meshdoctor.collect.preflight import Preflight
    from meshdoctor.model.kinds import Kind
    from meshdoctor.model.snapshot import Snapshot

RECORDED = "asked of a live cluster only: this is a recording"
NOTHING_READ = "nothing was read of the mesh"


def why_unread(mesh: Snapshot, kinds: tuple[Kind, ...]) -> str:
    """What was not read of these kinds, and why; empty when everything was."""
    reasons = []
    for kind in kinds:
        if not mesh.catalog.known(kind):
            said = next((item for item in mesh.not_read if _is_of(item.what, kind)), None)
            why = f" ({said.status}: {said.reason})" if said else ""
            reasons.append(f"{kind.plural} could not be read{why}")
    return "; ".join(reasons)


def _is_of(path: str, kind: Kind) -> bool:
    """Whether a path, with or without the API version, is the list of a kind."""
    parts = path.removesuffix(".json").split("/")
    return parts[:2] == ["kubernetes", kind.group] and parts[-1] == kind.plural


def _result(
    checker: MeshChecker | LiveChecker, mesh: Snapshot | None, preflight: Preflight | None
) -> Result:
    if not isinstance(checker, MeshChecker):
        return skipped(RECORDED) if preflight is None else checker.check(preflight)
    if mesh is None:
        return skipped(NOTHING_READ)
    missing = why_unread(mesh, checker.needs)
    return unknown(missing) if missing else checker.check(mesh)


def _checked(checker: MeshChecker | LiveChecker, result: Result) -> Checked:
    if checker.warning and result.outcome is Outcome.FAIL:
        result = replace(result, outcome=Outcome.WARN)
    return Checked(
        id=checker.id,
        description=checker.description,
        outcome=result.outcome,
        message=result.message,
        hint=checker.hint,
        needed=not checker.warning,
    )


def check(mesh: Snapshot | None, preflight: Preflight | None = None) -> Report:
    """Check whether meshdoctor can work here, and whether Istio is installed whole.

    Args:
        mesh: what was read; None where the cluster could not be reached at all.
        preflight: what was found out about the way to the cluster; None for a recording.
    """
    categories = []
    stopped_by = None
    for category in CATEGORIES:
        checks = []
        for checker in category.checkers:
            if stopped_by is not None:
                result = skipped(f"nothing can be said, because this does not hold: {stopped_by}")
            else:
                result = _result(checker, mesh, preflight)
            checks.append(_checked(checker, result))
            if checker.fatal and checks[-1].outcome is Outcome.FAIL:
                stopped_by = checker.description
        categories.append(Category(category.name, tuple(checks)))
    return Report(tuple(categories))
