"""``meshdoctor serve`` as a person or a script runs it."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from meshdoctor.cli import run
from tests.conftest import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

HEALTHY = CHECKOUT / "recordings" / "healthy.tar.gz"


@contextmanager
def serving(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """The command, running, and the path that it printed."""
    command = [sys.executable, "-m", "meshdoctor", "serve", str(HEALTHY)]
    with subprocess.Popen(
        [*command, *(str(one) for one in arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
    ) as process:
        try:
            assert process.stdout is not None
            # To the end: a shell's $(…) waits for it, so it must come while the server runs.
            yield process, Path(process.stdout.read().strip())
        finally:
            process.kill()


def ended(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    """Exit code and stderr after a signal."""
    process.send_signal(number)
    _, said = process.communicate(timeout=5)
    return process.returncode, said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_a_private_kubeconfig_and_a_signal_ends_it_cleanly(number: int) -> None:
    with serving() as (process, kubeconfig):
        assert process.poll() is None
        assert stat.S_IMODE(kubeconfig.stat().st_mode) == 0o600
        url = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
        code, said = ended(process, number)
    assert code == 0
    assert said.splitlines() == [
        f"Serving healthy.tar.gz at {url} until Ctrl-C: export KUBECONFIG={kubeconfig}"
    ]
    assert not kubeconfig.exists()


def test_faults_latency_and_audit_are_in_force(tmp_path: Path) -> None:
    audit, wanted = tmp_path / "audit.jsonl", tmp_path / "kubeconfig"
    options: list[str | Path] = ["--kubeconfig", wanted, "--audit", audit, "--latency", "5"]
    with serving(*options, "--fault", "deny:list:secrets") as (process, kubeconfig):
        assert kubeconfig == wanted
        kubectl = ["kubectl", "--cache-dir", str(tmp_path / "cache"), "get", "secrets", "-A"]
        answer = subprocess.run(
            kubectl,
            env=os.environ | {"KUBECONFIG": str(kubeconfig)},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert ended(process, signal.SIGTERM)[0] == 0
    assert 'Error from server (Forbidden): secrets is forbidden: User "' in answer.stderr
    assert not wanted.exists()
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    denied = [line for line in lines if line["path"] == "/api/v1/secrets"]
    assert [line["status"] for line in denied] == [403]
    assert not any(line["write"] for line in lines)
    assert "earer" not in audit.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fault", "deny:secrets"], "fault 'deny:secrets': too short"),
        (["--fault", "boom"], "'boom' is no fault"),
        (["--kubeconfig", str(CHECKOUT / "README.md")], "README.md exists"),
        (["--kubeconfig", "/nowhere/at/all"], "/nowhere/at/all: No such file or directory"),
        (["--audit", "/nowhere/at/all"], "No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (CHECKOUT / "README.md").read_bytes()
    assert run(["serve", str(HEALTHY), *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert said in err
    assert (CHECKOUT / "README.md").read_bytes() == before


def test_what_is_no_recording_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["serve", str(tmp_path / "absent.tar.gz")]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert "absent.tar.gz" in err
