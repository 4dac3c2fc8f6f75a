"""Every fault on every kind of read: what is said, what is concluded, how the command ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.captures.sharing import one_in
from tests.live import rows_objects, rows_pods
from tests.live.matrix import Row, assert_broken, assert_healthy

if TYPE_CHECKING:
    from tests.live.played import Played

ROWS = (Row(""), *rows_objects.ROWS, *rows_pods.ROWS)
_HIDING = [row for row in ROWS if row.lines]
_OTHERS = [row for row in ROWS if not row.lines]
"""Faults that hide nothing in the end."""
pytestmark = pytest.mark.usefixtures("short_pauses")


def test_the_matrix_is_no_smaller_than_it_was_asked_to_be() -> None:
    assert len({str(row) for row in ROWS}) == len(ROWS) >= 40


@pytest.mark.parametrize("row", [*_OTHERS, *one_in(3, _HIDING)], ids=str)
def test_a_fault_is_said_and_costs_no_more_than_what_it_hides(row: Row, broken: Played) -> None:
    broken.server.faults.set(*row.faults.split())
    result = broken.diagnose(*row.options.split())
    assert_broken(row, result)
    assert broken.server.audit.writes() == ()


@pytest.mark.parametrize("row", [ROWS[0], *one_in(3, _HIDING, 1)], ids=str)
def test_nothing_is_called_fine_or_wrong_that_was_not_read(row: Row, healthy: Played) -> None:
    healthy.server.faults.set(*row.faults.split())
    result = healthy.diagnose(*row.options.split())
    assert_healthy(row, result)
