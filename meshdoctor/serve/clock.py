"""The server's clock: it stood at the recording's ``captured_at`` when it was started."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock that starts at a given time and runs on with monotonic time."""

    start: datetime
    """An aware time in UTC."""
    started: float = field(default_factory=time.monotonic)
    stopped: bool = False
    """Whether it stands still at its start."""

    def now(self) -> datetime:
        """What time it is for whoever asks this server."""
        if self.stopped:
            return self.start
        return self.start + timedelta(seconds=time.monotonic() - self.started)

    def timestamp(self) -> str:
        """Now as Kubernetes writes it: RFC 3339 in whole seconds."""
        return rfc3339(self.now())

    def http_date(self) -> str:
        """Now as the ``Date`` header has it (RFC 9110, 5.6.7)."""
        return format_datetime(self.now(), usegmt=True)


def rfc3339(moment: datetime) -> str:
    """A time in UTC as ``metav1.Time`` is written."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
