"""What toasts have said, for those who looked away."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_MOST_KEPT = 500


@dataclass(frozen=True, slots=True)
class Said:
    """One toast."""

    time: datetime
    severity: str
    title: str
    text: str

    def lines(self) -> str:
        """The toast as text, its time in UTC."""
        title = f"{self.title}: " if self.title else ""
        return f"{self.time:%H:%M:%S}Z  {self.severity}\n    {title}{self.text}"


@dataclass(slots=True)
class Log:
    """The toasts of one run of the app, the oldest forgotten first."""

    said: deque[Said] = field(default_factory=lambda: deque(maxlen=_MOST_KEPT))

    def text(self) -> str:
        """All of it, the latest first."""
        if not self.said:
            return "Nothing was said yet: errors, warnings and confirmations are kept here."
        return "\n\n".join(each.lines() for each in reversed(self.said))
