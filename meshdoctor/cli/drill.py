"""``meshdoctor drill``: list, show and lint; what plays and writes them is beside."""

from __future__ import annotations

from pathlib import Path

import click

from meshdoctor.cli import completing, drill_app, drill_play, drill_start
from meshdoctor.cli.drill_exam import command as exam
from meshdoctor.cli.drill_new import new_drill
from meshdoctor.cli.drill_options import all_drills, drill_named, drills_option
from meshdoctor.cli.drill_progress import next_drill, progress
from meshdoctor.cli.options import output_option
from meshdoctor.cli.output import print_json, print_lines, print_table
from meshdoctor.exit_codes import ExitCode


@click.group("drill", invoke_without_command=True)
@drills_option
@click.pass_context
def command(context: click.Context, drills: Path | None) -> None:
    """Practise troubleshooting on recorded meshes, as the exam asks for it.

    Without a command it opens the app on the list of drills; without a terminal it prints the list.
    """
    if context.invoked_subcommand is not None:
        return
    if drill_app.is_terminal():
        drill_app.open_list(drills)
    else:
        context.invoke(list_drills, drills=drills, output="text")


@command.command("list", short_help="List every drill.")
@drills_option
@output_option
def list_drills(drills: Path | None, output: str) -> None:
    """List every drill; titles give causes away, so they are not shown."""
    found = all_drills(drills)
    if output == "json":
        rows = [
            {"id": d.id, "domain": d.domain, "weight": d.weight, "minutes": d.minutes}
            for d in found
        ]
        print_json(rows)
        return
    columns = [("DRILL", "id"), ("DOMAIN", "domain"), ("WEIGHT", "weight"), ("MINUTES", "minutes")]
    print_table(columns, found, "No drills.")


@command.command("show")
@click.argument("name", shell_complete=completing.drills)
@click.option("--solution", is_flag=True, help="Show hints, fix and explanation as well.")
@drills_option
def show(name: str, solution: bool, drills: Path | None) -> None:
    """Show the task of one drill."""
    from meshdoctor.drill.drill_text import drill_lines

    print_lines(drill_lines(drill_named(name, drills), solution=solution))


@command.command("lint", short_help="Check drills, one line a problem.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--play", "played", is_flag=True, help="Play every fix as well.")
@drills_option
def lint_drills(files: tuple[Path, ...], played: bool, drills: Path | None) -> int:
    """Check drills against their schema, their recordings and each other.

    Without FILES: the bundled drills, and those of --drills.
    """
    from meshdoctor.drill.lint import lint, lint_files

    if not files and drills is not None:
        files = tuple(sorted(drills.glob("*.yaml")))
        problems = (*lint(played=played), *lint_files(files, played=played))
    else:
        problems = lint_files(files, played=played) if files else lint(played=played)
    for problem in problems:
        click.echo(problem)
    if problems:
        many = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        click.echo(f"meshdoctor: {many} in the drills", err=True)
        return ExitCode.ROOT_CAUSE
    number = len(files) if files else len(all_drills(None))
    click.echo(f"{number} drills are sound" if number != 1 else "1 drill is sound")
    return ExitCode.OK


_OTHERS = (drill_app.play, drill_start.command, *drill_play.COMMANDS)
for _one in (*_OTHERS, exam, next_drill, progress, new_drill):
    command.add_command(_one)
