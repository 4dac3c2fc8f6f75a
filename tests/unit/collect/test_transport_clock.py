from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.collect import transport_clock
from meshdoctor.collect.transport_clock import ServerClock, read_date

THEN = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How many seconds have passed, for a test to change."""
    found = [1000.0]
    monkeypatch.setattr(transport_clock, "monotonic", lambda: found[0])
    return found


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Tue, 06 May 2031 07:08:09 GMT", THEN),
        ("Tue, 06 May 2031 07:08:09 -0000", THEN),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_a_date_is_read_or_it_is_none(text: str | None, date: datetime | None) -> None:
    assert read_date(text) == date


@given(st.text(max_size=40))
def test_no_date_makes_it_stumble(text: str) -> None:
    found = read_date(text)
    assert found is None or found.tzinfo is not None


def test_before_the_first_answer_this_machines_clock_has_to_do() -> None:
    assert abs(ServerClock().now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_time_goes_on_between_answers(passed: list[float]) -> None:
    clock = ServerClock()
    clock.hear(THEN)
    passed[0] += 90
    clock.hear(None)
    assert clock.now() == THEN + timedelta(seconds=90)


def test_time_does_not_step_back_within_a_second(passed: list[float]) -> None:
    clock = ServerClock()
    clock.hear(THEN)
    passed[0] += 0.9
    clock.hear(THEN)
    assert clock.now() == THEN + timedelta(seconds=0.9)


def test_a_clock_that_was_set_is_followed(passed: list[float]) -> None:
    clock = ServerClock()
    clock.hear(THEN)
    clock.hear(THEN - timedelta(hours=1))
    assert clock.now() == THEN - timedelta(hours=1)
