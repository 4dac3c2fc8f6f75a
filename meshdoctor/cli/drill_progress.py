"""``meshdoctor drill progress`` and ``meshdoctor drill next``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from meshdoctor.cli.options import output_option
from meshdoctor.cli.output import print_json, print_text

if TYPE_CHECKING:
    from meshdoctor.drill.history import Result
    from meshdoctor.drill.spacing import Advice, Skill

_DOMAINS = [
    ("DOMAIN", "domain"),
    ("EXAM %", "share"),
    ("DRILLS", "drills"),
    ("DONE", "done"),
    ("PASSED", "passed"),
    ("POINTS", "points"),
    ("DUE", "due"),
]
_CAUSES = [
    ("CAUSE", "cause"),
    ("TIMES", "times"),
    ("PASSED", "passed"),
    ("POINTS", "points"),
    ("RECOGNISED", "recognised"),
    ("LASTS", "lasts"),
    ("DUE", "due"),
]


@click.command("progress")
@output_option
def progress(output: str) -> None:
    """Show what was practised: by domain, and by cause with the weakest first."""
    from meshdoctor.drill.library import drills
    from meshdoctor.drill.progress import by_cause, by_domain, domain_json, skill_json
    from meshdoctor.drill.spacing import due_now
    from meshdoctor.report.table import table_text

    now, results, found = _looked_up()
    domains, causes = by_domain(drills(), results, found, now), by_cause(found, now)
    due, advice = due_now(found, now), _advice(found, now)
    if output == "json":
        skills = {skill.id: skill for skill in found}
        document = {
            "attempts": len(results),
            "domains": [domain_json(row) for row in domains],
            "causes": [skill_json(skills[row.cause], row) for row in causes],
            "due": [{"drill": one.drill, "why": one.why} for one in due],
            "next": advice and {"drill": advice.drill, "why": advice.why},
        }
        print_json(document)
        return
    print_text(table_text(_DOMAINS, domains))
    print_text("\n" + (table_text(_CAUSES, causes) if causes else "Nothing was practised yet."))
    if due:
        print_text(f"\nDue, the weakest first: {', '.join(one.drill for one in due)}")
    if advice:
        print_text(f"\nNext: {advice.drill}, {advice.why}")


@click.command("next")
@output_option
def next_drill(output: str) -> None:
    """Say which drill to do now, and why: what is due, the weakest first, then what is new."""
    now, _, found = _looked_up()
    advice = _advice(found, now)
    if output == "json":
        print_json(advice and {"drill": advice.drill, "why": advice.why})
    else:
        print_text(f"{advice.drill}: {advice.why}" if advice else "There are no drills.")


def _looked_up() -> tuple[datetime, tuple[Result, ...], tuple[Skill, ...]]:
    """Now, the history and the skills; what is damaged is said on stderr."""
    from meshdoctor.drill.history import damages, read
    from meshdoctor.drill.library import drills
    from meshdoctor.drill.spacing import skills

    now = datetime.now(UTC)
    for damage in damages():
        click.echo(
            f"meshdoctor: line {damage.line} of the history is damaged and left out: "
            f"{damage.reason}",
            err=True,
        )
    results = read()
    return now, results, skills(drills(), results, now)


def _advice(found: tuple[Skill, ...], now: datetime) -> Advice | None:
    from meshdoctor.drill.library import drills
    from meshdoctor.drill.spacing import advise

    return advise(drills(), found, now)
