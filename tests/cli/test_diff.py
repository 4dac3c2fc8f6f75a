"""``meshdoctor diff`` at the command line."""

from __future__ import annotations

import json

import pytest

from meshdoctor.cli import run
from meshdoctor.exit_codes import ExitCode
from meshdoctor.resources import recordings_root

HEALTHY = str(recordings_root() / "healthy.tar.gz")
SUBSET = str(recordings_root() / "subset-not-defined.tar.gz")


def test_a_new_root_cause_is_exit_code_1_and_its_change_comes_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["diff", HEALTHY, SUBSET]) == ExitCode.ROOT_CAUSE
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 root cause new")
    assert any("1. ~ VirtualService shop/reviews changed" in line for line in lines[:8])


def test_a_root_cause_that_is_gone_is_a_change_and_no_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["diff", SUBSET, HEALTHY, "-o", "json"]) == ExitCode.WARNINGS
    document = json.loads(capsys.readouterr().out)
    assert [cause["id"] for cause in document["root_causes"]["gone"]] == ["subset-not-defined"]


def test_nothing_changed_is_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", HEALTHY, HEALTHY]) == ExitCode.OK
    assert capsys.readouterr().out.startswith("Nothing changed")


@pytest.mark.parametrize(
    "arguments",
    [("diff",), ("diff", HEALTHY, SUBSET, "--context", "x"), ("diff", HEALTHY, "/nowhere")],
    ids=["nothing named", "a recording and a cluster", "no such file"],
)
def test_bad_usage_is_exit_code_2(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(list(arguments)) == ExitCode.USAGE
    assert capsys.readouterr().out == ""


def test_the_app_needs_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", HEALTHY, SUBSET, "--app"]) == ExitCode.USAGE
    assert "--app needs a terminal" in capsys.readouterr().err


def test_the_app_prints_no_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", HEALTHY, SUBSET, "--app", "-o", "json"]) == ExitCode.USAGE
    assert "leave -o out" in capsys.readouterr().err
