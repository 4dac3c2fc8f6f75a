"""``meshdoctor diagnose``."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from meshdoctor.cli.options import (
    chosen_namespaces,
    namespace_options,
    output_option,
    question_options,
)
from meshdoctor.cli.output import one_line_errors, print_json, print_lines, read
from meshdoctor.cli.source_options import source_options

if TYPE_CHECKING:
    from meshdoctor.cli.source_options import Choice
    from meshdoctor.model.diagnosis import Diagnosis, Scope
    from meshdoctor.session import Session
    from meshdoctor.views.pasted_line import PastedLine

_LONGEST_PASTE = 1_000_000


def print_diagnosis(
    session: Session, output: str, scope: Scope, line: PastedLine | None = None
) -> int:
    """Diagnose, print, and return the exit code."""
    from meshdoctor.report.diagnosis_json import diagnosis_json
    from meshdoctor.report.diagnosis_text import diagnosis_lines
    from meshdoctor.report.pasted_line_text import pasted_line_lines
    from meshdoctor.report.verdict import exit_code

    if line and output != "json":
        # Before anything is read: a line can be explained without a mesh.
        print_lines(pasted_line_lines(line))
    with one_line_errors():
        about = read(session, scope).about
        diagnosis = narrowed(session, scope, line) if line else session.diagnosis(scope)
    if output == "json":
        document = diagnosis_json(diagnosis, about)
        print_json(document | {"log_line": line.to_json()} if line else document)
    else:
        print_lines(diagnosis_lines(diagnosis, about))
    return exit_code(diagnosis)


def narrowed(session: Session, scope: Scope, line: PastedLine) -> Diagnosis:
    """The diagnosis of what a pasted line is about, else of everything the person asked for.

    A line may come of a mesh that has changed since, and one symptom has causes of another: where
    the line's destination or playbook leads to nothing, the next wider scope is looked at.
    """
    from meshdoctor.diagnose.scope_error import ScopeError

    symptom = scope.symptom or line.playbook
    scopes = [replace(scope, symptom=symptom)]
    if line.to and not scope.to:
        scopes.insert(0, replace(scope, symptom=symptom, to=line.to))
    for asked in scopes:
        try:
            found = session.diagnosis(asked)
        except ScopeError:
            if asked.to == scope.to:
                raise
            click.echo(f"this mesh has no {line.to}: every destination is looked at", err=True)
            continue
        if found.root_causes:
            return found
        if asked.to != scope.to:
            click.echo(f"nothing is wrong with {asked.to} by now: looking further", err=True)
    if symptom and not scope.symptom:
        click.echo(f"nothing under {symptom} explains it: everything else is looked at", err=True)
    return session.diagnosis(scope)


@click.command("diagnose")
@source_options
@namespace_options
@question_options
@click.option(
    "--log-line",
    "log_line",
    metavar="TEXT",
    help="Start from a line you have: an access log line, a curl error, a pod event, a line of "
    "istiod. - reads it from stdin.",
)
@output_option
def command(
    choice: Choice,
    namespaces: tuple[str, ...],
    all_namespaces: bool,
    symptom: str | None,
    source: str | None,
    to: str | None,
    log_line: str | None,
    output: str,
) -> int:
    """Find out what is wrong with a mesh, and why.

    Prints the root cause with its evidence, what was ruled out, what cannot be told, and what to
    change. No symptom needs to be named.
    """
    from meshdoctor.model.diagnosis import Scope

    chosen = chosen_namespaces(namespaces, all_namespaces=all_namespaces)
    session = choice.session(namespaces=chosen, source=source, to=to)
    scope = Scope(
        namespaces=chosen,
        symptom=symptom,
        source=source,
        to=to,
    )
    return print_diagnosis(session, output, scope, _pasted(log_line))


def _pasted(text: str | None) -> PastedLine | None:
    if text is None:
        return None
    from meshdoctor.views.pasted_line import explain_pasted

    if text == "-":
        text = sys.stdin.buffer.read(_LONGEST_PASTE).decode(errors="replace")
    if not text.strip():
        raise click.UsageError("--log-line is empty: paste the line behind it, in quotes")
    return explain_pasted(text)
