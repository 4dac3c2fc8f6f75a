"""``meshdoctor drill exam``."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from meshdoctor.cli.options import output_option
from meshdoctor.cli.output import print_json, print_lines
from meshdoctor.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from meshdoctor.drill.drill import Drill
    from meshdoctor.drill.exam import Exam
    from meshdoctor.drill.exam_files import ExamFiles

_LATEST = "latest"


_EXAMPLES = """\
\b
Examples:
  meshdoctor drill exam                       Begin one
  meshdoctor drill exam --seed 4711 --list    Look at the tasks of a seed
  meshdoctor drill exam --resume              Go on after a break or a crash
  meshdoctor drill exam --review -o json      The latest result, for a program"""


@click.command("exam", epilog=_EXAMPLES)
@click.option("--seed", type=click.IntRange(min=0), help="Draw the tasks of this seed again.")
@click.option(
    "--tasks",
    type=click.IntRange(1, 40),
    default=16,
    show_default=True,
    help="How many tasks; domains keep their shares.",
)
@click.option(
    "--minutes",
    type=click.IntRange(1, 600),
    default=120,
    show_default=True,
    help="How long the exam takes.",
)
@click.option("--list", "listed", is_flag=True, help="Print the drawn tasks and do not begin.")
@click.option(
    "--resume",
    is_flag=False,
    flag_value=_LATEST,
    metavar="[EXAM]",
    help="Go on with an exam that was left or cut off; the latest unless one is named.",
)
@click.option(
    "--review",
    is_flag=False,
    flag_value=_LATEST,
    metavar="[EXAM]",
    help="Print the result and the review of an exam that is over.",
)
@output_option
def command(
    seed: int | None,
    tasks: int,
    minutes: int,
    listed: bool,
    resume: str | None,
    review: str | None,
    output: str,
) -> int:
    """Sit an exam: sixteen tasks by the exam's weights, two hours, no hints, 68 % to pass.

    Time runs only while the exam is open; what was done is kept at once, so that an exam outlives
    a crash. Domains count as in the Istio Certified Associate exam, tasks in them by their weight.
    """
    from meshdoctor.drill.exam import ExamError, resumed
    from meshdoctor.drill.exam_draw import drawn_exam
    from meshdoctor.drill.exam_files import ExamFiles
    from meshdoctor.drill.library import drills

    if sum((listed, resume is not None, review is not None)) > 1:
        raise click.UsageError("--list, --resume and --review do not go together")
    files, library = ExamFiles(), {drill.id: drill for drill in drills()}
    try:
        if review is not None:
            over = files.latest(over=True) if review == _LATEST else files.load(review)
            _print_review(over, library, output)
            return ExitCode.OK
        if resume is not None:
            left = files.latest(over=False) if resume == _LATEST else files.load(resume)
            _open(resumed(_not_over(left)), files)
            return ExitCode.OK
        now = datetime.now(UTC)
        exam = drawn_exam(library.values(), now, seed=seed, tasks=tasks, minutes=minutes)
        if listed:
            _print_tasks(exam, library, output)
        elif _is_wanted(files):
            _open(exam, files)
    except ExamError as error:
        raise click.ClickException(str(error)) from None
    return ExitCode.OK


def _is_wanted(files: ExamFiles) -> bool:
    """Whether another exam is to begin though one is under way."""
    from meshdoctor.drill.exam import ExamError
    from meshdoctor.drill.exam_text import clock_text

    _need_terminal()
    try:
        left = files.latest(over=False)
    except ExamError:
        return True
    time = clock_text(left.minutes * 60 - left.used)
    ask = f"Exam {left.id} is under way, {time} left (--resume goes on). Begin another one?"
    return click.confirm(ask, err=True)


def _need_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.ClickException("an exam needs a terminal; --list prints its tasks")


def _not_over(exam: Exam) -> Exam:
    if exam.is_over:
        raise click.ClickException(f"exam {exam.id} is over: --review {exam.id} shows it")
    return exam


def _open(exam: Exam, files: ExamFiles) -> None:
    from meshdoctor.drill.sitting import Sitting

    _need_terminal()
    from meshdoctor.app.exam_app import ExamApp

    ExamApp(Sitting(exam, files)).run()
    after = files.load(exam.id)
    if after.is_over:
        from meshdoctor.drill.exam_text import result_lines

        print_lines(result_lines(after))
    else:
        click.echo(f"exam {exam.id} is not over: --resume goes on with it", err=True)


def _print_tasks(exam: Exam, library: dict[str, Drill], output: str) -> None:
    from meshdoctor.drill.exam_json import tasks_json
    from meshdoctor.drill.exam_text import task_lines

    if output == "json":
        print_json(tasks_json(exam, library))
    else:
        print_lines(task_lines(exam, library))


def _print_review(exam: Exam, library: dict[str, Drill], output: str) -> None:
    from meshdoctor.drill.exam_json import review_json

    if not exam.is_over:
        raise click.ClickException(f"exam {exam.id} is not over: --resume {exam.id} goes on")
    if output == "json":
        print_json(review_json(exam, library))
    else:
        print_lines(_review(exam, library))


def _review(exam: Exam, library: dict[str, Drill]) -> Iterator[Text]:
    from rich.text import Text

    from meshdoctor.drill.exam_text import result_lines, review_lines

    yield from result_lines(exam)
    for number, task in enumerate(exam.tasks, start=1):
        yield Text("")
        drill = library.get(task.drill)
        if drill is None:
            yield Text(f"Task {number}  {task.drill}: it is not among the drills any more")
        else:
            yield from review_lines(task, number, drill)
