"""A grade as a document, for ``-o json`` and between processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.drill.grader import FULL, CheckResult, Grade, Loss

if TYPE_CHECKING:
    from collections.abc import Mapping


def grade_document(grade: Grade) -> dict[str, Any]:
    """A grade as docs/drills.md describes it.

    Args:
        grade: of one attempt.
    """
    return {
        "drill": grade.drill,
        "passed": grade.passed,
        "points": grade.points,
        "of": FULL,
        "checks": [
            {
                "id": check.id,
                "says": check.says,
                "passed": check.passed,
                "because": check.because,
                "objects": list(check.objects),
            }
            for check in grade.checks
        ],
        "losses": [
            {"what": loss.what, "points": loss.points, "because": loss.because}
            for loss in grade.losses
        ],
    }


def grade_from(document: Mapping[str, Any]) -> Grade:
    """The grade that a document came of.

    Args:
        document: as ``grade_document`` made it; further keys do not matter.
    """
    checks = (
        CheckResult(one["id"], one["says"], one["passed"], one["because"], tuple(one["objects"]))
        for one in document["checks"]
    )
    losses = (Loss(one["what"], one["points"], one["because"]) for one in document["losses"])
    return Grade(document["drill"], tuple(checks), tuple(losses), document["points"])
