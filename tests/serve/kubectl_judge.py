"""kubectl, which nobody here wrote, run against a served recording."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from meshdoctor.resources import recordings_root
from meshdoctor.serve.thread import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.serve.faults import Faults
    from meshdoctor.serve.server import Server

needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl is not installed: it is the judge here"
)
_PATIENCE = 20
"""Seconds for one command."""


@dataclass(frozen=True)
class Kubectl:
    """kubectl with a home and a kubeconfig of its own."""

    server: Server
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of the person's own that kubectl would read."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("KUBE")}
        return kept | {"HOME": str(self.home), "NO_PROXY": "127.0.0.1"}

    @property
    def command(self) -> list[str]:
        """What every command begins with."""
        cache = str(self.home / "cache")
        return ["kubectl", "--kubeconfig", str(self.home / "config"), "--cache-dir", cache]

    def run(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever comes of it."""
        return subprocess.run(
            [*self.command, *words],
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )

    def __call__(self, *words: str, given: str = "") -> str:
        """What a command prints that succeeds without a warning."""
        done = self.run(*words, given=given)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def refusal(self, *words: str, given: str = "") -> str:
        """What a command says that fails."""
        done = self.run(*words, given=given)
        assert done.returncode != 0
        return done.stderr.strip()

    def rows(self, *words: str) -> list[list[str]]:
        """The cells of a table, its head first; none of them may hold two blanks in a row."""
        return [
            [cell.strip() for cell in line.split("  ") if cell.strip()]
            for line in self(*words).splitlines()
        ]

    def column(self, name: str, *words: str) -> list[str]:
        """One column of a table."""
        head, *rows = self.rows(*words)
        return [row[head.index(name)] for row in rows]

    def yaml(self, *words: str) -> dict[str, object]:
        """An object as it stands."""
        document: dict[str, object] = yaml.safe_load(self(*words, "-o", "yaml"))
        return document


@contextmanager
def judging(home: Path, case: str, faults: Faults | None = None) -> Iterator[Kubectl]:
    """Serve a bundled recording to kubectl."""
    with serving(recordings_root() / f"{case}.tar.gz", faults=faults) as server:
        server.write_kubeconfig(home / "config")
        yield Kubectl(server, home)
