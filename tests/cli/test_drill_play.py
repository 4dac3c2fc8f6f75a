"""Commands of a candidate: what they say when something is wrong."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest

from meshdoctor.cli import run
from meshdoctor.drill.history import read
from meshdoctor.drill.library import drill_for
from meshdoctor.drill.running import announced
from meshdoctor.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

_WITHOUT_A_DRILL = (
    ("check",),
    ("hint",),
    ("task",),
    ("status",),
    ("questions",),
    ("answer", "1", "routing"),
    ("suppose", "subset-not-defined"),
    ("reset",),
    ("stop",),
)


@pytest.fixture
def drill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """``meshdoctor drill …`` with a data directory of its own."""
    monkeypatch.setenv("MESHDOCTOR_DATA", str(tmp_path / "data"))

    def call(*words: str) -> tuple[int, str, str]:
        code = run(["drill", *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    yield call
    monkeypatch.setenv("MESHDOCTOR_DATA", str(tmp_path / "data"))
    if announced() is not None:
        run(["drill", "stop"])


@pytest.mark.parametrize("words", _WITHOUT_A_DRILL, ids=lambda words: words[0])
def test_without_a_drill_every_command_says_so_and_how_to_begin(
    words: tuple[str, ...], drill: Run
) -> None:
    says = "meshdoctor: no drill is running; meshdoctor drill start NAME begins one\n"
    assert drill(*words) == (ExitCode.USAGE, "", says)


def test_a_name_that_no_drill_has_is_one_line_with_those_there_are(drill: Run) -> None:
    code, out, err = drill("start", "D99999")
    assert (code, out, err.count("\n")) == (ExitCode.USAGE, "", 1)
    assert "no drill is called 'D99999'; there are D01, " in err


def test_what_lies_in_the_current_folder_is_not_run(
    drill: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("click", "yaml", "meshdoctor", "token"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not ours')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert drill("start", "D08")[::2] == (ExitCode.OK, "")


def test_a_second_drill_is_refused_with_the_first_ones_name(drill: Run) -> None:
    assert drill("start", "d08")[0] == ExitCode.OK
    code, out, err = drill("start", "D01")
    assert (code, out) == (ExitCode.USAGE, "")
    assert err == (
        "meshdoctor: D08 is running; end it first (meshdoctor drill stop), "
        "there is one drill at a time\n"
    )
    assert drill("start", "D01", "--foreground") == (code, out, err)
    assert json.loads(drill("status", "-o", "json")[1])["drill"] == "D08"
    assert drill("stop")[0] == ExitCode.OK
    assert drill("start", "D01")[0] == ExitCode.OK


def test_a_taken_port_is_one_line_and_leaves_nothing(drill: Run, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, err = drill("start", "D08", "--port", str(port))
    assert (code, out) == (ExitCode.USAGE, "")
    assert err == (
        f"meshdoctor: port {port} of 127.0.0.1 is taken; leave --port out for any that is free\n"
    )
    assert list((tmp_path / "data").iterdir()) == []


def test_a_kubeconfig_that_cannot_be_written_is_one_line(drill: Run, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("apiVersion: v1\n")
    code, out, err = drill("start", "D08", "--kubeconfig", str(mine))
    assert (code, out) == (ExitCode.USAGE, "")
    assert err == f"meshdoctor: {mine} exists; --kubeconfig never writes over a file\n"
    assert mine.read_text() == "apiVersion: v1\n"
    _, _, err = drill("start", "D08", "--kubeconfig", str(tmp_path / "none" / "config"))
    assert err == f"meshdoctor: {tmp_path / 'none' / 'config'}: No such file or directory\n"
    assert list((tmp_path / "data").iterdir()) == []


def test_a_kubeconfig_of_ones_own_choice_goes_with_the_drill(drill: Run, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    code, out, _ = drill("start", "D08", "--kubeconfig", str(mine))
    assert code == ExitCode.OK
    assert out.splitlines()[-1] == f"export KUBECONFIG={mine}"
    assert mine.stat().st_mode & 0o777 == 0o600
    drill("stop")
    assert not mine.exists()


def test_a_data_directory_that_is_none_is_one_line(
    drill: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MESHDOCTOR_DATA", str(tmp_path / "file"))
    code, out, err = drill("start", "D08")
    assert (code, out, err.count("\n")) == (ExitCode.USAGE, "", 1)
    assert "file/running: Not a directory" in err
    assert drill("status")[0] == ExitCode.USAGE


def test_a_server_that_was_killed_is_noticed_and_cleared_away(drill: Run, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    drill("start", "D08", "--kubeconfig", str(mine))
    running = announced()
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while announced() is not None and time.monotonic() < end:
        time.sleep(0.05)
    code, out, err = drill("check")
    assert (code, out) == (ExitCode.USAGE, "")
    assert err == (
        "meshdoctor: the server of D08 died, and the attempt with it; "
        "meshdoctor drill start D08 begins it again\n"
    )
    assert list((tmp_path / "data").iterdir()) == []
    assert not mine.exists()
    assert "no drill is running" in drill("check")[2]
    assert drill("start", "D08")[0] == ExitCode.OK


def test_a_server_that_is_told_to_end_leaves_nothing_and_records_nothing(
    drill: Run, tmp_path: Path
) -> None:
    drill("start", "D08")
    running = announced()
    assert running is not None
    os.kill(running.pid, signal.SIGTERM)
    end = time.monotonic() + 10
    while (tmp_path / "data" / "running").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert list((tmp_path / "data").iterdir()) == []
    assert "no drill is running" in drill("stop")[2]


def test_hints_questions_and_hypotheses_on_the_way(drill: Run) -> None:
    one = drill_for("D08")
    assert one is not None
    drill("start", "D08")
    assert drill("task")[1].startswith("D08  traffic-management")
    for number, (hint, costs) in enumerate(zip(one.hints, (5, 10, 15), strict=True), start=1):
        assert drill("hint")[1] == f"Hint {number} of 3 (-{costs} points): {hint}\n"
    assert drill("hint")[1].endswith("There is no further hint.\n")

    asked = json.loads(drill("questions", "-o", "json")[1])
    assert [item["number"] for item in asked] == [1, 2, 3, 4]
    assert asked[0]["choices"] == sorted(one.questions[0].choices)
    assert drill("answer", "1", "the", "network") == (ExitCode.ROOT_CAUSE, "No.\n", "")
    code, out, _ = drill("answer", "1", "b")
    assert (code, out) == (ExitCode.OK, f"Right. {one.questions[0].because}\n")
    assert "b) the client's proxy" in drill("questions")[1]
    assert "there is no question 5; there are 1 to 4" in drill("answer", "5", "x")[2]

    code, _, err = drill("suppose", "subset-not-defind")
    assert code == ExitCode.USAGE
    assert "did you mean subset-not-defined" in err
    drill("suppose", "subset-selects-no-pods")
    status = json.loads(drill("status", "-o", "json")[1])
    assert (status["hints"], status["answered"]) == (3, 1)
    assert status["hypothesis"] == "subset-selects-no-pods"
    assert 0 < status["seconds_left"] <= one.minutes * 60

    code, out, _ = drill("stop", "-o", "json")
    report = json.loads(out)
    assert (code, report["passed"], report["right_hypothesis"]) == (ExitCode.OK, False, False)
    assert [loss["points"] for loss in report["losses"]] == [30]
    assert "solution" not in report
    (kept,) = read()
    assert (kept.passed, kept.hints, kept.right_hypothesis) == (False, 3, False)


def test_a_check_in_text_says_what_failed_and_why(drill: Run) -> None:
    drill("start", "D08")
    code, out, err = drill("check")
    assert (code, err) == (ExitCode.ROOT_CAUSE, "")
    assert "D08: not passed, 0 of 100 points" in out
    assert "failed  The client reaches reviews" in out
    assert "503: the proxy holds no cluster" in out
    assert "Nothing was lost on hints, time or guards." in out
    assert "of 8:00 minutes" in out


def test_a_history_that_cannot_be_written_does_not_keep_the_drill_from_ending(
    drill: Run, tmp_path: Path
) -> None:
    drill("start", "D08")
    (tmp_path / "data" / "history.jsonl").mkdir()
    code, out, err = drill("stop")
    assert code == ExitCode.OK
    assert "D08: not passed" in out
    assert err.startswith("meshdoctor: the history was not written: ")
    assert announced() is None
