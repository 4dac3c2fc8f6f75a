"""``meshdoctor playbooks``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from meshdoctor.cli import completing
from meshdoctor.cli.extending import extend, folders_meant, playbooks_option
from meshdoctor.cli.options import output_option
from meshdoctor.cli.output import print_json, print_lines, print_table
from meshdoctor.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path


@click.group("playbooks")
def command() -> None:
    """List, show and lint the diagnosis playbooks."""


@command.command("list")
@playbooks_option
@output_option
def list_playbooks(own: tuple[Path, ...], output: str) -> None:
    """List every playbook and the causes it tells apart."""
    extend(own)
    from meshdoctor.diagnose.library import playbooks

    rows = playbooks()
    if output == "json":
        print_json([{"id": p.id, "title": p.title, "causes": list(p.causes)} for p in rows])
        return
    columns = [("PLAYBOOK", "id"), ("TITLE", "title"), ("CAUSES", "causes")]
    print_table(columns, rows, "No playbooks.")


@command.command("show")
@click.argument("symptom", shell_complete=completing.symptoms)
@playbooks_option
def show(symptom: str, own: tuple[Path, ...]) -> None:
    """Show one playbook, step by step."""
    extend(own)
    from meshdoctor.diagnose.library import playbook_for, playbooks
    from meshdoctor.report.playbook_text import playbook_lines

    playbook = playbook_for(symptom)
    if playbook is None:
        known = ", ".join(item.id for item in playbooks())
        raise click.ClickException(f"no playbook knows {symptom!r}; there are {known}")
    print_lines(playbook_lines(playbook))


@command.command("lint")
@playbooks_option
def lint_playbooks(own: tuple[Path, ...]) -> int:
    """Check playbooks, causes, checks and codes against their schemas and each other."""
    from meshdoctor.analyze.checks import own_checks
    from meshdoctor.extension.folders import folders, use

    use(folders_meant(own))
    from meshdoctor.diagnose.library import causes, playbooks
    from meshdoctor.diagnose.lint import lint

    problems = lint()
    for problem in problems:
        click.echo(problem)
    if problems:
        many = "s" if problems[1:] else ""
        click.echo(f"meshdoctor: {len(problems)} problem{many} in the playbooks", err=True)
        return ExitCode.ROOT_CAUSE
    # Whoever reads 0 checks has put theirs where none are looked for.
    checks = f" and {len(own_checks(folders()))} checks" if folders() else ""
    joint = "," if checks else " and"
    click.echo(f"{len(playbooks())} playbooks{joint} {len(causes())} causes{checks} are sound")
    return ExitCode.OK
