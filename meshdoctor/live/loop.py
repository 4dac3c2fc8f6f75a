"""Run one coroutine in an event loop of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end, as ``asyncio.run``.

    ``asyncio.run`` asks which signal handler is set, and Python's answer spells the main task out,
    its result included: with a whole mesh as the result that takes longer than reading it. So the
    main task has no result.
    """
    results: list[T] = []

    async def main() -> None:
        results.append(await work)

    asyncio.run(main())
    return results[0]
