from __future__ import annotations

import asyncio

import pytest

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.patience import Patience
from meshdoctor.model.not_read import NotReadStatus


async def answered(patience: Patience, *gaps: float, arriving: int = 0) -> None:
    """A pod that is reached and then says something after each of these seconds."""
    async with patience.answering("/certs"):
        patience.begin()
        patience.earn(arriving)
        for gap in gaps:
            await asyncio.sleep(gap)
            patience.earn(1)


async def test_an_answer_that_does_not_come_is_a_time_out() -> None:
    with pytest.raises(ReadError, match=r"no answer to /certs within 0\.01s") as caught:
        await answered(Patience(0.01, 9), 1)
    assert caught.value.status is NotReadStatus.TIMEOUT


async def test_waiting_for_a_slot_costs_no_patience() -> None:
    patience = Patience(0.03, 9)
    async with patience.answering("/certs"):
        await asyncio.sleep(0.05)
        patience.begin()


async def test_all_answers_together_have_an_end() -> None:
    patience = Patience(0.2, 0.25)
    await answered(patience, 0.1)
    with pytest.raises(ReadError, match=r"not everything was answered within 0\.25s"):
        await answered(patience, 1)


async def test_bytes_that_arrive_earn_time_for_those_that_follow() -> None:
    await answered(Patience(0.03, 9), 0.06, arriving=10 * 256 * 1024)


async def test_a_drip_earns_nothing_to_speak_of() -> None:
    with pytest.raises(ReadError, match="no answer"):
        await answered(Patience(0.03, 9), *[0.005] * 100)
