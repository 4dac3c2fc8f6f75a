"""``meshdoctor report``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from meshdoctor.cli.options import chosen_namespaces, namespace_options, question_options
from meshdoctor.cli.output import complain_of_missing, one_line_errors, print_text, read
from meshdoctor.cli.source_options import source_options

if TYPE_CHECKING:
    from meshdoctor.cli.source_options import Choice
    from meshdoctor.model.diagnosis import Scope
    from meshdoctor.report.document import Document
    from meshdoctor.report.formats import Format
    from meshdoctor.session import Session

_FORMATS = ("markdown", "html", "json", "sarif", "junit", "text")
_STDOUT = Path("-")


def _format(named: str | None, output: Path) -> Format:
    """The format that was asked for, by name or by the file's ending.

    Raises:
        click.UsageError: HTML would fill a terminal, or no format ends as the file does.
    """
    from meshdoctor.report.formats import Format, format_of

    found = Format(named) if named else format_of(output)
    if found is None and output.suffix:
        endings = " ".join(each.suffix for each in Format)
        raise click.UsageError(f"{output.name} ends as no format does ({endings}): name one by -f")
    found = found or Format.MARKDOWN
    if found is Format.HTML and output == _STDOUT and sys.stdout.isatty():
        raise click.UsageError("HTML is for a browser: name a file with -o FILE, or pipe it")
    return found


def _document(session: Session, scope: Scope, *, mask: bool, map_path: Path | None) -> Document:
    """Read, diagnose and, if asked, mask; the map is written before the report."""
    from meshdoctor.report.document import document_of
    from meshdoctor.report.saving import read_map, write_map

    known = read_map(map_path) if map_path else None
    snapshot = read(session, scope)
    complain_of_missing(snapshot)
    document = document_of(snapshot, session.diagnosis(scope))
    if not mask:
        return document
    from meshdoctor.report.mask import masked

    document, pseudonyms = masked(snapshot, document, known)
    if map_path:
        write_map(map_path, pseudonyms)
    else:
        click.echo("meshdoctor: masked; the map was not kept (--mask-map FILE keeps it)", err=True)
    return document


@click.command("report")
@source_options
@namespace_options
@question_options
@click.option(
    "--format",
    "-f",
    "format_",
    type=click.Choice(_FORMATS),
    help="Else as FILE ends (.md .html .json .sarif .xml .txt), else markdown.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    default="-",
    metavar="FILE",
    help="Where to; - (the default) for stdout.",
)
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@click.option("--mask", is_flag=True, help="Pseudonyms for names, hosts and addresses.")
@click.option(
    "--mask-map",
    "map_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Keep the pseudonyms here, and use those that are there already (implies --mask).",
)
def command(
    choice: Choice,
    namespaces: tuple[str, ...],
    all_namespaces: bool,
    symptom: str | None,
    source: str | None,
    to: str | None,
    format_: str | None,
    output: Path,
    force: bool,
    mask: bool,
    map_path: Path | None,
) -> int:
    """Write a report: verdict, evidence, fix, what was ruled out and what could not be read.

    For an incident (markdown, html), a program (json) or CI (sarif, junit). Two reports of one
    recording are the same, byte by byte. Exits as diagnose does.
    """
    from meshdoctor.model.diagnosis import Scope
    from meshdoctor.report.formats import render
    from meshdoctor.report.saving import refuse_existing, write_report

    wanted = _format(format_, output)
    chosen = chosen_namespaces(namespaces, all_namespaces=all_namespaces)
    scope = Scope(namespaces=chosen, symptom=symptom, source=source, to=to)
    session = choice.session(namespaces=chosen, source=source, to=to)
    with one_line_errors():
        if output != _STDOUT:
            refuse_existing(output, force=force)
        document = _document(session, scope, mask=mask or bool(map_path), map_path=map_path)
        text = render(document, wanted)
        if output == _STDOUT:
            print_text(text)
        else:
            write_report(output, text, force=force)
            click.echo(f"meshdoctor: {document.verdict}", err=True)
            click.echo(output)
    return document.exit_code
