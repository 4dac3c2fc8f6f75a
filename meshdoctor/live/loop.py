"""Run one coroutine in an event loop of its own."""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from typing import Any

T = TypeVar("T")


@contextmanager
def _heard(number: signal.Signals) -> Iterator[None]:
    """Take a signal for the Ctrl-C of a person: what was read is kept. Only in the main thread."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    if task is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end, as ``asyncio.run``.

    ``asyncio.run`` asks which signal handler is set, and Python's answer spells the main task out,
    its result included: with a whole mesh as the result that takes longer than reading it. So the
    main task has no result.
    """
    results: list[T] = []

    async def main() -> None:
        with _heard(signal.SIGTERM):
            results.append(await work)

    asyncio.run(main())
    return results[0]
