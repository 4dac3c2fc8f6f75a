"""The API server's clock, as its answers tell it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic

_STEP = timedelta(seconds=2)
"""A Date is cut to whole seconds; a server that is further behind than that was set back."""


def read_date(value: str | None) -> datetime | None:
    """An HTTP date; None when it is none."""
    if not value:
        return None
    try:
        found = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class ServerClock:
    """Tells the server's time between its answers."""

    def __init__(self) -> None:
        """Nothing was heard yet: this machine's clock has to do."""
        self._zero: datetime | None = None

    def hear(self, date: datetime | None) -> None:
        """Take note of an answer's ``Date``, which came just now."""
        if date is None:
            return
        zero = date - timedelta(seconds=monotonic())
        # The latest of several is nearest to the truth: each is up to a second too early.
        if self._zero is None or zero > self._zero or self._zero - zero > _STEP:
            self._zero = zero

    def now(self) -> datetime:
        """The server's time."""
        if self._zero is None:
            return datetime.now(UTC)
        return self._zero + timedelta(seconds=monotonic())
