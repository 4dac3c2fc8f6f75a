"""One line of an Istio component's own log, and istiod's log as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
"""Istio's level words, mildest first; Envoy's ``warning`` and ``critical`` become these."""
DEFAULT_SCOPE = "default"
"""Istio's name for the scope that it does not print."""


def level_rank(level: str) -> int:
    """How grave a level is, 0 for trace; a word of no known level counts as info."""
    return LEVELS.index(level) if level in LEVELS else LEVELS.index("info")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One record of istiod, the agent, Envoy, ztunnel or the CNI node agent.

    A record that spans several lines (a stack trace, a printed configuration, a rejected
    protobuf) is one LogLine: its first line here, the others in ``more``.
    """

    line: int
    """1-based number of the record's first line in its file."""
    time: datetime | None
    """When it was written, UTC."""
    level: str
    """One of LEVELS."""
    scope: str | None
    """Istio's scope, ``envoy <component>``, or ztunnel's target; None for the default scope."""
    message: str
    """What is said on the first line, without time, level, scope and fields."""
    fields: tuple[tuple[str, str], ...]
    """``key=value`` labels, in order; where the code stands is ``caller``."""
    text: str
    """The first line as it stands in the file."""
    more: tuple[str, ...] = ()
    """The record's further lines, as they stand in the file."""

    def field(self, key: str) -> str | None:
        """Value of a label; None when the line does not carry it."""
        return next((value for name, value in self.fields if name == key), None)

    @property
    def full_message(self) -> str:
        """The message with its further lines."""
        return "\n".join((self.message, *self.more)) if self.more else self.message

    @property
    def rank(self) -> int:
        """How grave it is, see ``level_rank``."""
        return level_rank(self.level)


@dataclass(frozen=True, slots=True)
class IstiodLog:
    """One istiod replica's log."""

    lines: tuple[LogLine, ...]
    """Every record, in the order of the file."""
    by_level: Mapping[str, int]
    """How many records of each level, gravest first."""
    by_scope: Mapping[str, int]
    """How many records of each scope, by name."""
    unparsed: int
    """How many lines are of no known form and follow no record."""
