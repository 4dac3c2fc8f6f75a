"""A diagnosis as one word, one line and one exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.codes import codes
from meshdoctor.exit_codes import ExitCode
from meshdoctor.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.diagnosis import Diagnosis
    from meshdoctor.model.finding import Finding


def severity_of(finding: Finding) -> Severity:
    """The finding's own severity, or its code's."""
    return finding.severity or codes()[finding.code].severity


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first; among the same, in the order they came."""
    return sorted(findings, key=lambda item: severity_of(item).rank)


def counts(diagnosis: Diagnosis) -> dict[Severity, int]:
    """How many findings there are of each severity."""
    found = [severity_of(finding) for finding in diagnosis.findings]
    return {severity: found.count(severity) for severity in Severity}


def exit_code(diagnosis: Diagnosis) -> ExitCode:
    """The exit code the command line documents for this diagnosis."""
    found = counts(diagnosis)
    if diagnosis.root_causes or found[Severity.ERROR]:
        return ExitCode.ROOT_CAUSE
    if diagnosis.required_unread or diagnosis.unknown:
        return ExitCode.UNREAD
    return ExitCode.WARNINGS if found[Severity.WARNING] else ExitCode.OK


def headline(diagnosis: Diagnosis) -> str:
    """The verdict in one line; silence is earned by saying what was looked at."""
    read = f"{diagnosis.proxies_read} of {diagnosis.proxies_total} proxies read"
    if diagnosis.root_causes:
        number = len(diagnosis.root_causes)
        return f"{number} root cause{'s' if number > 1 else ''} found ({read})"
    unread = len(diagnosis.required_unread)
    if exit_code(diagnosis) is ExitCode.UNREAD:
        missing = f"{unread} thing{'s' if unread > 1 else ''} could not be read"
        missing = missing if unread else "part of it could not be read"
        return f"No root cause found, but the answer is incomplete: {missing} ({read})"
    where = f" in {', '.join(diagnosis.scope.namespaces)}" if diagnosis.scope.namespaces else ""
    found = counts(diagnosis)
    rest = [
        f"{number} {severity.value}{'s' if number > 1 else ''}"
        for severity, number in found.items()
        if number and severity is not Severity.INFO
    ]
    also = f", {' and '.join(rest)}" if rest else ""
    return f"No root cause found{where}{also} ({read})"
