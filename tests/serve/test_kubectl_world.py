"""kubectl edits a served recording, and the cluster's controllers answer."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from meshdoctor.drill.desk import Desk, open_desk
from meshdoctor.drill.drill import Role
from meshdoctor.drill.grade_document import grade_from
from meshdoctor.drill.grader import Grader
from meshdoctor.drill.library import drills, recording_of
from meshdoctor.drill.serving import beginning
from meshdoctor.drill.serving import moving as serving_world
from meshdoctor.resources import recordings_root
from meshdoctor.serve.control_client import ControlClient
from meshdoctor.serve.thread import serving
from tests.serve.kubectl_judge import Kubectl, needs_kubectl
from tests.unit.drill.playing import shared_fixes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from meshdoctor.drill.drill import Drill, Fix
    from meshdoctor.drill.grader import Grade
    from meshdoctor.drill.world import World

pytestmark = needs_kubectl
SHOP = ("-n", "shop")


@contextmanager
def moving(home: Path, recording: str) -> Iterator[tuple[Kubectl, World]]:
    """Serve a bundled recording with its controllers at work."""
    path = recordings_root() / f"{recording}.tar.gz"
    with serving_world(path) as (server, world):
        server.write_kubeconfig(home / "config")
        yield Kubectl(server, home), world


def ready(kubectl: Kubectl, app: str) -> list[str]:
    """The column READY of an application's pods."""
    return sorted(kubectl.column("READY", "get", "pods", *SHOP, "-l", f"app={app}"))


def test_label_and_restart_bring_a_workload_into_the_mesh(tmp_path: Path) -> None:
    with moving(tmp_path, "missing-sidecar") as (kubectl, _):
        assert ready(kubectl, "ratings") == ["1/1"]
        kubectl("label", "namespace", "shop", "istio-injection=enabled")
        assert ready(kubectl, "ratings") == ["1/1"]
        kubectl("rollout", "restart", "deploy/ratings-v1", *SHOP)
        said = kubectl("rollout", "status", "deploy/ratings-v1", *SHOP, "--timeout=10s")
        assert said.endswith("successfully rolled out\n")
        assert ready(kubectl, "ratings") == ["2/2"]


def test_scale_and_image_work_as_on_a_cluster(tmp_path: Path) -> None:
    with moving(tmp_path, "healthy") as (kubectl, _):
        kubectl("scale", "deploy/web-v1", *SHOP, "--replicas=3")
        kubectl("rollout", "status", "deploy/web-v1", *SHOP, "--timeout=10s")
        assert ready(kubectl, "web") == ["2/2"] * 3
        kubectl("set", "image", "deploy/web-v1", "app=none:9", *SHOP)
        done = kubectl.run("rollout", "status", "deploy/web-v1", *SHOP, "--timeout=1s")
        assert done.returncode != 0
        assert "ErrImageNeverPull" in kubectl("get", "pods", *SHOP, "-l", "app=web")
        kubectl("rollout", "undo", "deploy/web-v1", *SHOP)
        kubectl("rollout", "status", "deploy/web-v1", *SHOP, "--timeout=10s")
        assert ready(kubectl, "web") == ["2/2"] * 3


def test_a_deleted_pod_comes_back_under_another_name(tmp_path: Path) -> None:
    with moving(tmp_path, "healthy") as (kubectl, _):
        before = kubectl("get", "pods", *SHOP, "-l", "app=web", "-o", "name")
        kubectl("delete", "--wait", *SHOP, before.strip())
        after = kubectl("get", "pods", *SHOP, "-l", "app=web", "-o", "name")
        assert after != before
        assert len(after.split()) == 1


def test_a_watch_tells_what_controllers_do(tmp_path: Path) -> None:
    with moving(tmp_path, "healthy") as (kubectl, _):
        watch = subprocess.Popen(
            [*kubectl.command, "get", "pods", *SHOP, "-w", "--output-watch-events", "--no-headers"],
            env=kubectl.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert watch.stdout is not None
            first = [watch.stdout.readline() for _ in range(5)]
            assert all(line.startswith("ADDED") for line in first)
            kubectl("rollout", "restart", "deploy/web-v1", *SHOP)
            told = [watch.stdout.readline().split() for _ in range(2)]
        finally:
            watch.kill()
            watch.communicate()
    assert sorted(line[0] for line in told) == ["ADDED", "DELETED"]
    assert all(line[1].startswith("web-v1-") for line in told)


def test_proxies_answer_that_they_are_not_available_after_a_write(tmp_path: Path) -> None:
    words = ("exec", *SHOP, "deploy/web-v1", "-c", "istio-proxy", "--")
    get = (*words, "pilot-agent", "request", "GET", "config_dump")
    with moving(tmp_path, "healthy") as (kubectl, _):
        assert '"configs"' in kubectl.run(*get).stdout
        kubectl("label", "namespace", "shop", "beside=it")
        said = kubectl.refusal(*get)
        assert "received unsuccessful status code 503: not available since your change" in said


def test_a_job_that_waits_for_its_sidecar_completes_when_the_sidecar_is_told_to_quit(
    tmp_path: Path,
) -> None:
    job = """
{apiVersion: batch/v1, kind: Job, metadata: {name: export}, spec: {template: {spec: {
  restartPolicy: Never, containers: [{name: work, image: "docker.io/lab/app:1"}]}}}}
"""
    with moving(tmp_path, "classic-sidecars-healthy") as (kubectl, _):
        assert "No resources found" in kubectl.run("get", "jobs", *SHOP).stderr
        kubectl("apply", *SHOP, "-f", "-", given=job)
        assert kubectl.column("STATUS", "get", "jobs", *SHOP) == ["Running"]
        pod = kubectl("get", "pods", *SHOP, "-l", "job-name=export", "-o", "name").strip()
        quits = ("pilot-agent", "request", "POST", "quitquitquit")
        kubectl("exec", *SHOP, pod, "-c", "istio-proxy", "--", *quits)
        assert kubectl.column("STATUS", "get", "jobs", *SHOP) == ["Complete"]
        assert kubectl.column("STATUS", "get", *SHOP, pod) == ["Completed"]


def test_what_admission_refuses_is_told_to_the_writer_and_not_stored(tmp_path: Path) -> None:
    route = """
{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: x},
 spec: {hosts: [x], http: [{match: [{uri: {prefix: /}}]}]}}
"""
    with moving(tmp_path, "classic-sidecars-healthy") as (kubectl, _):
        said = kubectl.refusal("apply", *SHOP, "-f", "-", given=route)
        assert said.startswith("Error from server: ")
        assert 'admission webhook "validation.istio.io" denied the request' in said
        kubectl("scale", "deploy/istiod", "-n", "istio-system", "--replicas=0")
        said = kubectl.refusal("run", "probe", *SHOP, "--image=docker.io/lab/app:1")
        assert "failed calling webhook" in said
        assert 'pods "probe" not found' in kubectl.refusal("get", "pod", "probe", *SHOP)


def test_without_controllers_nothing_moves(tmp_path: Path) -> None:
    with serving(recordings_root() / "healthy.tar.gz") as server:
        server.write_kubeconfig(tmp_path / "config")
        kubectl = Kubectl(server, tmp_path)
        kubectl("scale", "deploy/web-v1", *SHOP, "--replicas=3")
        assert ready(kubectl, "web") == ["2/2"]


def played(mesh: World, drill: Drill, fix: Fix) -> Grade:
    """What a fix is graded without a server."""
    mesh.reset()
    for edit in fix.edits:
        edit.apply(mesh.cluster)
    return Grader().grade(drill, mesh)


@pytest.mark.parametrize("drill", drills(), ids=lambda drill: drill.id)
def test_every_fix_of_a_drill_gives_the_same_grade_over_kubectl(
    drill: Drill, tmp_path: Path
) -> None:
    desks: list[Desk] = []
    mesh, recording = beginning(drill), recording_of(drill)
    with serving(recording, prepare=lambda one: desks.append(open_desk(one, drill))) as server:
        server.write_kubeconfig(tmp_path / "config")
        kubectl, (desk,) = Kubectl(server, tmp_path), desks
        client = ControlClient(server.port, server.ca_pem.decode(), desk.token)
        for fix in shared_fixes(drill, first=False):
            for edit in fix.edits:
                words, given = edit.kubectl()
                kubectl(*words, given=given)
            over_kubectl = grade_from(client.ask("check"))
            in_memory = played(mesh, drill, fix)
            told = [(check.id, check.passed) for check in over_kubectl.checks]
            assert told == [(check.id, check.passed) for check in in_memory.checks]
            assert over_kubectl.points == in_memory.points
            assert over_kubectl.passed is (fix.role is not Role.WRONG)
            client.ask("reset")
            assert not grade_from(client.ask("check")).passed


def test_the_command_serves_with_controllers(tmp_path: Path) -> None:
    config = tmp_path / "config"
    recording = recordings_root() / "missing-sidecar.tar.gz"
    command = [sys.executable, "-m", "meshdoctor", "serve", str(recording), "--controllers"]
    server = subprocess.Popen([*command, "--kubeconfig", str(config)], env=dict(os.environ))
    try:
        end = time.monotonic() + 20
        while not (config.is_file() and config.stat().st_size) and time.monotonic() < end:
            time.sleep(0.05)
        base = ["kubectl", "--kubeconfig", str(config)]
        environment = {**os.environ, "HOME": str(tmp_path)}
        restart = [*base, "rollout", "restart", "deploy/web-v1", *SHOP]
        status = [*base, "rollout", "status", "deploy/web-v1", *SHOP, "--timeout=10s"]
        for words in (restart, status):
            done = subprocess.run(
                words, env=environment, capture_output=True, text=True, check=True, timeout=20
            )
        assert "successfully rolled out" in done.stdout
    finally:
        server.terminate()
        server.wait(10)
