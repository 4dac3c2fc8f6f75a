"""The checks for a person: category by category, each with its glyph, and the verdict last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from meshdoctor.model.finding import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.check.report import Checked, Report

MARKS = {
    Outcome.PASS: ("✓", "green"),
    Outcome.WARN: ("!", "yellow"),
    Outcome.FAIL: ("✗", "bold red"),
    Outcome.SKIP: ("–", "dim"),
    Outcome.UNKNOWN: ("?", "bold"),
}
"""Glyph and colour; the words beneath say the same where there is no colour."""
_TROUBLED = (Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN)


def _check(checked: Checked) -> Iterator[Text]:
    mark, style = MARKS[checked.outcome]
    if checked.outcome is Outcome.SKIP:
        yield Text(f"{mark} {checked.description} (skipped: {checked.message})", style=style)
        return
    yield Text.assemble((mark, style), f" {checked.description}")
    if checked.outcome in _TROUBLED:
        yield Text(f"    {checked.message}")
        yield Text(f"    see {checked.hint}", style="dim")
    elif checked.message:
        yield Text(f"    {checked.message}", style="dim")


def _counted(report: Report) -> str:
    words = {
        Outcome.FAIL: "failed",
        Outcome.UNKNOWN: "unknown",
        Outcome.WARN: "with warnings",
        Outcome.PASS: "passed",
        Outcome.SKIP: "skipped",
    }
    counts = {outcome: len(report.with_outcome(outcome)) for outcome in words}
    return ", ".join(f"{number} {words[outcome]}" for outcome, number in counts.items() if number)


def check_lines(report: Report) -> Iterator[Text]:
    """The whole report, line by line; the last one is the verdict."""
    for category in report.categories:
        yield Text(category.name, style="bold")
        yield Text("-" * len(category.name), style="dim")
        for checked in category.checks:
            yield from _check(checked)
        yield Text("")
    mark, style = MARKS[Outcome.PASS if report.succeeded else Outcome.FAIL]
    yield Text(_counted(report), style="dim")
    yield Text.assemble("Status check results are ", (mark, style))
