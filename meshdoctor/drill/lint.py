"""Lint the drills: against their schema, against each other, and by playing them."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml
from jsonschema import Draft202012Validator

from meshdoctor.diagnose.library import causes
from meshdoctor.drill.drill import Role
from meshdoctor.drill.edits import EditError
from meshdoctor.drill.grader import Grader
from meshdoctor.drill.library import documents, parse_drill, recording_of
from meshdoctor.drill.serving import beginning
from meshdoctor.drill.targets import TargetError
from meshdoctor.recording.archive import RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.drill.drill import Drill, Fix
    from meshdoctor.drill.grader import Grade


def _schema() -> Draft202012Validator:
    text = files("meshdoctor.drill").joinpath("drill.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))


def against_schema(name: str, document: Any) -> Iterator[str]:
    """What a drill's document breaks of the schema, a line each.

    Args:
        name: of the file, for the lines.
        document: what it holds.
    """
    for error in sorted(_schema().iter_errors(document), key=lambda e: list(e.absolute_path)):
        where = "/".join(str(part) for part in error.absolute_path) or "document"
        yield f"{name}: {where}: {error.message}"


def against_rules(name: str, drill: Drill) -> Iterator[str]:
    """What a drill breaks of the rules that a schema cannot tell, a line each.

    Args:
        name: of the file.
        drill: what it holds.
    """
    if name != f"{drill.id}.yaml":
        yield f"{name}: id is {drill.id!r}, the file says otherwise"
    if not recording_of(drill).is_file():
        yield f"{name}: there is no bundled recording {drill.recording}"
    known = {cause.id for cause in causes().values()}
    for cause in drill.causes:
        if cause not in known:
            yield f"{name}: no cause is called {cause!r}"
    for problem in (*_roles(drill), *_checks(drill), *_questions(drill)):
        yield f"{name}: {problem}"


def _roles(drill: Drill) -> Iterator[str]:
    if len(drill.fixes_of(Role.REFERENCE)) != 1:
        yield "one fix is the reference"
    for role in (Role.ALTERNATIVE, Role.WRONG):
        if not drill.fixes_of(role):
            yield f"at least one fix is {role}"


def _checks(drill: Drill) -> Iterator[str]:
    checks = [check.id for check in drill.checks]
    if len(set(checks)) < len(checks):
        yield "two checks have the same id"
    if all(check.request is None for check in drill.checks):
        yield "no check asks how the mesh behaves"
    for fix in drill.fixes:
        for one in fix.fails:
            if one not in checks:
                yield f"{fix.says!r} is caught by the unknown check {one!r}"


def _questions(drill: Drill) -> Iterator[str]:
    for question in drill.questions:
        if question.choices and not set(question.answers) & set(question.choices):
            yield f"{question.ask!r} offers no right answer"


def play(drill: Drill, fix: Fix | None, grader: Grader) -> Grade:
    """Play a fix on a drill's mesh, and grade what comes of it.

    Args:
        drill: what is asked.
        fix: what the candidate does; None for nothing.
        grader: how requests are judged.

    Raises:
        EditError: an edit does not fit the mesh.
        RecordingError: the recording cannot be used.
    """
    world = beginning(drill)
    for edit in fix.edits if fix is not None else ():
        edit.apply(world.cluster)
    return grader.grade(drill, world)


def by_playing(name: str, drill: Drill, grader: Grader) -> Iterator[str]:
    """What playing every fix shows to be otherwise than the drill says, a line each.

    A check that cannot be told is no pass, and catches nothing: such a drill cannot be graded.

    Args:
        name: of the file.
        drill: what it holds.
        grader: how requests are judged.
    """
    if play(drill, None, grader).passed:
        yield f"{name}: nothing has to be done to pass it"
    for fix in drill.fixes:
        try:
            grade = play(drill, fix, grader)
        except (EditError, RecordingError) as error:
            yield f"{name}: {fix.says!r} cannot be played: {error}"
            continue
        if fix.role is not Role.WRONG:
            for result in grade.checks:
                if result.passed is not True:
                    yield f"{name}: {fix.says!r} does not pass {result.id}: {result.because}"
            continue
        failed = {result.id for result in grade.checks if result.passed is False}
        for check in fix.fails:
            if check not in failed:
                yield f"{name}: {fix.says!r} passes {check}, which should catch it"


def lint(*, played: bool = False, grader: Grader | None = None) -> tuple[str, ...]:
    """Every problem of the drills, one line each; empty when they are sound.

    Args:
        played: whether every fix is played as well, which takes a second for each.
        grader: how requests are judged when they are.
    """
    try:
        found = list(documents())
    except yaml.YAMLError as error:
        return (f"not YAML: {' '.join(str(error).split())}",)
    problems: list[str] = []
    for name, document in found:
        broken = list(against_schema(name, document))
        if not broken:
            try:
                drill = parse_drill(document)
            except TargetError as error:
                broken = [f"{name}: {error}"]
            else:
                broken = list(against_rules(name, drill))
                if played and not broken:
                    broken = list(by_playing(name, drill, grader or Grader()))
        problems += broken
    return tuple(problems)
