"""The recordings that ship: each diagnosed at the command line, text and JSON."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from meshdoctor.cli import run
from meshdoctor.exit_codes import ExitCode
from meshdoctor.resources import recordings_root

_INDEX: list[dict[str, Any]] = yaml.safe_load((recordings_root() / "index.yaml").read_text())
_SCHEMA = Draft202012Validator(
    json.loads(files("meshdoctor.report").joinpath("diagnosis.schema.json").read_text())
)


@pytest.fixture(params=_INDEX, ids=lambda item: item["file"].removesuffix(".tar.gz"))
def recording(request: pytest.FixtureRequest) -> dict[str, Any]:
    shown: dict[str, Any] = request.param
    return shown


def test_every_recording_is_listed_with_what_it_shows_and_is_small() -> None:
    shipped = {path.name: path.stat().st_size for path in recordings_root().glob("*.tar.gz")}
    assert {item["file"] for item in _INDEX} == set(shipped)
    assert len(shipped) >= 8
    assert max(shipped.values()) <= 300_000
    assert sum(shipped.values()) <= 12_000_000
    assert all(item["symptom"] for item in _INDEX)


def test_the_diagnosis_is_the_one_the_index_says(
    recording: dict[str, Any], capsys: pytest.CaptureFixture[str], no_network: None
) -> None:
    code = run(["diagnose", str(recordings_root() / recording["file"]), "-o", "json"])
    found = json.loads(capsys.readouterr().out)
    assert sorted(_SCHEMA.iter_errors(found), key=str) == []
    if recording["root_cause"] == "none":
        assert (found["root_causes"], found["unknown"], code) == ([], [], ExitCode.OK)
        return
    assert [cause["id"] for cause in found["root_causes"]] == [recording["root_cause"]]
    assert found["root_causes"][0]["objects"][0] in recording["objects"]
    assert code == ExitCode.ROOT_CAUSE


def test_the_same_recording_gives_the_same_answer_byte_for_byte(
    recording: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(recordings_root() / recording["file"])
    answers = []
    for _ in range(2):
        run(["diagnose", path, "-o", "json"])
        answers.append(capsys.readouterr().out)
    assert answers[0] == answers[1]


def test_the_text_names_cause_object_evidence_fix_and_walk(
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = recordings_root() / "service-selector-mismatch.tar.gz"
    assert run(["diagnose", str(path)]) == ExitCode.ROOT_CAUSE
    text = capsys.readouterr().out
    for word in (
        "1 root cause found (7 of 7 proxies read)",
        "service-selector-mismatch · proven · Service shop/ratings",
        "kubernetes/core/v1/services.json#/items/5/spec/selector",
        "Fix",
        "$ kubectl patch service ratings -n shop",
        "How we got there (playbook 503)",
        "✗ fail",
        "Ruled out",
    ):
        assert word in text
    assert "\x1b[" not in text
