"""A recording played by a server in its own thread, and commands run against it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any

from meshdoctor.cli import run
from meshdoctor.serve.clock import Clock
from meshdoctor.serve.mesh import Mesh
from meshdoctor.serve.thread import serving
from tests.conftest import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from meshdoctor.serve.server import Server

RECORDINGS = CHECKOUT / "recordings"
BROKEN = "subset-not-defined"
HEALTHY = "healthy"
_ALWAYS = (
    "kubernetes/batch/v1/jobs.json",
    "kubernetes/gateway.networking.k8s.io/",
)
"""What these recordings lack is not served: it is not read whatever happens."""


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def diagnosis(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    @property
    def roots(self) -> dict[str, str]:
        """Certainty by root cause."""
        return {cause["id"]: cause["certainty"] for cause in self.diagnosis["root_causes"]}

    @property
    def unknown(self) -> set[str]:
        return {item["id"] for item in self.diagnosis["unknown"]}

    @property
    def not_read(self) -> list[tuple[str, str, str]]:
        """What, status and reason, but for what is never there."""
        return [
            (item["what"], item["status"], item["reason"])
            for item in self.diagnosis["not_read"]
            if not item["what"].startswith(_ALWAYS)
        ]

    @property
    def told(self) -> str:
        """stderr without the first verdict, which comes when reading takes long."""
        lines = self.stderr.splitlines()
        return "\n".join(one for one in lines if not one.startswith("meshdoctor: so far"))


@dataclass
class Played:
    """A server, and the kubeconfig that leads to it."""

    server: Server
    kubeconfig: Path
    capsys: pytest.CaptureFixture[str] | None = field(default=None)

    def run(self, *arguments: str) -> Result:
        """Run a command against it, in this process."""
        assert self.capsys is not None
        self.capsys.readouterr()
        began = monotonic()
        code = run([*arguments, "--kubeconfig", str(self.kubeconfig)])
        seconds = monotonic() - began
        said = self.capsys.readouterr()
        return Result(code, said.out, said.err, seconds)

    def diagnose(self, *options: str) -> Result:
        return self.run("diagnose", "-o", "json", *options)

    @property
    def asked(self) -> list[str]:
        """Verb and path of every request that was made."""
        return [f"{one.method} {one.path}" for one in self.server.audit.requests]

    @property
    def forwarded(self) -> set[str]:
        """``namespace/pod`` of each pod that was asked through port-forward."""
        return self._pods("portforward")

    @property
    def executed(self) -> set[str]:
        """``namespace/pod`` of each pod that was asked through exec."""
        return self._pods("exec")

    def _pods(self, way: str) -> set[str]:
        paths = [one.path.split("/") for one in self.server.audit.requests]
        return {f"{path[4]}/{path[6]}" for path in paths if path[7:] == [way]}

    def reset(self) -> None:
        """No faults, nothing asked, and the clock back at the recording's time.

        What failed minutes ago says no more what is wrong now, and tests take minutes.
        """
        self.server.faults.clear()
        self.server.audit.clear()
        self.server.cluster.clock = Clock(self.server.cluster.mesh.captured_at)


def load(name: str) -> Mesh:
    """A bundled recording."""
    return Mesh.load(RECORDINGS / f"{name}.tar.gz")


@contextmanager
def playing(mesh: Mesh, folder: Path) -> Iterator[Played]:
    """Play a mesh for as long as the block runs."""
    with serving(mesh) as server:
        kubeconfig = folder / "kubeconfig"
        server.write_kubeconfig(kubeconfig)
        yield Played(server, kubeconfig)
