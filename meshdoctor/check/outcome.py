"""What one check comes to, in one line for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.model.finding import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_NAMED = 6


@dataclass(frozen=True, slots=True)
class Result:
    """An outcome and the sentence that explains it."""

    outcome: Outcome
    message: str = ""
    """Why; empty when the check's own description says it all."""


def passed(message: str = "") -> Result:
    """It holds."""
    return Result(Outcome.PASS, message)


def warned(message: str) -> Result:
    """It holds in part, or does no harm yet."""
    return Result(Outcome.WARN, message)


def failed(message: str) -> Result:
    """It does not hold."""
    return Result(Outcome.FAIL, message)


def skipped(reason: str) -> Result:
    """There is nothing to look at here."""
    return Result(Outcome.SKIP, reason)


def unknown(reason: str) -> Result:
    """It cannot be told: something was not read."""
    return Result(Outcome.UNKNOWN, reason)


def joined(problems: Iterable[str]) -> str:
    """Problems in one line: the first few, and how many more."""
    found = list(problems)
    rest = len(found) - _MOST_NAMED
    return "; ".join(found[:_MOST_NAMED]) + (f"; and {rest} more" if rest > 0 else "")


def failed_if(problems: Iterable[str], otherwise: str = "") -> Result:
    """A failure that names the problems; a pass when there are none."""
    text = joined(problems)
    return failed(text) if text else passed(otherwise)


def judged(failures: Iterable[str], warnings: Iterable[str], otherwise: str = "") -> Result:
    """A failure when anything fails, else a warning, else a pass; what was seen is all named."""
    broken, doubtful = list(failures), list(warnings)
    text = joined([*broken, *doubtful])
    if broken:
        return failed(text)
    return warned(text) if doubtful else passed(otherwise)
