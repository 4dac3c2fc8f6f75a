"""``meshdoctor diagnose``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from meshdoctor.cli.options import (
    chosen_namespaces,
    namespace_options,
    output_option,
)
from meshdoctor.cli.output import one_line_errors, print_json, print_lines, read
from meshdoctor.cli.source_options import source_options

if TYPE_CHECKING:
    from meshdoctor.cli.source_options import Choice
    from meshdoctor.model.diagnosis import Scope
    from meshdoctor.session import Session


def print_diagnosis(session: Session, output: str, scope: Scope) -> int:
    """Diagnose, print, and return the exit code."""
    from meshdoctor.report.diagnosis_json import diagnosis_json
    from meshdoctor.report.diagnosis_text import diagnosis_lines
    from meshdoctor.report.verdict import exit_code

    with one_line_errors():
        about = read(session, scope).about
        diagnosis = session.diagnosis(scope)
    if output == "json":
        print_json(diagnosis_json(diagnosis, about))
    else:
        print_lines(diagnosis_lines(diagnosis, about))
    return exit_code(diagnosis)


@click.command("diagnose")
@source_options
@namespace_options
@click.option("--symptom", "-s", help="A playbook's id or the words you would use: 503, mtls …")
@click.option("--from", "source", metavar="POD", help="Caller: pod[.namespace] or deploy/name.")
@click.option("--to", metavar="HOST[:PORT]", help="Destination: a service's short or full host.")
@output_option
def command(
    choice: Choice,
    namespaces: tuple[str, ...],
    all_namespaces: bool,
    symptom: str | None,
    source: str | None,
    to: str | None,
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
    return print_diagnosis(session, output, scope)
