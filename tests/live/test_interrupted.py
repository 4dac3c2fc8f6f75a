"""Ctrl-C: what was read by then is used, and nothing is lost."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tarfile
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from typing import TYPE_CHECKING

import pytest

from tests.conftest import CHECKOUT
from tests.live.matrix import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.live.played import Played

_START = 30.0
"""Seconds in which a command has to come to the read that hangs."""
_END = 8.0
"""Seconds in which it has to end after Ctrl-C."""


@dataclass
class Started:
    """A command of its own process, as a shell starts it."""

    process: subprocess.Popen[str]
    played: Played

    def until(self, path: str) -> None:
        """Wait until somewhere in a path is asked for."""
        self._wait(lambda: any(path in asked for asked in self.played.asked))

    def _wait(self, holds: Callable[[], bool]) -> None:
        end = monotonic() + _START
        while not holds():
            assert self.process.poll() is None, self.process.communicate()
            assert monotonic() < end
            sleep(0.05)

    def interrupt(self) -> tuple[int, str, str]:
        """Exit code, stdout and stderr after Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=_END)
        return self.process.returncode, out, err


@contextmanager
def started(played: Played, *arguments: str) -> Iterator[Started]:
    with subprocess.Popen(
        [sys.executable, "-m", "meshdoctor", *arguments, "--kubeconfig", str(played.kubeconfig)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
    ) as process:
        try:
            yield Started(process, played)
        finally:
            process.kill()


@pytest.mark.parametrize(("mesh", "code"), [("broken", 1), ("healthy", 4)])
def test_what_was_read_is_diagnosed(mesh: str, code: int, request: pytest.FixtureRequest) -> None:
    played: Played = request.getfixturevalue(mesh)
    played.server.faults.set("silent:proxy:shop")
    with started(played, "diagnose", "-o", "json") as command:
        command.until("/pods/web-v1-")
        # The proxies that answer have answered by then.
        sleep(1.0)
        ended, out, err = command.interrupt()
    assert ended == code
    assert "Traceback" not in err
    diagnosis = json.loads(out)
    assert [one["id"] for one in diagnosis["root_causes"]] == ([ROOT] if code == 1 else [])
    missing = {one["what"]: one for one in diagnosis["not_read"]}
    assert missing["proxies"]["reason"] == "5 of 7 were not read to the end: interrupted"
    assert diagnosis["scope"]["proxies_read"] == 2
    dumps = [what for what in missing if what.endswith("config_dump.json")]
    assert len(dumps) == 5
    assert {missing[what]["reason"] for what in dumps} == {"interrupted"}


def test_objects_alone_are_better_than_nothing(broken: Played) -> None:
    broken.server.faults.set("silent:istiod", "silent:proxy", "silent:pods/log")
    with started(broken, "diagnose", "-o", "json") as command:
        command.until("/portforward")
        sleep(0.5)
        ended, out, _ = command.interrupt()
    assert ended == 1
    assert [one["certainty"] for one in json.loads(out)["root_causes"]] == ["likely"]


@pytest.mark.parametrize("command", ["diagnose", "proxy-status", "check", "record"])
def test_before_anything_was_read_there_is_one_line(
    command: str, healthy: Played, tmp_path: Path
) -> None:
    healthy.server.faults.set("silent:*")
    options = ("-o", str(tmp_path / "new.tar.gz")) if command == "record" else ()
    with started(healthy, command, *options) as running:
        running.until("/version")
        ended, out, err = running.interrupt()
    assert (ended, out, err.strip()) == (130, "", "meshdoctor: interrupted")
    assert list(tmp_path.iterdir()) == []


def test_a_recording_holds_what_was_read_and_says_that_it_was_interrupted(
    broken: Played, tmp_path: Path
) -> None:
    path = tmp_path / "new.tar.gz"
    broken.server.faults.set("silent:proxy:shop")
    with started(broken, "record", "-o", str(path)) as command:
        command.until("/pods/web-v1-")
        sleep(1.0)
        ended, out, _ = command.interrupt()
    assert ended == 4
    assert out == f"{path}\n"
    with tarfile.open(path) as archive:
        member = archive.extractfile("recording.json")
        assert member is not None
        manifest = json.loads(member.read())
        names = archive.getnames()
    assert manifest["interrupted"] == "interrupted"
    assert "kubernetes/core/v1/services.json" in names
    assert len([name for name in names if name.endswith("config_dump.json")]) == 2
