"""The first screen pastes into a chat: short, no tables, fences that hold; the details follow."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from meshdoctor.report.formats import Format, render
from meshdoctor.report.markdown import screen_lines
from meshdoctor.report.markdown_words import fenced, plain
from meshdoctor.report.texts import printable
from tests.report.documents import ALL, document


@pytest.mark.parametrize("name", ALL)
def test_the_first_screen_is_short_and_without_tables(name: str) -> None:
    lines = "\n".join(screen_lines(document(name))).split("\n")
    assert len(lines) <= 25
    assert not [line for line in lines if line.startswith("|")]
    assert sum(line.startswith("```") for line in lines) % 2 == 0


@pytest.mark.parametrize("name", ALL)
def test_the_first_screen_says_verdict_impact_fix_and_evidence(name: str) -> None:
    text = "\n".join(screen_lines(document(name)))
    assert document(name).verdict in text
    assert "2026-11-21" in text
    for cause in document(name).diagnosis.root_causes[:1]:
        assert cause.id in text
        assert cause.fix[0].command in text
        assert f"$ {cause.evidence[0].command}\n" in text
        assert document(name).impact[0] in text


def test_many_root_causes_keep_the_first_screen_short() -> None:
    made = document("mtls-conflict")
    (cause,) = made.diagnosis.root_causes
    many = tuple(replace(cause, rank=rank) for rank in range(1, 40))
    lines = list(screen_lines(replace(made, diagnosis=replace(made.diagnosis, root_causes=many))))
    assert len("\n".join(lines).split("\n")) <= 30
    assert lines[-1] == "… and 35 more root causes"


@pytest.mark.parametrize("name", ALL)
def test_the_details_hold_every_root_cause_look_alike_finding_and_undo(name: str) -> None:
    text = render(document(name), Format.MARKDOWN)
    diagnosis = document(name).diagnosis
    for cause in diagnosis.root_causes:
        for piece in (*cause.objects, *cause.verify, *(fix.undo for fix in cause.fix)):
            assert piece in text
        for item in cause.evidence:
            assert item.command in text
    for ruled in diagnosis.ruled_out:
        assert f"- {ruled.id}: " in text
    for finding in diagnosis.findings:
        assert finding.code in text
    assert "## Redaction" in text
    assert "- Question: everything, in all namespaces" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
        ("![x](http://evil)", "![x] (http://evil)"),
        ("a `b` c", "a 'b' c"),
        ("two\nlines", "two lines"),
        ("10 < 12", "10 < 12"),
        ("web_v1-abc.shop", "web_v1-abc.shop"),
    ],
)
def test_what_a_recording_says_never_becomes_markup(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_fence_outlasts_the_backticks_within() -> None:
    assert fenced(["a ```` b"], "text") == ["`````text", "a ```` b", "`````"]


def test_terminal_controls_and_direction_marks_are_shown_as_dots() -> None:
    assert printable("a\x1b[2J\u202eb\tc\n") == "a·[2J·b\tc\n"
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", printable("".join(map(chr, range(200)))))
