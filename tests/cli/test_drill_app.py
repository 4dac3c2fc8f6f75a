"""The commands that open the app on drills, and what they do where nobody looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from meshdoctor.app.drill_app import DrillApp
from meshdoctor.cli import drill_app, run
from meshdoctor.exit_codes import ExitCode

if TYPE_CHECKING:
    from meshdoctor.drill.drill import Drill


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Drill | None]:
    """What the app was opened on; it is not run."""
    seen: list[Drill | None] = []
    monkeypatch.setattr(drill_app, "is_terminal", lambda: True)
    monkeypatch.setattr(DrillApp, "run", lambda self: seen.append(self.drill))
    return seen


def test_drill_alone_opens_the_list(opened: list[Drill | None]) -> None:
    assert run(["drill"]) == ExitCode.OK
    assert opened == [None]


def test_drill_play_opens_one_at_once(opened: list[Drill | None]) -> None:
    assert run(["drill", "play", "d08"]) == ExitCode.OK
    assert [one.id for one in opened if one] == ["D08"]


def test_another_command_of_drill_opens_nothing(
    opened: list[Drill | None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["drill", "show", "D08"]) == ExitCode.OK
    assert opened == []
    assert "D08" in capsys.readouterr().out


def test_without_a_terminal_the_list_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drill"]) == ExitCode.OK
    assert "D08" in capsys.readouterr().out


def test_without_a_terminal_playing_says_how_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drill", "play", "D08"]) == ExitCode.USAGE
    assert "meshdoctor drill start D08" in capsys.readouterr().err


def test_a_drill_that_is_not_there_is_named_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drill", "play", "D999"]) == ExitCode.USAGE
    assert "no drill is called 'D999'" in capsys.readouterr().err
