"""The formats of a report, by name; a format's module is imported when it is asked for."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from meshdoctor.report.texts import printable, with_texts

if TYPE_CHECKING:
    from pathlib import PurePath

    from meshdoctor.report.document import Document


class Format(StrEnum):
    """What a report can be written as."""

    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    TEXT = "text"

    @property
    def suffix(self) -> str:
        """How a file of this format ends."""
        return _SUFFIXES[self]


_SUFFIXES = {
    Format.MARKDOWN: ".md",
    Format.HTML: ".html",
    Format.JSON: ".json",
    Format.SARIF: ".sarif",
    Format.JUNIT: ".xml",
    Format.TEXT: ".txt",
}


def format_of(path: PurePath) -> Format | None:
    """The format that a file's name asks for; None when it asks for none."""
    endings = {".htm": Format.HTML, **{suffix: format_ for format_, suffix in _SUFFIXES.items()}}
    return endings.get(path.suffix.lower())


def render(document: Document, format_: Format) -> str:
    """The report in one format: the same document gives the same bytes.

    In JSON an excerpt stays as it stands in its file, so that evidence resolves; elsewhere
    control characters are replaced.
    """
    if format_ is Format.JSON:
        from meshdoctor.report.report_json import report_json_text

        return report_json_text(document)
    document = with_texts(document, lambda _, text: printable(text))
    if format_ is Format.SARIF:
        from meshdoctor.report.sarif import sarif_text

        return sarif_text(document)
    if format_ is Format.JUNIT:
        from meshdoctor.report.junit import junit

        return junit(document)
    if format_ is Format.HTML:
        from meshdoctor.report.html import html

        return html(document)
    if format_ is Format.TEXT:
        from meshdoctor.report.report_text import report_text

        return report_text(document)
    from meshdoctor.report.markdown import markdown

    return markdown(document)
