"""The checks for programs; the contract is ``check.schema.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.finding import Outcome

if TYPE_CHECKING:
    from meshdoctor.check.report import Report

SCHEMA_VERSION = "1"
RESULTS = {
    Outcome.PASS: "success",
    Outcome.WARN: "warning",
    Outcome.FAIL: "error",
    Outcome.SKIP: "skipped",
    Outcome.UNKNOWN: "unknown",
}
"""The words of ``linkerd check -o json``, and two for what it leaves out."""


def check_json(report: Report) -> dict[str, Any]:
    """The report as plain values."""
    return {
        "schema_version": SCHEMA_VERSION,
        "success": report.succeeded,
        "categories": [
            {
                "name": category.name,
                "checks": [
                    {
                        "id": item.id,
                        "description": item.description,
                        "result": RESULTS[item.outcome],
                        "message": item.message,
                        "hint": item.hint,
                    }
                    for item in category.checks
                ],
            }
            for category in report.categories
        ],
    }
