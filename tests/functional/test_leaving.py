"""Leaving never hangs, whatever is under way."""

from __future__ import annotations

import subprocess
import sys
from time import monotonic

import pytest

from screens.state import Following, Phase
from tests.conftest import CHECKOUT
from tests.functional.scene_live import END, HANG, LiveSession, live_app, until

_HANGS = """
import asyncio
import time

from tests.functional.scene_live import LiveSession, live_app

class Deaf(LiveSession):
    pass

session = Deaf()
session.source.read = lambda listener: time.sleep(600)

async def main():
    app = live_app(session)
    async with app.run_test() as pilot:
        while not app.state.is_busy or app.reader.listener is None:
            await pilot.pause(0.01)
        await pilot.press("q")
    print("left")

asyncio.run(main())
"""


@pytest.mark.parametrize("call", ["read", "follow"])
async def test_a_thread_that_does_not_hear_is_left_behind(call: str) -> None:
    session = LiveSession()
    if call == "follow":
        session.source.reads.put(END)
    (session.source.reads if call == "read" else session.source.follows).put(HANG)
    app = live_app(session)
    async with app.run_test() as pilot:
        if call == "follow":
            await until(pilot, lambda: app.state.following is Following.ON)
        else:
            await until(pilot, lambda: app.state.phase is Phase.READING)
        began = monotonic()
        await pilot.press("q")
    assert app.return_code == 0
    assert monotonic() - began < 4
    session.source.is_open = False


def test_the_process_ends_though_a_thread_still_reads() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _HANGS],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        timeout=30,
        check=True,
    )
    assert (run.stdout, run.stderr) == ("left\n", "")


async def test_a_source_that_hears_ends_before_the_app_does() -> None:
    session = LiveSession()
    ended = []
    read = session.source.read

    def reading(listener: object) -> object:
        try:
            return read(listener)  # type: ignore[arg-type]
        finally:
            ended.append(True)

    session.source.read = reading  # type: ignore[assignment, method-assign]
    app = live_app(session)
    async with app.run_test() as pilot:
        await until(pilot, lambda: session.source.times_read)
        await pilot.press("ctrl+c")
    assert ended == [True]
