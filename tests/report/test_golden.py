"""Golden reports: five recordings in every format, byte by byte.

To accept new words: ``make goldens``, and look at what has changed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from meshdoctor.report.document import document_of
from meshdoctor.report.formats import Format, render
from meshdoctor.session import RecordingSource, Session
from tests.report.documents import FIVE, document, session, settled

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("format_", list(Format), ids=str)
@pytest.mark.parametrize("name", FIVE)
def test_the_report_is_the_golden_one(name: str, format_: Format) -> None:
    path = GOLDEN / f"{name}{format_.suffix}"
    made = render(settled(document(name)), format_)
    if os.environ.get("MESHDOCTOR_ACCEPT_GOLDENS"):
        path.write_text(made, "utf-8")
    assert made == path.read_text("utf-8")


@pytest.mark.parametrize("format_", list(Format), ids=str)
def test_two_reports_of_one_recording_are_equal_byte_by_byte(format_: Format) -> None:
    source = session("outlier-ejection").source
    assert isinstance(source, RecordingSource)
    again = Session(RecordingSource(source.path))
    one = render(document("outlier-ejection"), format_)
    assert render(document_of(again.snapshot(), again.diagnosis()), format_) == one
