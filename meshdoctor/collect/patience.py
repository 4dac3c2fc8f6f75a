"""How long a pod is waited for: for each answer, and for all of them together."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from meshdoctor.collect.read_reasons import timed_out

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_SLOWEST = 256 * 1024
"""Bytes that earn a second more: a big dump over a slow link may arrive, a drip may not go on."""


class Patience:
    """A clock that runs while a pod is asked, and not while a slot is waited for."""

    def __init__(self, answer: float, whole: float) -> None:
        """It runs from the first question on.

        Args:
            answer: seconds for one answer.
            whole: seconds for all answers of the pod.
        """
        self._answer = answer
        self._whole = self._left = whole
        self._alarm: asyncio.Timeout | None = None
        self._began: float | None = None
        self._earned = 0.0

    @asynccontextmanager
    async def answering(self, target: str) -> AsyncIterator[None]:
        """Wait for one answer.

        Args:
            target: what is asked, for words.

        Raises:
            ReadError: the time was up before the block ended.
        """
        enough = self._left > self._answer
        try:
            async with asyncio.timeout(None) as self._alarm:
                try:
                    yield
                finally:
                    self._stop()
        except TimeoutError:
            if enough:
                raise timed_out(f"no answer to {target} within {self._answer:g}s") from None
            raise timed_out(f"not everything was answered within {self._whole:g}s") from None

    def begin(self) -> None:
        """The pod is reached: from now on it is waited for."""
        if self._alarm is not None and self._began is None:
            self._began = asyncio.get_running_loop().time()
            self._alarm.reschedule(self._began + max(0.0, min(self._answer, self._left)))

    def earn(self, arrived: int) -> None:
        """Bytes have arrived, and earn time for those that follow.

        Args:
            arrived: how many.
        """
        if self._alarm is None or (when := self._alarm.when()) is None or self._alarm.expired():
            return
        more = arrived / _SLOWEST
        self._earned += more
        self._alarm.reschedule(when + more)

    def _stop(self) -> None:
        if self._began is not None:
            spent = asyncio.get_running_loop().time() - self._began
            self._left -= max(0.0, spent - self._earned)
        self._alarm, self._began, self._earned = None, None, 0.0
