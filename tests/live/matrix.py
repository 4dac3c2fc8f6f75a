"""A row of the fault matrix: what goes wrong, what is said of it, what is still concluded."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.live.played import Result

ROOT = "subset-not-defined"
"""The root cause of the broken mesh."""
WITHIN = 10.0
"""Seconds after which a command with small time-outs hangs: a generous bound, no benchmark."""


@dataclass(frozen=True)
class Line:
    """One or more lines of ``not_read``."""

    what: str
    """Path; ``*`` stands for one part of it."""
    status: str
    reason: str = ""
    """Part of it."""
    times: int = 1
    """How many such lines there are."""

    def fits(self, what: str, status: str, reason: str) -> bool:
        mine, theirs = self.what.split("/"), what.split("/")
        return (
            len(mine) == len(theirs)
            and all(fnmatchcase(part, glob) for part, glob in zip(theirs, mine, strict=True))
            and status == self.status
            and self.reason in reason
        )

    def __str__(self) -> str:
        return f"{self.times} × {self.what}: {self.status} (…{self.reason}…)"


@dataclass(frozen=True)
class Row:
    """One fault, or several at once."""

    faults: str
    """Specs, parted by blanks."""
    lines: tuple[Line, ...] = ()
    """All lines of ``not_read``."""
    root: str | None = "proven"
    """Certainty of the broken mesh's root cause; None when it cannot be told."""
    healthy: int = 0
    """Exit code for the healthy mesh: 4 where something that conclusions need is missing."""
    options: str = ""
    unknown: tuple[str, ...] = ()
    """Some of the causes that can be neither found nor ruled out."""

    def __str__(self) -> str:
        return f"{self.faults} {self.options}".strip()


def assert_lines(result: Result, lines: tuple[Line, ...]) -> None:
    """All lines of ``not_read``, no more and no fewer."""
    left = result.not_read
    for line in lines:
        fitting = [one for one in left if line.fits(*one)]
        assert len(fitting) == line.times, f"{line} not among {left}"
        left = [one for one in left if one not in fitting]
    assert not left, f"nobody expects {left}"


def assert_broken(row: Row, result: Result) -> None:
    """What has to be said of the broken mesh."""
    assert_lines(result, row.lines)
    assert result.roots == ({ROOT: row.root} if row.root else {})
    assert result.code == (1 if row.root else 4)
    if row.root is None:
        assert ROOT in result.unknown
    assert set(row.unknown) <= result.unknown
    _assert_manners(result)


def assert_healthy(row: Row, result: Result) -> None:
    """What has to be said of the healthy mesh: nothing wrong is made of what is missing."""
    assert_lines(result, row.lines)
    assert result.roots == {}
    severities = {finding["severity"] for finding in result.diagnosis["findings"]}
    assert severities <= {"info"}
    assert result.code == row.healthy
    assert set(row.unknown) <= result.unknown
    _assert_manners(result)


def _assert_manners(result: Result) -> None:
    assert result.told == ""
    assert result.seconds < WITHIN
