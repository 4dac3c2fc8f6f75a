"""``meshdoctor playbooks``."""

from __future__ import annotations

import click

from meshdoctor.cli import completing
from meshdoctor.cli.options import output_option
from meshdoctor.cli.output import print_json, print_lines, print_table
from meshdoctor.exit_codes import ExitCode


@click.group("playbooks")
def command() -> None:
    """List, show and lint the diagnosis playbooks."""


@command.command("list")
@output_option
def list_playbooks(output: str) -> None:
    """List every playbook and the causes it tells apart."""
    from meshdoctor.diagnose.library import playbooks

    rows = playbooks()
    if output == "json":
        print_json([{"id": p.id, "title": p.title, "causes": list(p.causes)} for p in rows])
        return
    columns = [("PLAYBOOK", "id"), ("TITLE", "title"), ("CAUSES", "causes")]
    print_table(columns, rows, "No playbooks.")


@command.command("show")
@click.argument("symptom", shell_complete=completing.symptoms)
def show(symptom: str) -> None:
    """Show one playbook, step by step."""
    from meshdoctor.diagnose.library import playbook_for, playbooks
    from meshdoctor.report.playbook_text import playbook_lines

    playbook = playbook_for(symptom)
    if playbook is None:
        known = ", ".join(item.id for item in playbooks())
        raise click.ClickException(f"no playbook knows {symptom!r}; there are {known}")
    print_lines(playbook_lines(playbook))


@command.command("lint")
def lint_playbooks() -> int:
    """Check playbooks, causes and codes against their schemas and each other."""
    from meshdoctor.diagnose.library import causes, playbooks
    from meshdoctor.diagnose.lint import lint

    problems = lint()
    for problem in problems:
        click.echo(problem)
    if problems:
        click.echo(f"meshdoctor: {len(problems)} problems in the playbooks", err=True)
        return ExitCode.ROOT_CAUSE
    click.echo(f"{len(playbooks())} playbooks and {len(causes())} causes are sound")
    return ExitCode.OK
