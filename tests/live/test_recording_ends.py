"""How taking a recording ends: a full disk, too small a bound, a signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from meshdoctor.cli import run
from meshdoctor.exit_codes import ExitCode
from meshdoctor.recording.archive_model import RecordingError
from meshdoctor.recording.writer import RecordingWriter
from tests.conftest import CHECKOUT
from tests.live.played import HEALTHY, load, playing

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_full_disk_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put = RecordingWriter.add

    def add(self: RecordingWriter, path: str, data: bytes) -> None:
        if path.startswith("proxies/"):
            self._failure = RecordingError("no space left on device")
        put(self, path, data)

    monkeypatch.setattr(RecordingWriter, "add", add)
    target = tmp_path / "mesh.tar.gz"
    with playing(load(HEALTHY), tmp_path) as played:
        code = run(["record", "--kubeconfig", str(played.kubeconfig), "-o", str(target)])
    assert code == ExitCode.USAGE
    assert "no space left on device" in capsys.readouterr().err
    assert not target.exists()


def test_what_a_bound_leaves_out_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "mesh.tar.gz"
    with playing(load(HEALTHY), tmp_path) as played:
        arguments = ["record", "--kubeconfig", str(played.kubeconfig), "-o", str(target)]
        code = run([*arguments, "--max-size", "1"])
    assert code == ExitCode.UNREAD
    told = capsys.readouterr().err
    assert "things not read (listed inside)" in told


def test_sigterm_keeps_what_was_read(tmp_path: Path) -> None:
    with playing(load(HEALTHY), tmp_path) as played:
        played.server.faults.add("latency:400ms")
        command = [sys.executable, "-m", "meshdoctor", "diagnose"]
        command += ["--kubeconfig", str(played.kubeconfig)]
        process = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(3.0)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == ExitCode.UNREAD
    assert "the answer is incomplete" in out
