"""Collections of served recordings: what comes back is what was recorded, by either way."""

from __future__ import annotations

import asyncio
import json
import tarfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from meshdoctor.collect.access import open_access
from meshdoctor.collect.collection import collect
from meshdoctor.collect.options import CollectOptions
from meshdoctor.collect.transport import Transport
from meshdoctor.collect.watch import follow
from meshdoctor.serve.faults import Faults
from meshdoctor.serve.mesh import Mesh
from meshdoctor.serve.server import Server
from tests.unit.collect.api_server import QUICK, Options
from tests.unit.collect.stand_in import Kept

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from meshdoctor.collect.artifact import Artifact

RECORDINGS = Path(__file__).parents[3] / "recordings"
HEALTHY = RECORDINGS / "healthy.tar.gz"
ALL = sorted(RECORDINGS.glob("*.tar.gz"))
BY_NAME = ("configmaps.json", "secrets.json")
"""Lists of which only what mesh objects name is read."""


@asynccontextmanager
async def served(
    recording: Path, folder: Path, *faults: str
) -> AsyncIterator[tuple[Server, Transport]]:
    async with Server(Mesh.load(recording), faults=Faults(*faults)) as server:
        config = folder / "config"
        server.write_kubeconfig(config)
        access = await open_access(Options(str(config)))
        async with Transport.open(access, QUICK) as api:
            yield server, api


def recorded(recording: Path) -> dict[str, bytes]:
    """The files of a recording that collectors read."""
    found: dict[str, bytes] = {}
    with tarfile.open(recording) as archive:
        for member in archive:
            data = archive.extractfile(member)
            path = member.name.partition("/")[2] if "/" in member.name else member.name
            for name in (member.name.removeprefix("./"), path):
                if data is not None and name.startswith(("kubernetes/", "proxies/", "istiod/")):
                    found[name] = data.read()
                    break
    return found


def content(path: str, data: bytes) -> Any:
    """What a file says, whatever its spelling."""
    if not path.endswith(".json"):
        return data
    document = json.loads(data)
    if not path.startswith("kubernetes/") or "items" not in document:
        return document
    # The items of a list answer may or may not say what kind they are.
    return [
        {key: value for key, value in item.items() if key not in ("kind", "apiVersion")}
        for item in document["items"]
    ]


@pytest.mark.parametrize("recording", ALL, ids=lambda path: path.name.partition(".")[0])
async def test_a_served_recording_is_collected_as_it_was_recorded(
    recording: Path, tmp_path: Path
) -> None:
    files = recorded(recording)
    sink = Kept()
    async with served(recording, tmp_path) as (server, api):
        await collect(api, sink)
        assert not [request for request in server.audit.requests if request.is_write]
    wanted = {path for path in files if not path.endswith(("ready.txt", *BY_NAME))}
    assert wanted
    assert not wanted - sink.files.keys()
    changed = [
        path for path in wanted if content(path, sink.files[path]) != content(path, files[path])
    ]
    assert not changed


async def test_exec_brings_the_same_files_as_port_forward(tmp_path: Path) -> None:
    by_port_forward, by_exec = Kept(), Kept()
    async with served(HEALTHY, tmp_path, "deny:*:pods/portforward") as (server, api):
        await collect(api, by_exec)
        server.faults.clear()
        await collect(api, by_port_forward)
    ready = {path for path in by_port_forward.files if path.endswith("/ready.txt")}
    assert by_exec.files.keys() - ready == by_port_forward.files.keys() - ready
    assert {path: data for path, data in by_exec.files.items() if path not in ready} == {
        path: data for path, data in by_port_forward.files.items() if path not in ready
    }


async def test_pages_that_expire_and_servers_that_are_busy_cost_nothing(tmp_path: Path) -> None:
    usual, troubled = Kept(), Kept()
    async with served(HEALTHY, tmp_path) as (server, api):
        await collect(api, usual)
        server.faults.set("status:429:pods:2:retry-after=0", "status:503:services:1")
        await collect(api, troubled)
    assert troubled.files.keys() == usual.files.keys()


@pytest.mark.parametrize("fault", ["silent:proxy", "drip:proxy", "garbage:/apis"])
async def test_a_collection_of_pods_that_do_not_answer_ends(fault: str, tmp_path: Path) -> None:
    sink = Kept()
    options = CollectOptions(request_timeout=0.3, pod_timeout=0.6)
    async with served(HEALTHY, tmp_path, fault) as (_, api):
        async with asyncio.timeout(4):
            summary = await collect(api, sink, options)
    assert "kubernetes/core/v1/pods.json" in sink.files
    assert summary.plan.total > 0
    dumps = [path for path in sink.files if path.endswith("config_dump.json")]
    assert bool(dumps) is (fault == "garbage:/apis")


async def test_what_changes_in_the_cluster_reaches_whoever_follows(tmp_path: Path) -> None:
    sink, changed = Kept(), asyncio.Event()
    path = "kubernetes/core/v1/services.json"
    seen: list[Artifact] = []

    def on_change(artifact: Artifact) -> None:
        seen.append(artifact)
        changed.set()

    async with served(HEALTHY, tmp_path) as (server, api):
        await collect(api, sink, CollectOptions(proxies=False, logs=False))
        lists = {path: sink.files[path]}
        task = asyncio.ensure_future(follow(api, lists, on_change, bundle=0.05, pause=0.05))
        name = sink.items(path)[0]
        namespace, _, service = name.partition("/")
        async with httpx.AsyncClient(verify=False) as writer:
            answer = await writer.delete(
                f"{server.url}/api/v1/namespaces/{namespace}/services/{service}",
                headers={"Authorization": f"Bearer {server.token}"},
            )
            assert answer.status_code == 200
        await asyncio.wait_for(changed.wait(), 3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    sink.files[path] = seen[0].data
    assert name not in sink.items(path)
    assert sink.items(path)
