"""``drill exam``, ``drill next`` and ``drill progress``, as a person and a script use them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from meshdoctor.cli import run
from meshdoctor.drill.exam import Ending
from meshdoctor.drill.history import Result, append
from meshdoctor.drill.sitting import Sitting
from meshdoctor.exit_codes import ExitCode
from tests.unit.drill.exams import Held, library, mend

if TYPE_CHECKING:
    from pathlib import Path

DRILLS = library(8)


@pytest.fixture(autouse=True)
def own_drills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough drills for an exam, and a data directory of one's own."""
    monkeypatch.setenv("MESHDOCTOR_DATA", str(tmp_path))
    monkeypatch.setattr("meshdoctor.drill.library.drills", lambda: DRILLS)


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["drill", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def sat(folder: Path) -> Sitting:
    """An exam that is over: one task done, one left as it was, fourteen never opened."""
    held = Held(folder, drills=DRILLS)
    sitting = held.begin()
    mend(sitting, 0)
    sitting.open(1)
    held.clock.seconds += 900
    sitting.end(Ending.HANDED_IN)
    return sitting


def attempt(drill: str, points: int, days: int = 0) -> Result:
    return Result(
        drill=drill,
        ended=datetime.now(UTC) - timedelta(days=days),
        seconds=300,
        points=points,
        passed=points > 50,
        hints=0,
        hypothesis=None,
        right_hypothesis=None,
        mode="app",
    )


def test_the_list_shows_tasks_and_no_causes_and_begins_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, _ = answer(capsys, "exam", "--list", "--seed", "7")
    assert code == ExitCode.OK
    assert out.startswith("16 tasks, 120 minutes, seed 7\n\nTask 1 of 16  D200  traffic-management")
    for drill in DRILLS:
        assert drill.title not in out
        assert not any(cause in out for cause in drill.causes)
    assert list(tmp_path.iterdir()) == []


def test_the_same_seed_lists_the_same_tasks_and_none_is_needed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, again = (
        json.loads(answer(capsys, "exam", "--list", "--seed", "7", "-o", "json")[1])
        for _ in range(2)
    )
    assert first == again
    assert [task["number"] for task in first["tasks"]] == list(range(1, 17))
    assert sum(task["worth"] for task in first["tasks"]) == pytest.approx(100, abs=0.1)
    assert set(first["tasks"][0]) == {"number", "drill", "domain", "worth", "task", "commands"}
    drawn = json.loads(answer(capsys, "exam", "--list", "--tasks", "4", "-o", "json")[1])
    assert len(drawn["tasks"]) == 4
    assert drawn["seed"] >= 0


def test_the_review_says_what_failed_and_why_and_what_mends_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sitting = sat(tmp_path)
    code, out, _ = answer(capsys, "exam", "--review")
    assert code == ExitCode.OK
    assert out.startswith("Not passed: 4.2 %, pass mark 68 %")
    assert "handed in after 0:15:00 of 2:00:00; 2 of 16 tasks opened; seed 7" in out
    assert "100 of 100 points: 4.2 % of 4.2 %" in out
    assert "failed  The client reaches reviews" in out
    assert "The cluster" in out or "503" in out
    assert out.count("It was not opened, and counts nothing.") == 14
    assert out.count(sitting.drill_of(0).explanation) == 16
    assert answer(capsys, "exam", "--review", sitting.exam.id)[1] == out


def test_the_review_as_json_has_the_score_and_each_task(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sitting = sat(tmp_path)
    found = json.loads(answer(capsys, "exam", "--review", "-o", "json")[1])
    assert (found["exam"], found["seed"], found["passed"]) == (sitting.exam.id, 7, False)
    assert found["percent"] == pytest.approx(sitting.exam.tasks[0].worth, abs=0.01)
    assert [one["tasks"] for one in found["domains"]] == [3, 6, 4, 3]
    first, second, third = found["tasks"][:3]
    assert (first["points"], first["passed"]) == (100, True)
    assert [check["id"] for check in second["checks"] if not check["passed"]] == ["reviews-answers"]
    assert (third["state"], third["checks"]) == ("not opened", [])
    assert first["solution"]["causes"] == list(sitting.drill_of(0).causes)
    assert {fix["role"] for fix in first["solution"]["fixes"]} == {"reference", "alternative"}


def test_a_review_outlives_its_drills(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sat(tmp_path)
    monkeypatch.setattr("meshdoctor.drill.library.drills", lambda: DRILLS[:3])
    assert "not among the drills any more" in answer(capsys, "exam", "--review")[1]
    found = json.loads(answer(capsys, "exam", "--review", "-o", "json")[1])
    assert None in [task["solution"] for task in found["tasks"]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--review",), "no exam was ended"),
        (("--review", "nosuch"), "there is no exam 'nosuch'; there are none"),
        (("--resume",), "no exam is under way"),
        (("--list", "--review"), "do not go together"),
        (("--tasks", "40", "--list"), "40 tasks take 14 drills of traffic-management"),
        ((), "an exam needs a terminal; --list prints its tasks"),
        (("--tasks", "0"), "0 is not in the range"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = answer(capsys, "exam", *arguments)
    assert (code, out) == (ExitCode.USAGE, "")
    assert said in err


def test_exams_that_are_over_are_reviewed_and_others_gone_on_with(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    over = sat(tmp_path).exam
    _, _, err = answer(capsys, "exam", "--resume", over.id)
    assert f"exam {over.id} is over: --review {over.id} shows it" in err
    held = Held(tmp_path, drills=DRILLS)
    left = held.begin(seed=8).exam
    _, _, err = answer(capsys, "exam", "--review", left.id)
    assert f"exam {left.id} is not over: --resume {left.id} goes on" in err


@pytest.mark.parametrize(("answered", "opened"), [(True, True), (False, False)])
def test_another_exam_begins_only_after_a_question_while_one_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answered: bool, opened: bool
) -> None:
    asked, begun = [], []

    def confirm(question: str, **_: object) -> bool:
        asked.append(question)
        return answered

    monkeypatch.setattr("meshdoctor.cli.drill_exam._need_terminal", lambda: None)
    monkeypatch.setattr("meshdoctor.cli.drill_exam._open", lambda exam, files: begun.append(exam))
    monkeypatch.setattr("click.confirm", confirm)
    assert run(["drill", "exam"]) == ExitCode.OK
    assert (asked, len(begun)) == ([], 1)
    left = Held(tmp_path, drills=DRILLS).begin(seed=8).exam
    assert run(["drill", "exam"]) == ExitCode.OK
    assert f"Exam {left.id} is under way, 2:00:00 left" in asked[0]
    assert len(begun) == 1 + opened


def test_progress_has_every_domain_and_what_was_practised_the_weakest_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    append(attempt("D100", 0, days=5))
    append(attempt("D200", 90, days=1))
    code, out, err = answer(capsys, "progress")
    assert (code, err) == (ExitCode.OK, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "installation 20 8 1 0 0 1" in lines
    assert "traffic-management 35 8 1 1 90 0" in lines
    assert "securing-workloads 25 8 0 0 - 0" in lines
    rows = [line for line in lines if line.startswith("cause-")]
    assert [row.split()[:4] for row in rows] == [
        ["cause-0-0", "1", "0", "0"],
        ["cause-1-0", "1", "1", "90"],
    ]
    assert rows[0].endswith("now")
    assert "Due, the weakest first: D100\n" in out
    assert "Next: D100, not passed with 0 points 5 days ago" in out


def test_progress_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    append(replace(attempt("D100", 100), hypothesis="cause-0-0", right_hypothesis=True))
    found = json.loads(answer(capsys, "progress", "-o", "json")[1])
    assert found["attempts"] == 1
    assert [row["done"] for row in found["domains"]] == [1, 0, 0, 0]
    (cause,) = found["causes"]
    assert (cause["cause"], cause["recognised"], cause["known"]) == ("cause-0-0", "1 of 1", 1.0)
    assert datetime.fromisoformat(cause["due"]) > datetime.now(UTC) + timedelta(days=5)
    assert found["next"]["drill"] != "D100"
    assert found["due"] == []
    append(attempt("D300", 0, days=3))
    found = json.loads(answer(capsys, "progress", "-o", "json")[1])
    assert [one["drill"] for one in found["due"]] == [found["next"]["drill"]] == ["D300"]


def test_next_names_a_drill_and_no_cause(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = answer(capsys, "next")
    assert code == ExitCode.OK
    assert out == "D100: nothing is due, and you have not done this one: installation\n"
    append(attempt("D301", 0, days=2))
    found = json.loads(answer(capsys, "next", "-o", "json")[1])
    assert found["drill"] == "D301"
    assert "cause-" not in found["why"]


def test_a_damaged_line_of_the_history_is_said_on_stderr_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    append(attempt("D100", 0, days=5))
    (file,) = tmp_path.iterdir()
    file.write_bytes(b"{\n" + file.read_bytes())
    code, out, err = answer(capsys, "next")
    assert code == ExitCode.OK
    assert out.startswith("D100: not passed")
    assert "line 1 of the history is damaged and left out" in err
