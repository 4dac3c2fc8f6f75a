"""An exam runs against the clock, keeps what was done, and outlives the process."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from meshdoctor.drill import history
from meshdoctor.drill.exam import Ending, ExamError, TaskState, resumed
from meshdoctor.drill.exam_score import score
from meshdoctor.drill.grader import Grader
from meshdoctor.drill.journal import Journal
from meshdoctor.drill.library import drills
from meshdoctor.drill.objects import PODS
from meshdoctor.drill.serving import beginning
from meshdoctor.drill.sitting import Sitting
from meshdoctor.drill.targets import parse_target
from tests.captures.sharing import one_in
from tests.conftest import CHECKOUT
from tests.unit.drill.exams import Clock, Held, library, mend, model
from tests.unit.drill.playing import edit

if TYPE_CHECKING:
    from pathlib import Path

IDS = [drill.id for drill in drills()]
_SCALED = "[{scale: {object: Deployment shop/reviews-v2, replicas: 3}}]"


def resume(held: Held) -> Sitting:
    """Go on with the exam that is under way, as after a crash."""
    return held.sit(resumed(held.files.latest(over=False)))


def test_an_exam_from_its_start_to_the_history(tmp_path: Path) -> None:
    held = Held(tmp_path)
    sitting = held.begin()
    mend(sitting, 0)
    held.clock.seconds += 300
    play = sitting.open(1)
    play.suppose("cause-that-is-wrong")
    held.clock.seconds += 60
    sitting.leave()
    assert [task.state for task in sitting.exam.tasks[:3]] == [
        TaskState.DONE,
        TaskState.OPENED,
        TaskState.NOT_OPENED,
    ]
    assert sitting.left == 7200 - 360
    sitting.end(Ending.HANDED_IN)
    exam = held.files.load(sitting.exam.id)
    assert exam == sitting.exam
    assert (exam.ending, exam.used, exam.is_over) == (Ending.HANDED_IN, 360, True)
    assert [task.points for task in exam.tasks[:3]] == [100, 0, 0]
    assert score(exam).percent == pytest.approx(exam.tasks[0].worth)
    first, second = history.read(tmp_path)
    assert (first.drill, first.points, first.mode) == (exam.tasks[0].drill, 100, "exam")
    assert (second.seconds, second.right_hypothesis, second.hints) == (60, False, 0)
    assert first.right_hypothesis is None


def test_a_hypothesis_does_not_count_where_a_drill_has_no_cause_to_find(tmp_path: Path) -> None:
    held = Held(tmp_path, drills=tuple(replace(one, causes=()) for one in library()))
    sitting = held.begin()
    sitting.open(0).suppose("istiod-down")
    sitting.leave(is_done=True)
    sitting.end(Ending.HANDED_IN)
    (kept,) = history.read(tmp_path)
    assert (kept.hypothesis, kept.right_hypothesis) == ("istiod-down", None)


def test_a_task_that_is_opened_again_is_as_it_was_left(tmp_path: Path) -> None:
    held = Held(tmp_path)
    sitting = held.begin()
    play = sitting.open(2)
    edit(play.world, _SCALED)
    pods = sorted(name for key in play.world.objects.by_key.values() for name in key)
    held.clock.seconds += 90
    sitting.open(3)
    again = sitting.open(2)
    assert again.world is not play.world
    assert again.seconds == 90
    assert sorted(name for key in again.world.objects.by_key.values() for name in key) == pods
    deployment = parse_target("Deployment shop/reviews-v2")
    kept = again.world.cluster.store.get(deployment.key, "shop", "reviews-v2")
    assert kept is not None
    assert kept["spec"]["replicas"] == 3


@pytest.mark.parametrize("name", one_in(3, IDS))
def test_every_drill_is_graded_the_same_after_a_crash(name: str, tmp_path: Path) -> None:
    drill, path = model(name), tmp_path / "journal.jsonl"
    world = beginning(drill)
    Journal(path, world)
    for one in drill.reference.edits:
        one.apply(world.cluster)
    again = beginning(drill)
    Journal(path, again)
    before, after = (Grader().grade(drill, each) for each in (world, again))
    assert after.passed
    assert after == before
    pods = [set(each.objects.by_key[PODS]) for each in (world, again)]
    assert pods[0] == pods[1]


def test_a_mesh_that_was_put_back_is_as_it_began(tmp_path: Path) -> None:
    path = tmp_path / "D08.jsonl"
    world = beginning(model())
    journal = Journal(path, world)
    edit(world, _SCALED)
    edit(world, "[{restart: {object: Deployment shop/reviews-v1}}]")
    world.go_back(world.first)
    journal.close()
    again = beginning(model())
    wanted = {key: set(items) for key, items in again.objects.by_key.items()}
    Journal(path, again).close()
    assert {key: set(items) for key, items in again.objects.by_key.items()} == wanted
    assert not again.has_changed
    assert again.snapshot().proxies


def test_a_namespace_that_was_deleted_stays_deleted(tmp_path: Path) -> None:
    path = tmp_path / "D08.jsonl"
    world = beginning(model())
    journal = Journal(path, world)
    edit(world, _SCALED)
    edit(world, "[{delete: {object: Namespace shop}}]")
    edit(world, "[{label: {object: Namespace default, set: {team: a}}}]")
    journal.close()
    assert not [name for key in world.objects.by_key.values() for name in key if name[0] == "shop"]
    again = beginning(model())
    Journal(path, again).close()
    wanted = {key: set(items) for key, items in world.objects.by_key.items()}
    assert {key: set(items) for key, items in again.objects.by_key.items()} == wanted
    # What was made again is in the journal once, not twice.
    third = beginning(model())
    Journal(path, third).close()
    assert {key: set(items) for key, items in third.objects.by_key.items()} == wanted


def test_a_flag_comes_and_goes_and_is_kept(tmp_path: Path) -> None:
    held = Held(tmp_path)
    sitting = held.begin()
    assert sitting.flag(4)
    assert sitting.flag(5)
    assert not sitting.flag(4)
    flagged = [task.is_flagged for task in held.files.latest(over=False).tasks]
    assert [index for index, is_flagged in enumerate(flagged) if is_flagged] == [5]


def test_time_up_ends_it_and_what_was_done_counts(tmp_path: Path) -> None:
    held = Held(tmp_path)
    sitting = held.begin()
    mend(sitting, 0)
    play = sitting.open(1)
    for one in play.drill.reference.edits:
        one.apply(play.world.cluster)
    held.clock.seconds += 7199
    assert not sitting.tick()
    assert sitting.left == 1
    held.clock.seconds += 60
    assert sitting.tick()
    assert sitting.left == 0
    sitting.end(Ending.TIME_UP)
    assert not sitting.tick()
    assert [task.points for task in sitting.exam.tasks[:3]] == [100, 100, 0]
    assert sitting.exam.used == 7200
    with pytest.raises(ExamError, match="the exam is over"):
        sitting.open(2)


def test_a_task_costs_nothing_for_time_of_its_own(tmp_path: Path) -> None:
    held = Held(tmp_path)
    sitting = held.begin()
    play = sitting.open(0)
    for one in play.drill.reference.edits:
        one.apply(play.world.cluster)
    held.clock.seconds += 3600
    assert play.grade().losses
    sitting.leave(is_done=True)
    assert sitting.exam.tasks[0].points == 100


def test_after_a_crash_it_goes_on_where_it_stood(tmp_path: Path) -> None:
    held = Held(tmp_path)
    sitting = held.begin()
    mend(sitting, 0)
    play = sitting.open(1)
    for one in play.drill.reference.edits:
        one.apply(play.world.cluster)
    held.clock.seconds += 600
    sitting.tick()
    held.clock.seconds += 4
    del sitting
    held.clock.seconds += 86_400
    again = resume(held)
    assert again.left == 7200 - 600
    assert again.exam.sittings == 2
    assert again.exam.tasks[1].seconds == 600
    assert again.exam.tasks[1].grade is None
    again.end(Ending.HANDED_IN)
    assert [task.points for task in again.exam.tasks[:3]] == [100, 100, 0]


_KILLED = """
import os, signal, sys
from pathlib import Path
from tests.unit.drill.exams import Held
held = Held(Path(sys.argv[1]))
sitting = held.begin()
play = sitting.open(0)
for one in play.drill.reference.edits:
    one.apply(play.world.cluster)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_loses_nothing_that_was_written(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path)], env=environment, check=False, cwd=CHECKOUT
    )
    assert done.returncode == -signal.SIGKILL
    held = Held(tmp_path)
    sitting = resume(held)
    assert sitting.exam.tasks[0].state is TaskState.OPENED
    sitting.end(Ending.HANDED_IN)
    assert sitting.exam.tasks[0].points == 100


def test_a_line_that_a_crash_cut_off_costs_itself_only(tmp_path: Path) -> None:
    held = Held(tmp_path)
    sitting = held.begin()
    mend(sitting, 0)
    path = held.files.journal_of(sitting.exam, sitting.exam.tasks[0].drill)
    path.write_bytes(path.read_bytes() + b'{"version": 99, "type": "MOD')
    sitting.open(0)
    sitting.leave()
    assert sitting.exam.tasks[0].points == 100


def test_nobody_else_may_read_an_exam(tmp_path: Path) -> None:
    held = Held(tmp_path)
    mend(held.begin(), 0)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_what_cannot_be_gone_on_with_is_said(tmp_path: Path) -> None:
    held = Held(tmp_path)
    with pytest.raises(ExamError, match="no exam is under way"):
        held.files.latest(over=False)
    sitting = held.begin()
    with pytest.raises(ExamError, match="no exam was ended"):
        held.files.latest(over=True)
    gone = replace(held, drills=library(1))
    with pytest.raises(ExamError, match="no such drill"):
        gone.sit(sitting.exam)
    with pytest.raises(ExamError, match="there is no exam 'x'; there are 20261121"):
        held.files.load("x")
    (path,) = tmp_path.rglob("exam.json")
    path.write_text("{")
    with pytest.raises(ExamError, match="cannot be read"):
        held.files.load(sitting.exam.id)
    with pytest.raises(ExamError, match=r"no exam is under way; .*exam\.json cannot be read"):
        held.files.latest(over=False)


def test_an_older_exam_is_found_behind_a_damaged_one(tmp_path: Path) -> None:
    held = Held(tmp_path)
    sitting = held.begin()
    (tmp_path / "exams" / "29990101-000000-1").mkdir()
    (tmp_path / "exams" / "29990101-000000-1" / "exam.json").write_text("")
    assert held.files.latest(over=False).id == sitting.exam.id


def test_time_runs_only_while_the_exam_is_open(tmp_path: Path) -> None:
    held = Held(tmp_path, clock=Clock(5.0))
    held.begin()
    held.clock.seconds += 50_000
    assert resume(held).left == 7200
