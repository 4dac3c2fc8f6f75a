"""Lint the drills: against their schema, against each other, and by playing them."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

import yaml

from meshdoctor.diagnose.library import causes
from meshdoctor.drill.drill import Role, RoutedRequest, WantedRequest
from meshdoctor.drill.edits import EditError
from meshdoctor.drill.grader import Grader
from meshdoctor.drill.library import drill_files, drills, is_bundled, parse_drill, recording_of
from meshdoctor.drill.lint_schema import against_schema
from meshdoctor.drill.serving import beginning
from meshdoctor.drill.source_lines import SourceLines
from meshdoctor.drill.targets import TargetError
from meshdoctor.recording.archive import RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from meshdoctor.drill.drill import Drill, Fix
    from meshdoctor.drill.grader import Grade


_BUNDLED_ID = re.compile(r"D[0-9]{2,3}")


def against_rules(name: str, drill: Drill) -> Iterator[str]:
    """What a drill breaks of the rules that a schema cannot tell, a line each.

    Args:
        name: of the file.
        drill: what it holds.
    """
    if PurePath(name).name != f"{drill.id}.yaml":
        yield f"{name}: id is {drill.id!r}, the file says otherwise"
    known = {cause.id for cause in causes().values()}
    for cause in drill.causes:
        if cause not in known:
            yield f"{name}: no cause is called {cause!r}"
    for problem in (
        *_id(drill),
        *_recording(drill),
        *_roles(drill),
        *_checks(drill),
        *_questions(drill),
    ):
        yield f"{name}: {problem}"


def _id(drill: Drill) -> Iterator[str]:
    if drill.home is None:
        if not _BUNDLED_ID.fullmatch(drill.id):
            yield f"{drill.id} is no bundled drill's id: that is D and a number"
    elif drill.id in (one.id for one in drills() if one.home is None):
        yield f"{drill.id} is a bundled drill's id"


def _recording(drill: Drill) -> Iterator[str]:
    if recording_of(drill).exists():
        return
    if drill.home is None:
        yield f"there is no bundled recording {drill.recording}"
    else:
        yield f"recording {drill.recording} is neither bundled nor at {recording_of(drill)}"


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
    if not any(isinstance(one.wants, WantedRequest | RoutedRequest) for one in drill.checks):
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
    try:
        world = beginning(drill)
    except (EditError, RecordingError) as error:
        yield f"{name}: the mesh cannot be made: {error}"
        return
    if grader.grade(drill, world).passed:
        yield f"{name}: nothing has to be done to pass it"
    for fix in drill.fixes:
        world.reset()
        try:
            for edit in fix.edits:
                edit.apply(world.cluster)
        except EditError as error:
            yield f"{name}: {fix.says!r} cannot be played: {error}"
        else:
            yield from (f"{name}: {one}" for one in _surprises(fix, grader.grade(drill, world)))


def _surprises(fix: Fix, grade: Grade) -> Iterator[str]:
    """What a fix does otherwise than its role and its drill say."""
    if fix.role is not Role.WRONG:
        for result in grade.checks:
            if result.passed is not True:
                yield f"{fix.says!r} does not pass {result.id}: {result.because}"
        return
    failed = {result.id for result in grade.checks if result.passed is False}
    for check in fix.fails:
        if check not in failed:
            yield f"{fix.says!r} passes {check}, which should catch it"


def lint(*, played: bool = False, grader: Grader | None = None) -> tuple[str, ...]:
    """Every problem of the bundled drills, one line each; empty when they are sound.

    Args:
        played: whether every fix is played as well, which takes a second for each drill.
        grader: how requests are judged when they are.
    """
    judge = (grader or Grader()) if played else None
    return tuple(
        problem for name, text in drill_files() for problem in _problems(name, text, None, judge)
    )


def lint_files(paths: Iterable[Path], *, played: bool = False) -> tuple[str, ...]:
    """Every problem of single drills, one line each; empty when they are sound.

    Args:
        paths: of their files.
        played: whether every fix is played as well.
    """
    found: list[str] = []
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            found.append(f"{path}: {error}")
            continue
        home = None if is_bundled(path) else path.parent
        found += _problems(str(path), text, home, Grader() if played else None)
    return tuple(found)


def _problems(name: str, text: str, home: Path | None, judge: Grader | None) -> Iterator[str]:
    """The problems of one file; the finer ones only once there are no coarser ones."""
    try:
        document = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        yield _no_yaml(name, error)
        return
    broken = list(against_schema(name, document, SourceLines(text)))
    if not broken:
        try:
            drill = parse_drill(document, home)
        except TargetError as error:
            broken = [f"{name}: {error}"]
        else:
            broken = list(against_rules(name, drill))
            if judge is not None and not broken:
                broken = list(by_playing(name, drill, judge))
    yield from broken


def _no_yaml(name: str, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"{name}:{mark.line + 1}" if mark is not None else name
    return f"{where}: not YAML: {getattr(error, 'problem', None) or error}"


__all__ = ["against_rules", "against_schema", "by_playing", "lint", "lint_files", "play"]
