"""``meshdoctor check``: goldens for text and JSON, the schema, exit codes.

To accept new words: ``meshdoctor check recordings/NAME.tar.gz > tests/cli/golden/check-NAME.txt``.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from meshdoctor.cli import run
from meshdoctor.cli.check import print_check
from meshdoctor.collect.access_review import Review
from meshdoctor.collect.api import ReadError
from meshdoctor.collect.preflight import Preflight, Sampled, Server
from meshdoctor.collect.rights import RIGHTS, Use
from meshdoctor.exit_codes import ExitCode
from meshdoctor.model.not_read import NotReadStatus
from meshdoctor.resources import recordings_root
from tests.conftest import CHECKOUT

GOLDEN = Path(__file__).parent / "golden"
NAMES = {"healthy": ExitCode.OK, "istiod-down": ExitCode.ROOT_CAUSE}
SCHEMA = json.loads((CHECKOUT / "meshdoctor" / "report" / "check.schema.json").read_text())
REFUSED = ReadError(NotReadStatus.FAILED, "connection refused")


def recording(name: str) -> str:
    return str(recordings_root() / f"{name}.tar.gz")


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["check", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("name", NAMES)
def test_the_text_is_the_golden_one_and_the_exit_code_says_the_same(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = answer(capsys, recording(name))
    assert out == (GOLDEN / f"check-{name}.txt").read_text("utf-8")
    assert (code, err) == (NAMES[name], "")
    mark = "✓" if code == ExitCode.OK else "✗"
    assert out.splitlines()[-1] == f"Status check results are {mark}"


@pytest.mark.parametrize("name", NAMES)
def test_the_json_is_the_golden_one_and_keeps_to_the_schema(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = answer(capsys, recording(name), "-o", "json")
    document = json.loads(out)
    assert document == json.loads((GOLDEN / f"check-{name}.json").read_text("utf-8"))
    jsonschema.validate(document, SCHEMA)
    assert code == NAMES[name]
    assert document["success"] is (code == ExitCode.OK)


@pytest.mark.parametrize("name", NAMES)
def test_text_and_json_tell_the_same_checks(name: str) -> None:
    text = (GOLDEN / f"check-{name}.txt").read_text("utf-8")
    marks = {"success": "✓", "warning": "!", "error": "✗", "skipped": "–", "unknown": "?"}
    checks = [
        check
        for category in json.loads((GOLDEN / f"check-{name}.json").read_text())["categories"]
        for check in category["checks"]
    ]
    told = [line for line in text.splitlines() if line[:1] in marks.values()]
    assert len(told) == len(checks)
    for line, check in zip(told, checks, strict=True):
        assert line.startswith(f"{marks[check['result']]} {check['description']}")
        if check["result"] != "success":
            assert check["message"]


def test_the_hint_of_whatever_is_wrong_stands_beneath_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, out, _ = answer(capsys, recording("istiod-down"))
    lines = out.splitlines()
    place = lines.index("✗ every revision has an istiod that is ready")
    assert lines[place + 2] == "    see docs/check.md#istiod-ready"


def test_no_recording_that_can_be_read_is_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = answer(capsys, "no-such-recording")
    assert (code, out, err.count("\n")) == (ExitCode.USAGE, "", 1)


class TestLive:
    def _printed(
        self, capsys: pytest.CaptureFixture[str], preflight: Preflight
    ) -> tuple[int, dict[str, Any]]:
        code = print_check(None, preflight, "json")
        document = json.loads(capsys.readouterr().out)
        jsonschema.validate(document, SCHEMA)
        results = {c["id"]: c["result"] for k in document["categories"] for c in k["checks"]}
        return code, results

    def test_a_cluster_that_cannot_be_reached_is_one_error(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        gone = Preflight(Server("", None, REFUSED), (), Sampled(None), Sampled(None))
        code, results = self._printed(capsys, gone)
        assert code == ExitCode.ROOT_CAUSE
        assert results.pop("api-reachable") == "error"
        assert set(results.values()) == {"skipped"}

    def test_rights_that_cannot_be_told_are_unknown_and_exit_code_4(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        reviews = tuple(
            Review(right, right.verbs[0], "", None, "no answer")
            for right in RIGHTS
            if right.use is Use.LOGS
        )
        server = Server("v1.33.0", timedelta(0))
        code, results = self._printed(
            capsys, Preflight(server, reviews, Sampled(None), Sampled(None))
        )
        assert code == ExitCode.UNREAD
        assert results["rights-logs"] == "unknown"
        assert results["api-clock"] == "success"
