from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.retry import TransientError, pause, retry_after, trying
from meshdoctor.collect.transport_limits import Limits
from meshdoctor.model.not_read import NotReadStatus

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)


def fails(times: int, error: ReadError) -> tuple[Callable[[], Awaitable[str]], list[int]]:
    tried = [0]

    async def attempt() -> str:
        tried[0] += 1
        if tried[0] <= times:
            raise error
        return "done"

    return attempt, tried


BUSY = TransientError(NotReadStatus.FAILED, "busy", 429)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("Wed, 06 May 2026 07:08:39 GMT", 30.0),
        ("Wed, 06 May 2026 07:00:00 GMT", 0.0),
        ("-1", None),
        ("1.5", None),
        ("²", None),
        ("9" * 30, None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


@given(st.text(max_size=40))
def test_no_header_makes_it_stumble(header: str) -> None:
    found = retry_after(header, NOW)
    assert found is None or found >= 0


@given(st.integers(1, 50), st.one_of(st.none(), st.floats(0, 1e9)))
def test_a_pause_is_never_none_and_never_beyond_the_bound(tried: int, asked: float | None) -> None:
    found = pause(tried, asked, 10.0)
    assert 0 <= found <= 10.25
    assert found > 0 or asked == 0


def test_pauses_grow_and_differ() -> None:
    assert max(pause(1, None, 10) for _ in range(50)) < min(pause(3, None, 10) for _ in range(50))
    assert len({pause(2, None, 10) for _ in range(20)}) > 1


async def test_it_is_tried_until_it_succeeds() -> None:
    attempt, tried = fails(2, BUSY)
    assert await trying(attempt, Limits(longest_wait=0)) == "done"
    assert tried == [3]


async def test_there_are_so_many_tries_and_no_more() -> None:
    attempt, tried = fails(9, BUSY)
    with pytest.raises(TransientError):
        await trying(attempt, Limits(tries=3, longest_wait=0))
    assert tried == [3]


async def test_no_try_begins_when_patience_is_at_an_end() -> None:
    attempt, tried = fails(9, TransientError(NotReadStatus.FAILED, "busy", wait=5))
    with pytest.raises(TransientError):
        await trying(attempt, Limits(patience=4))
    assert tried == [1]


async def test_what_does_not_pass_is_tried_once() -> None:
    attempt, tried = fails(9, ReadError(NotReadStatus.DENIED, "no", 403))
    with pytest.raises(ReadError, match="no"):
        await trying(attempt, Limits(longest_wait=0))
    assert tried == [1]
