"""Try again where that is safe and may help: exponential back-off with jitter, Retry-After first.

Which answers to try again follows client-go (rest/with_retry.go: 429 and any 5xx that names a
time) and what API servers say while etcd or an aggregated API is away. A time-out is not tried
again: whoever waited that long has waited long enough.
"""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.transport_clock import read_date

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meshdoctor.collect.transport_limits import Limits
    from meshdoctor.model.not_read import NotReadStatus

T = TypeVar("T")
_FIRST = 0.25
"""Seconds before the second try, at most."""
_FACTOR = 3.0


class TransientError(ReadError):
    """It failed, and another try may help."""

    def __init__(
        self,
        status: NotReadStatus,
        reason: str,
        http_status: int | None = None,
        *,
        wait: float | None = None,
    ) -> None:
        """Say why.

        Args:
            status: the contract's word.
            reason: one line.
            http_status: the answer's code, when there was one.
            wait: seconds that the server asks to wait; None when it does not say.
        """
        super().__init__(status, reason, http_status)
        self.wait = wait


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a ``Retry-After`` header asks for; None when it is absent or garbled.

    Args:
        value: seconds, or an HTTP date.
        now: the sender's time, when it said it.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return float(text)
    date = read_date(text)
    if date is None:
        return None
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())


def pause(tried: int, asked: float | None, longest: float) -> float:
    """Seconds to wait before the next try.

    Args:
        tried: how many tries there were.
        asked: what the server asked for.
        longest: whatever it asked for.
    """
    if asked is not None:
        # A little more, so that not all who were sent away come back at once.
        return min(longest, asked) + random.uniform(0, _FIRST)
    # Half of the time is fixed and half is chance ("equal jitter"): never no wait at all.
    most = min(longest, _FIRST * _FACTOR ** (tried - 1))
    return random.uniform(most / 2, most)


async def trying(attempt: Callable[[], Awaitable[T]], limits: Limits) -> T:
    """Try until it succeeds, fails for good, or there were enough tries.

    Args:
        attempt: one try; raises TransientError where another may help.
        limits: how often, and how long.

    Raises:
        ReadError: what the last try raised.
    """
    began, tried = monotonic(), 0
    while True:
        tried += 1
        try:
            return await attempt()
        except TransientError as error:
            wait = pause(tried, error.wait, limits.longest_wait)
            late = monotonic() - began + wait > limits.patience
            if tried >= limits.tries or late:
                raise
            await asyncio.sleep(wait)
