"""A drill from start to stop as a candidate plays it: the command, kubectl, the grade."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.drill.drill import Role
from meshdoctor.drill.history import read
from meshdoctor.drill.library import drill_for
from tests.serve.kubectl_judge import needs_kubectl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.drill.drill import Drill, Fix

pytestmark = needs_kubectl
_WATCH = """\
import sys
def hook(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"):
        with open({file!r}, "a") as file:
            about = arguments if event == "socket.getaddrinfo" else arguments[1:]
            file.write(f"{{event}} {{about}}\\n")
sys.addaudithook(hook)
"""


@dataclass(frozen=True)
class Candidate:
    """Somebody with a home, meshdoctor and kubectl."""

    home: Path
    asked: Path
    """Every address that meshdoctor asked for."""

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("KUBE")}
        path = os.pathsep.join([str(self.asked.parent), str(Path.cwd())])
        return kept | {
            "HOME": str(self.home),
            "MESHDOCTOR_DATA": str(self.home / "data"),
            "PYTHONPATH": path,
            "NO_PROXY": "127.0.0.1",
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "meshdoctor", "drill", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def __call__(self, *words: str) -> str:
        done = self.run(*words)
        assert (done.returncode, done.stderr) == (0, ""), (words, done)
        return done.stdout

    def report(self) -> dict[str, Any]:
        done = self.run("check", "-o", "json")
        report: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (0 if report["passed"] else 1)
        return report

    def mend(self, kubeconfig: str, fix: Fix) -> None:
        for edit in fix.edits:
            words, given = edit.kubectl()
            subprocess.run(
                [
                    "kubectl",
                    "--kubeconfig",
                    kubeconfig,
                    "--cache-dir",
                    str(self.home / "c"),
                    *words,
                ],
                env=self.environment,
                input=given,
                capture_output=True,
                text=True,
                timeout=20,
                check=True,
            )


@pytest.fixture
def candidate(tmp_path: Path) -> Iterator[Candidate]:
    asked = tmp_path / "watch" / "asked"
    asked.parent.mkdir()
    (asked.parent / "sitecustomize.py").write_text(_WATCH.format(file=str(asked)))
    found = Candidate(tmp_path / "home", asked)
    found.home.mkdir()
    try:
        yield found
    finally:
        found.run("stop")


def drill(name: str) -> Drill:
    found = drill_for(name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["D01", "D08", "D24"])
def test_a_drill_is_played_from_start_to_stop(name: str, candidate: Candidate) -> None:
    one = drill(name)
    said = candidate("start", name)
    assert one.task in " ".join(said.split())
    assert one.title not in said
    assert f"Time limit: {one.minutes} minutes" in said
    kubeconfig = said.splitlines()[-1].removeprefix("export KUBECONFIG=")
    assert candidate.report()["passed"] is False

    wrong = one.fixes_of(Role.WRONG)[0]
    candidate.mend(kubeconfig, wrong)
    report = candidate.report()
    failed = {check["id"] for check in report["checks"] if check["passed"] is False}
    assert failed >= set(wrong.fails)

    candidate("reset")
    candidate.mend(kubeconfig, one.reference)
    report = candidate.report()
    assert (report["passed"], report["points"], report["losses"]) == (True, 100, [])

    candidate("hint")
    candidate("suppose", one.causes[0])
    said = candidate("stop", "--solution")
    assert f"{name}: passed, 95 of 100 points" in said
    assert "-5 points  1 of 3 hints were shown" in said
    assert f"Your hypothesis {one.causes[0]} was right." in said
    assert one.title in said
    assert one.explanation in " ".join(said.split())
    assert f"Reference: {one.reference.says}" in said

    (kept,) = read(candidate.home / "data")
    assert (kept.drill, kept.points, kept.passed, kept.hints) == (name, 95, True, 1)
    assert (kept.hypothesis, kept.right_hypothesis, kept.mode) == (one.causes[0], True, "kubectl")


def test_only_this_machine_is_asked_and_nothing_is_left(candidate: Candidate) -> None:
    said = candidate("start", "D08")
    kubeconfig = Path(said.splitlines()[-1].removeprefix("export KUBECONFIG="))
    candidate.mend(str(kubeconfig), drill("D08").reference)
    private = [*kubeconfig.parent.iterdir()]
    assert {path.name for path in private} == {"kubeconfig", "lock", "state.json", "token"}
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}
    assert kubeconfig.parent.stat().st_mode & 0o777 == 0o700
    pid = json.loads((kubeconfig.parent / "state.json").read_text())["pid"]
    candidate("stop")
    asked = candidate.asked.read_text().splitlines()
    assert any(line.startswith("socket.bind") for line in asked)
    assert any(line.startswith("socket.connect") for line in asked)
    assert [line for line in asked if "'127.0.0.1'" not in line] == []
    assert [path.name for path in (candidate.home / "data").iterdir()] == ["history.jsonl"]
    end = time.monotonic() + 10
    while not _is_gone(pid):
        assert time.monotonic() < end, "the server lives on"
        time.sleep(0.05)


def _is_gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody waited for is there as a zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


def test_the_kubeconfig_does_not_open_the_private_path(candidate: Candidate) -> None:
    said = candidate("start", "D08")
    kubeconfig = said.splitlines()[-1].removeprefix("export KUBECONFIG=")
    for words in (
        ["create", "--raw", "/meshdoctor/check", "-f", "-"],
        ["get", "--raw", "/meshdoctor/hint"],
    ):
        done = subprocess.run(
            ["kubectl", "--kubeconfig", kubeconfig, *words],
            env=candidate.environment,
            input="{}",
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert done.returncode != 0
        assert "Unauthorized" in done.stderr or "logged in" in done.stderr
    assert json.loads(candidate("status", "-o", "json"))["hints"] == 0
