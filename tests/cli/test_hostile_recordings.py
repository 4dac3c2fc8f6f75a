"""Bad recordings at the command line: one clear line, the documented exit code, no traceback."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from meshdoctor.cli import run
from meshdoctor.exit_codes import ExitCode
from tests.unit.recording.hostile import BadRecording, bad_recordings

if TYPE_CHECKING:
    from pathlib import Path

_HARMLESS = {
    "stats-noise",
    "ready-noise",
    "istiod-version-noise",
    "errors-a-string",
    "errors-of-nulls",
    "kubernetes-a-number",
}
"""Damage to what no conclusion rests on."""
_ANSWERS = (ExitCode.OK, ExitCode.ROOT_CAUSE, ExitCode.WARNINGS, ExitCode.UNREAD)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> list[BadRecording]:
    return bad_recordings(tmp_path_factory.mktemp("hostile"))


def diagnosed(path: Path, capfd: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = run(["diagnose", str(path), "-o", "json"])
    captured = capfd.readouterr()
    return code, captured.out, captured.err


def test_there_are_at_least_thirty_kinds(hostile: list[BadRecording]) -> None:
    assert len({bad.name for bad in hostile}) >= 30


def test_a_recording_that_cannot_be_used_is_one_line_and_exit_code_2(
    hostile: list[BadRecording], capfd: pytest.CaptureFixture[str]
) -> None:
    refused = [bad for bad in hostile if bad.expects == "refused"]
    assert refused
    for bad in refused:
        code, out, err = diagnosed(bad.path, capfd)
        assert code == ExitCode.USAGE, bad.name
        assert out == "", bad.name
        assert err.count("\n") == 1, (bad.name, err)
        assert err.startswith("meshdoctor: "), bad.name
        assert "Traceback" not in err, bad.name


@pytest.mark.timeout(300)
def test_a_recording_that_is_damaged_in_part_is_used_for_the_rest(
    hostile: list[BadRecording], capfd: pytest.CaptureFixture[str]
) -> None:
    read = [bad for bad in hostile if bad.expects == "read"]
    assert read
    for bad in read:
        code, out, err = diagnosed(bad.path, capfd)
        assert code in _ANSWERS, (bad.name, err)
        found = json.loads(out)
        assert found["schema_version"] == "1", bad.name
        assert "Traceback" not in err, bad.name
        if bad.found_by == "content" and bad.name not in _HARMLESS:
            assert found["not_read"], bad.name
            assert code in (ExitCode.UNREAD, ExitCode.ROOT_CAUSE), bad.name
