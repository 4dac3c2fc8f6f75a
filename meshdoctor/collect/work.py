"""Run many reads with a few workers: what has not begun holds no memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.read_reasons import failed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from meshdoctor.collect.api import Sink
    from meshdoctor.collect.stages import Stages


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to read."""

    stage: str
    what: str
    """Path or folder within a recording."""
    read: Callable[[], Awaitable[None]]
    """Reads it, hands it over and says what could not be read."""


async def run_jobs(jobs: Iterable[Job], workers: int, sink: Sink, stages: Stages) -> None:
    """Do all jobs, in their order, some at once. One that fails does not stop the others.

    Args:
        jobs: what to do; the most important first.
        workers: how many at once.
        sink: where failures are said.
        stages: where progress is counted.
    """
    waiting = iter(jobs)
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(_work(waiting, sink, stages))


async def _work(waiting: Iterator[Job], sink: Sink, stages: Stages) -> None:
    for job in waiting:
        try:
            await job.read()
        except ReadError as error:
            sink.miss(job.what, error)
        except Exception as error:
            # A garbled answer that nobody foresaw must not cost the other thousand.
            sink.miss(job.what, failed(f"{type(error).__name__}: {error}"))
        stages.done(job.stage, job.what)
