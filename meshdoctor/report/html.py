"""A report as one HTML file: no network, light and dark, printable, readable without its script."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from meshdoctor.analyze.codes import codes
from meshdoctor.model.finding import Outcome
from meshdoctor.report.circumstances import (
    circumstances,
    not_installed,
    redaction_line,
    redaction_rows,
    time_text,
    unread,
)
from meshdoctor.report.diagnosis_text import GLYPHS, OUTCOMES, place_of
from meshdoctor.report.drawings import request_path, walk
from meshdoctor.report.failing_request_drawing import hop_by_hop
from meshdoctor.report.impact import affected_text
from meshdoctor.report.markdown_details import bounded
from meshdoctor.report.verdict import by_severity, severity_of

if TYPE_CHECKING:
    from meshdoctor.model.diagnosis import RootCause
    from meshdoctor.report.document import Document

_PARTS = ("report.html.j2", "cause.html.j2", "tables.html.j2", "report.css", "report.js")


@cache
def _environment() -> Environment:
    """The templates; every value is escaped, and a name that is not there is a fault of ours."""
    folder = files("meshdoctor.report").joinpath("templates")
    texts = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in _PARTS}
    made = Environment(
        loader=DictLoader(texts),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # Our own style and script hold no value of a recording: they are not to be escaped.
    made.globals.update(
        style=Markup(texts["report.css"]),
        script=Markup(texts["report.js"]),
        place_of=place_of,
        affected_text=affected_text,
        bounded=bounded,
        severity_of=severity_of,
        glyphs={severity: word for severity, (word, _) in GLYPHS.items()},
        outcomes=OUTCOMES,
        skip=Outcome.SKIP,
    )
    return made


def _drawings(document: Document, cause: RootCause) -> tuple[Markup, Markup, Markup | None]:
    """ElementTree has escaped every text in them; the last is of a request that fails."""
    request = document.request_of(cause)
    drawn = None if request is None else Markup(hop_by_hop(request))
    return Markup(request_path(cause)), Markup(walk(cause)), drawn


def html(document: Document) -> str:
    """The whole report."""
    diagnosis = document.diagnosis
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            document=document,
            diagnosis=diagnosis,
            time=time_text(document),
            causes=[(cause, *_drawings(document, cause)) for cause in diagnosis.root_causes],
            findings=by_severity(diagnosis.findings),
            unread=unread(document),
            not_installed=not_installed(document),
            circumstances=circumstances(document),
            redaction=redaction_line(document),
            redactions=redaction_rows(document),
            codes=codes(),
        )
    )
