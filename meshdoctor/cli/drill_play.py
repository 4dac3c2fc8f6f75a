"""The commands of a candidate who plays a drill with kubectl."""

from __future__ import annotations

import shlex
import time
from datetime import datetime
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

import click

from meshdoctor.cli import completing
from meshdoctor.cli.options import output_option
from meshdoctor.cli.output import print_json, print_lines
from meshdoctor.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.drill.running import Running

_PATIENCE, _PAUSE = 10.0, 0.05
"""Seconds until a server that was stopped must be gone, and between two looks."""


def _running() -> Running:
    from meshdoctor.drill.running import NotRunningError, running

    try:
        return running()
    except NotRunningError as error:
        raise click.ClickException(str(error)) from None


def _ask(running: Running, verb: str, **given: object) -> Any:
    """Ask the desk of the drill that is being served."""
    from meshdoctor.serve.control_client import ControlClient, UnreachableError
    from meshdoctor.serve.control_path import ControlError

    try:
        token = running.token.read_text(encoding="ascii")
        return ControlClient(running.port, running.ca_pem, token).ask(verb, **given)
    except ControlError as error:
        raise click.ClickException(str(error)) from None
    except UnreachableError as error:
        message = f"the server of {running.drill} (process {running.pid}): {error}"
        raise click.ClickException(message) from None


def _print(lines: Iterable[str]) -> None:
    from rich.text import Text

    print_lines(Text(line) for line in lines)


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


@click.command("check", short_help="Grade the mesh as it stands.")
@output_option
def check(output: str) -> int:
    """Grade the mesh as it stands: which checks pass, which do not and why, and what is lost.

    Exit codes: 0 passed, 1 not passed, 2 no drill is running.
    """
    report = _ask(_running(), "check")
    if output == "json":
        print_json(report)
    else:
        _print_grade(report)
    return ExitCode.OK if report["passed"] else ExitCode.ROOT_CAUSE


def _print_grade(report: Mapping[str, Any]) -> None:
    from meshdoctor.drill.drill_text import grade_lines
    from meshdoctor.drill.grade_document import grade_from

    grade = grade_from(report)
    print_lines(grade_lines(grade))
    if not grade.losses:
        click.echo("  Nothing was lost on hints, time or guards.")
    click.echo(f"  {_minutes(report['seconds'])} of {_minutes(report['minutes'] * 60)} minutes")


@click.command("hint", short_help="Show the next hint; it costs points.")
def hint() -> None:
    """Show the next of three hints; each costs points, and a later one more."""
    said = _ask(_running(), "hint")
    if said["hint"] is None:
        _print([f"Hint {number}: {text}" for number, text in enumerate(said["shown"], start=1)])
        click.echo("There is no further hint.")
        return
    _print([f"Hint {said['number']} of {said['of']} (-{said['costs']} points): {said['hint']}"])


@click.command("task")
def task() -> None:
    """Show the task again."""
    _print(_ask(_running(), "task")["lines"])


@click.command("status", short_help="Show what is running, and the time left.")
@output_option
def status(output: str) -> None:
    """Show which drill is running, and how much time is left."""
    running = _running()
    said = _ask(running, "status")
    if output == "json":
        print_json({**said, "kubeconfig": str(running.kubeconfig), "pid": running.pid})
        return
    left = said["seconds_left"]
    time_left = f"{_minutes(left)} left" if left >= 0 else f"{_minutes(-left)} over"
    _print(
        [
            f"{said['drill']}  {_minutes(said['seconds'])} of {said['minutes']}:00 minutes, "
            f"{time_left}",
            f"hints shown: {said['hints']} of 3",
            f"questions answered: {said['answered']} of {said['questions']}",
            f"hypothesis: {said['hypothesis'] or 'none yet (meshdoctor drill suppose CAUSE)'}",
            f"export KUBECONFIG={shlex.quote(str(running.kubeconfig))}",
        ]
    )


@click.command("questions", short_help="Show the questions on the way.")
@output_option
def questions(output: str) -> None:
    """Show the questions on the way: which layer, which command, which object, which field."""
    asked = _ask(_running(), "questions")
    if output == "json":
        print_json(asked)
        return
    for one in asked:
        given = f"  (answered: {one['answered']})" if one["answered"] is not None else ""
        _print([f"{one['number']}. {one['ask']}{given}"])
        lettered = zip(ascii_lowercase, one["choices"], strict=False)
        _print(f"   {letter}) {text}" for letter, text in lettered)


@click.command("answer", short_help="Answer a question; it costs nothing.")
@click.argument("number", type=int)
@click.argument("text", nargs=-1, required=True)
def answer(number: int, text: tuple[str, ...]) -> int:
    """Answer question NUMBER with TEXT, or with the letter of a choice; it costs nothing.

    Exit codes: 0 right, 1 wrong, 2 no drill is running.
    """
    said = _ask(_running(), "answer", number=number, text=" ".join(text))
    _print([f"Right. {said['because']}" if said["right"] else "No."])
    return ExitCode.OK if said["right"] else ExitCode.ROOT_CAUSE


@click.command("suppose", short_help="Commit to a root cause.")
@click.argument("cause", shell_complete=completing.causes)
def suppose(cause: str) -> None:
    """Commit to the root cause CAUSE, by its id; the end tells whether it was right."""
    said = _ask(_running(), "suppose", cause=cause)
    click.echo(f"Noted: {said['hypothesis']}. meshdoctor drill stop tells whether it is right.")


@click.command("reset", short_help="Put the mesh back as the drill began.")
def reset() -> None:
    """Put the mesh back as the drill began; time, hints and answers stay."""
    said = _ask(_running(), "reset")
    click.echo(f"The mesh of {said['drill']} is as you found it.")


@click.command("stop", short_help="End the drill, and see what it was about.")
@click.option("--solution", is_flag=True, help="Show the hints and the right fixes as well.")
@output_option
def stop(solution: bool, output: str) -> None:
    """End the drill: the grade, the explanation, and an entry in your history."""
    running = _running()
    report = _ask(running, "stop")
    _wait_for_its_end(running)
    _keep(report)
    if not solution:
        del report["solution"]
    if output == "json":
        print_json(report)
        return
    _print_grade(report)
    if report["hypothesis"] is not None:
        _print([f"  {_judged(report['hypothesis'], report['right_hypothesis'])}"])
    _print(report.get("solution", ()))
    _print(report["explanation"])


def _judged(hypothesis: str, right: bool | None) -> str:
    """What became of a hypothesis."""
    if right is None:
        return f"Your hypothesis {hypothesis} does not count: this drill has no root cause to find."
    return f"Your hypothesis {hypothesis} was {'right' if right else 'not it'}."


def _wait_for_its_end(running: Running) -> None:
    """What the server leaves behind is cleared away when this command ends."""
    from meshdoctor.drill.running import is_over

    end = time.monotonic() + _PATIENCE
    while not is_over(running.pid) and time.monotonic() < end:
        time.sleep(_PAUSE)


def _keep(report: Mapping[str, Any]) -> None:
    """Write the attempt into the history; the drill is over whether that works or not."""
    from meshdoctor.drill.history import Result, append

    result = Result(
        drill=report["drill"],
        ended=datetime.fromisoformat(report["ended"]),
        seconds=report["seconds"],
        points=report["points"],
        passed=report["passed"],
        hints=report["hints"],
        hypothesis=report["hypothesis"],
        right_hypothesis=report["right_hypothesis"],
        mode="kubectl",
    )
    try:
        append(result)
    except OSError as error:
        click.echo(f"meshdoctor: the history was not written: {error}", err=True)


COMMANDS = (check, hint, task, status, questions, answer, suppose, reset, stop)
"""In the order a candidate needs them."""
