"""What a run of the checks found, by category, and the verdict it comes to."""

from __future__ import annotations

from dataclasses import dataclass

from meshdoctor.exit_codes import ExitCode
from meshdoctor.model.finding import Outcome


@dataclass(frozen=True, slots=True)
class Checked:
    """One check and what it came to."""

    id: str
    description: str
    outcome: Outcome
    message: str
    """Why; empty when the description says it all."""
    hint: str
    """Section of the docs that says more."""
    needed: bool
    """Whether an unknown outcome leaves the whole answer unknown."""


@dataclass(frozen=True, slots=True)
class Category:
    """The checks of one category."""

    name: str
    checks: tuple[Checked, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was checked."""

    categories: tuple[Category, ...]

    @property
    def checks(self) -> tuple[Checked, ...]:
        """Every check of every category."""
        return tuple(item for category in self.categories for item in category.checks)

    def with_outcome(self, outcome: Outcome) -> tuple[Checked, ...]:
        """The checks that came to this."""
        return tuple(item for item in self.checks if item.outcome is outcome)

    @property
    def exit_code(self) -> ExitCode:
        """The exit code the command line documents."""
        if self.with_outcome(Outcome.FAIL):
            return ExitCode.ROOT_CAUSE
        if any(item.needed for item in self.with_outcome(Outcome.UNKNOWN)):
            return ExitCode.UNREAD
        return ExitCode.WARNINGS if self.with_outcome(Outcome.WARN) else ExitCode.OK

    @property
    def succeeded(self) -> bool:
        """Whether everything needed holds; warnings do not count against it."""
        return self.exit_code in (ExitCode.OK, ExitCode.WARNINGS)
