"""How columns share a line, how text is cut, which rows pass, and what words may not do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screens.theme import DARK, LIGHT
from screens.view_rows import cell
from screens.widgets.columns import Column, fit, shortened
from screens.widgets.header import fitted
from screens.widgets.marks import Mark, cell_text, sync_cell, sync_mark
from screens.widgets.plain_text import lines, one_line
from screens.widgets.row import Row, told_apart
from screens.widgets.row_filter import RowFilter

_COLUMNS = st.lists(
    st.tuples(
        st.builds(
            Column,
            header=st.just("X"),
            least=st.integers(0, 40),
            rank=st.integers(0, 4),
        ),
        st.integers(1, 3000),
    ),
    min_size=1,
    max_size=9,
)


@given(_COLUMNS, st.integers(20, 240))
def test_columns_never_take_more_than_the_line_unless_those_that_must_stay_cannot_be_read(
    columns: list[tuple[Column, int]], room: int
) -> None:
    given_columns, natural = zip(*columns, strict=True)
    widths = fit(given_columns, natural, room, 2)
    shown = [width for width in widths if width]
    staying = [index for index, column in enumerate(given_columns) if column.rank == 0]
    assert all(width <= wanted for width, wanted in zip(widths, natural, strict=True))
    assert all(widths[index] for index in staying)
    if 6 * max(1, len(staying)) <= room:
        assert sum(shown) + 2 * len(shown) <= room


@given(_COLUMNS)
def test_columns_that_all_fit_keep_their_width(columns: list[tuple[Column, int]]) -> None:
    given_columns, natural = zip(*columns, strict=True)
    room = sum(natural) + 2 * len(natural)
    assert fit(given_columns, natural, room, 2) == natural


def test_the_least_important_column_is_left_out_first_and_the_rest_stays_readable() -> None:
    columns = (Column("NAME", least=20), Column("WHY", least=20, rank=1), Column("AGE", rank=2))
    assert fit(columns, (30, 40, 5), 80, 2) == (30, 39, 5)
    assert fit(columns, (30, 40, 5), 46, 2) == (21, 21, 0)
    assert fit(columns, (30, 40, 5), 40, 2) == (30, 0, 0)


@given(st.text(max_size=60), st.integers(0, 50), st.sampled_from(["start", "middle", "end"]))
def test_a_text_that_was_cut_fits_and_says_so(text: str, width: int, cut: str) -> None:
    short = shortened(text, width, cut)  # type: ignore[arg-type]
    assert len(short) <= width
    assert short == text or "…" in short or width == 0


def test_a_name_keeps_its_beginning_and_its_end() -> None:
    assert shortened("client-v1-58b4fd49fc-tvmxd.shop", 15, "middle") == "client-…xd.shop"


def test_a_mark_says_its_short_form_where_there_is_no_room() -> None:
    column = Column("CDS", has_short=True)
    assert cell_text(sync_cell("SYNCED (3m20s)"), {}, column, 14).plain == "SYNCED (3m20s)"
    assert cell_text(sync_cell("SYNCED (3m20s)"), {}, column, 6).plain == "SYNCED"
    assert sync_mark("NOT CONNECTED").text == "✗ NOT CONNECTED"


@given(st.text())
def test_words_of_a_recording_cannot_control_the_terminal(text: str) -> None:
    assert one_line(text).isprintable()
    assert all(line.isprintable() for line in lines(text).split("\n"))
    assert cell_text(Mark(text), {}, Column("X", wraps=True), 10).plain.isprintable()


def test_an_escape_sequence_becomes_dots() -> None:
    assert one_line("a\x1b]0;evil\x07\tb\nc") == "a·]0;evil· b c"
    assert lines("a\x1b[2J\n\tb") == "a·[2J\n    b"


@given(st.lists(st.sampled_from(["a", "b", "a #2"]), max_size=8))
def test_rows_with_the_same_key_are_told_apart_and_none_is_lost(keys: list[str]) -> None:
    rows = told_apart(Row(key, (key,)) for key in keys)
    assert len({row.key for row in rows}) == len(keys)
    assert [row.cells[0] for row in rows] == keys


@given(st.text(max_size=20), st.text(max_size=20))
def test_whatever_is_typed_as_a_filter_passes_or_hides_each_row(typed: str, text: str) -> None:
    row = Row("key", (text,))
    assert isinstance(RowFilter(typed).admits(row), bool)
    if typed.removeprefix("!"):
        assert RowFilter(typed).admits(row) is not RowFilter(f"!{typed}").admits(row) or (
            typed.startswith("!")
        )


def test_rows_of_no_namespace_pass_for_every_namespace() -> None:
    chosen = RowFilter(namespace="shop")
    passing = [Row("a", ("a",), namespace=name) for name in ("shop", "", "pay")]
    assert [chosen.admits(row) for row in passing] == [True, True, False]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), ("", "-"), ((), "-"), (("a", "b"), "a, b"), (0, "0"), (False, "False")],
)
def test_a_value_becomes_a_cell(value: object, text: str) -> None:
    assert cell(value) == text


@given(st.integers(1, 120))
def test_the_header_leaves_out_what_matters_least(room: int) -> None:
    parts = [("meshdoctor", "", 1), ("read-only", "", 3), ("mesh", "", 0), ("ns all", "", 0)]
    shown = fitted(parts, room)
    assert [part for part in parts if part in shown] == shown
    assert {part[0] for part in shown} >= {"mesh", "ns all"}
    assert len(shown) == 2 or len(" · ".join(part[0] for part in shown)) <= room


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: str(theme.name))
def test_every_role_has_contrast_enough_on_the_background(theme: object) -> None:
    names = ("error", "warning", "success", "primary", "foreground")
    roles = [getattr(theme, name) for name in names]
    roles.append(theme.variables["md-muted"])  # type: ignore[attr-defined]
    ground = luminance(theme.background)  # type: ignore[attr-defined]
    for colour in roles:
        light, dark = sorted((luminance(colour), ground), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5
