"""``meshdoctor drill``."""

from __future__ import annotations

import click

from meshdoctor.cli.options import output_option
from meshdoctor.cli.output import print_json, print_lines, print_table
from meshdoctor.exit_codes import ExitCode


@click.group("drill")
def command() -> None:
    """Practise troubleshooting on recorded meshes, as the exam asks for it."""


@command.command("list")
@output_option
def list_drills(output: str) -> None:
    """List every drill; titles give causes away, so they are not shown."""
    from meshdoctor.drill.library import drills

    found = drills()
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
@click.argument("name")
@click.option("--solution", is_flag=True, help="Show hints, fix and explanation as well.")
def show(name: str, solution: bool) -> None:
    """Show the task of one drill."""
    from meshdoctor.drill.drill_text import drill_lines
    from meshdoctor.drill.library import drill_for, drills

    drill = drill_for(name)
    if drill is None:
        known = ", ".join(item.id for item in drills())
        raise click.ClickException(f"no drill is called {name!r}; there are {known}")
    print_lines(drill_lines(drill, solution=solution))


@command.command("lint")
@click.option("--play", "played", is_flag=True, help="Play every fix as well.")
def lint_drills(played: bool) -> int:
    """Check the drills against their schema, their recordings and each other."""
    from meshdoctor.drill.library import drills
    from meshdoctor.drill.lint import lint

    problems = lint(played=played)
    for problem in problems:
        click.echo(problem)
    if problems:
        click.echo(f"meshdoctor: {len(problems)} problems in the drills", err=True)
        return ExitCode.ROOT_CAUSE
    click.echo(f"{len(drills())} drills are sound")
    return ExitCode.OK
