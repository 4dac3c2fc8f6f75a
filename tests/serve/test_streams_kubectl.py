"""kubectl, which nobody here wrote, as judge of logs, exec and what is not served."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from meshdoctor.serve.mesh import Mesh
from meshdoctor.serve.thread import serving
from tests.conftest import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from meshdoctor.serve.server import Server

HEALTHY = CHECKOUT / "recordings" / "healthy.tar.gz"
REQUEST = ("pilot-agent", "request", "GET")


class Kubectl:
    """kubectl on a server."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        kubeconfig = folder / "kubeconfig"
        server.write_kubeconfig(kubeconfig)
        self.environment = os.environ | {"KUBECONFIG": str(kubeconfig)}
        self._cache = str(folder / "cache")
        self.web = self.out("get", "pods", "-o", "name", "-l", "app=web").strip()

    def command(self, *arguments: str) -> list[str]:
        return ["kubectl", "--cache-dir", self._cache, "-n", "shop", *arguments]

    def __call__(self, *arguments: str, timeout: float = 20) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def out(self, *arguments: str) -> str:
        done = self(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl on the PATH")
    with serving(_with_app_log()) as server:
        yield Kubectl(server, tmp_path_factory.mktemp("kubectl"))


def _with_app_log() -> Mesh:
    """The healthy recording, with a log of web's application as a whole recording has it."""
    healthy = Mesh.load(HEALTHY)
    web = next(path.split("/")[2] for path in healthy.files if path.startswith("proxies/shop/web-"))
    log = {f"logs/shop/{web}/app.log": b'web v1 "GET / HTTP/1.1" 200 -\n' * 3}
    return Mesh.of(healthy.name, {**healthy.files, **log})


@contextmanager
def faulty(kubectl: Kubectl, *specs: str) -> Iterator[None]:
    kubectl.server.faults.set(*specs)
    try:
        yield
    finally:
        kubectl.server.faults.clear()


def test_logs_of_a_container_and_of_its_sidecar(kubectl: Kubectl) -> None:
    assert '"GET / HTTP/1.1" 200' in kubectl.out("logs", kubectl.web)
    tail = kubectl.out("logs", kubectl.web, "-c", "istio-proxy", "--tail=3")
    assert len(tail.splitlines()) == 3
    assert all(line.startswith("[2026-") for line in tail.splitlines())


def test_logs_since_a_moment_and_with_their_times(kubectl: Kubectl) -> None:
    sidecar = ("logs", kubectl.web, "-c", "istio-proxy")
    whole = kubectl.out(*sidecar).splitlines()
    last = whole[-1][1:24]
    recent = kubectl.out(*sidecar, f"--since-time={last}Z").splitlines()
    assert recent
    assert whole[-len(recent) :] == recent
    assert len(recent) < len(whole)
    stamped = kubectl.out(*sidecar, "--timestamps", "--tail=1")
    assert stamped == f"{last}000000Z {whole[-1]}\n"
    assert kubectl.out(*sidecar, "--since=2000h").splitlines() == whole


def test_logs_of_all_containers(kubectl: Kubectl) -> None:
    text = kubectl.out("logs", kubectl.web, "--all-containers", "--prefix", "--tail=1")
    # kubectl asks for both at once: whichever answers first comes first.
    assert sorted(line.split("]")[0].rpartition("/")[2] for line in text.splitlines()) == [
        "app",
        "istio-proxy",
    ]


def test_logs_of_istiod(kubectl: Kubectl) -> None:
    assert "\tinfo\t" in kubectl.out("logs", "-n", "istio-system", "deploy/istiod")


def test_logs_that_are_followed_last_until_kubectl_goes(kubectl: Kubectl) -> None:
    command = kubectl.command("logs", "-f", "--tail=1", kubectl.web)
    with subprocess.Popen(command, env=kubectl.environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"web v1")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.terminate()


def test_logs_that_there_are_none_of_are_refused_in_words(kubectl: Kubectl) -> None:
    name = kubectl.web.removeprefix("pod/")
    previous = kubectl("logs", kubectl.web, "--previous")
    assert previous.returncode == 1
    assert previous.stderr == (
        "Error from server (BadRequest): "
        f'previous terminated container "app" in pod "{name}" not found\n'
    )
    wrong = kubectl("logs", kubectl.web, "-c", "nope")
    assert wrong.stderr == f"error: container nope is not valid for pod {name}\n"
    with faulty(kubectl, "deny:get:pods/log"):
        denied = kubectl("logs", kubectl.web)
    assert "Error from server (Forbidden): " in denied.stderr


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("config_dump", "configs"),
        ("clusters?format=json", "cluster_statuses"),
        ("listeners?format=json", "listener_statuses"),
        ("certs", "certificates"),
        ("server_info", "version"),
    ],
)
def test_exec_reads_envoys_admin_interface(kubectl: Kubectl, path: str, key: str) -> None:
    out = kubectl.out("exec", kubectl.web, "-c", "istio-proxy", "--", *REQUEST, path)
    assert key in json.loads(out)


def test_exec_reads_istiods_debug_interface(kubectl: Kubectl) -> None:
    command = ("pilot-discovery", "request", "GET", "/debug/syncz")
    out = kubectl.out("exec", "-n", "istio-system", "deploy/istiod", "--", *command)
    assert {"shop", "istio-system"} <= {one["proxy"].split(".")[1] for one in json.loads(out)}


def test_exec_of_anything_else_fails_as_in_a_container(kubectl: Kubectl) -> None:
    shell = kubectl("exec", kubectl.web, "-c", "istio-proxy", "--", "sh", "-c", "id")
    assert (shell.returncode, shell.stdout) == (1, "")
    assert '"sh": executable file not found in $PATH' in shell.stderr
    post = ("pilot-agent", "request", "POST", "logging")
    refused = kubectl("exec", kubectl.web, "-c", "istio-proxy", "--", *post)
    assert refused.returncode == 255
    assert "command terminated with exit code 255" in refused.stderr


def test_exec_may_be_denied(kubectl: Kubectl) -> None:
    with faulty(kubectl, "deny:create:pods/exec"):
        denied = kubectl("exec", kubectl.web, "-c", "istio-proxy", "--", *REQUEST, "stats")
        asked = kubectl("auth", "can-i", "create", "pods", "--subresource=exec")
    assert denied.returncode == 1
    assert "orbidden" in denied.stderr
    assert asked.stdout.startswith("no")


def test_kubectls_own_port_forward_is_named_as_not_served(kubectl: Kubectl) -> None:
    done = kubectl("port-forward", kubectl.web, ":15000")
    assert done.returncode == 1
    assert "SPDY is not served from a recording" in done.stderr


def test_nothing_of_all_this_is_a_write(kubectl: Kubectl) -> None:
    kubectl.server.audit.clear()
    kubectl.out("logs", kubectl.web, "--tail=1")
    kubectl.out("exec", kubectl.web, "-c", "istio-proxy", "--", *REQUEST, "ready")
    assert kubectl.server.audit.writes() == ()
    kubectl("exec", kubectl.web, "-c", "istio-proxy", "--", "ls")
    assert [one.command for one in kubectl.server.audit.writes()] == [("ls",)]
