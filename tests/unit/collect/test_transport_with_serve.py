"""The transport against ``meshdoctor serve``, which kubectl judges in its own tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import msgspec
import pytest

from meshdoctor.collect.access import open_access
from meshdoctor.collect.api import ReadError
from meshdoctor.collect.paging import list_pages
from meshdoctor.collect.pod_admin import PodAdmin, PodPort
from meshdoctor.collect.transport import Transport
from meshdoctor.collect.transport_limits import Limits
from meshdoctor.collect.ways import Ways
from meshdoctor.model.not_read import NotReadStatus
from meshdoctor.resources import recordings_root
from meshdoctor.serve.faults import Faults
from meshdoctor.serve.faults_spec import parse_fault
from meshdoctor.serve.mesh import Mesh
from meshdoctor.serve.server import Server
from tests.unit.collect.api_server import QUICK, Options

PODS = "/api/v1/pods"


@cache
def mesh() -> Mesh:
    return Mesh.load(recordings_root() / "healthy.tar.gz")


@asynccontextmanager
async def served(
    folder: Path, *faults: str, limits: Limits = QUICK
) -> AsyncIterator[tuple[Transport, Server]]:
    async with Server(mesh(), faults=Faults(*map(parse_fault, faults))) as server:
        file = folder / "kubeconfig"
        server.write_kubeconfig(file)
        access = await open_access(Options(str(file)))
        async with Transport.open(access, limits) as api:
            yield api, server


async def test_its_kubeconfig_leads_to_it(tmp_path: Path) -> None:
    async with served(tmp_path) as (api, server):
        version = await api.reach()
        assert version is not None
        assert msgspec.json.decode(version.body)["gitVersion"].startswith("v1.")
        assert abs(api.now() - server.server_time()).total_seconds() < 2


async def test_pages_hold_what_one_answer_holds(tmp_path: Path) -> None:
    async with served(tmp_path) as (api, _):
        whole = msgspec.json.decode((await api.get(PODS)).body)
        paged = await list_pages(api, PODS, limit=3)
    assert len(paged.slices) > 1
    assert msgspec.json.decode(paged.document)["items"] == whole["items"]


@pytest.mark.parametrize("port_forward", [True, False], ids=["port-forward", "exec"])
async def test_a_proxy_answers_both_ways(tmp_path: Path, port_forward: bool) -> None:
    async with served(tmp_path) as (api, server):
        pods = msgspec.json.decode((await api.get(PODS)).body)["items"]
        name = next(
            (pod["metadata"]["namespace"], pod["metadata"]["name"])
            for pod in pods
            if "sidecar.istio.io/status" in pod["metadata"].get("annotations", {})
        )
        port = PodPort(*name, "istio-proxy", 15000, 15000)
        async with PodAdmin(Ways(api, port_forward=port_forward), port) as admin:
            answer = await admin.get("/certs")
            assert msgspec.json.decode(answer.body)["certificates"]
            assert admin.asks_through_exec is not port_forward
    assert {request.method for request in server.audit.requests} == {"GET"}


@pytest.mark.parametrize(
    "fault",
    ["status:429:list:pods:times=2", "reset:list:pods:times=2", "truncate:list:pods:times=2",
     "reset-body:list:pods:times=2", "status:503:list:pods:times=2", "expire:list:pods"],
)  # fmt: skip
async def test_a_fault_that_passes_costs_nothing(tmp_path: Path, fault: str) -> None:
    async with served(tmp_path) as (api, _):
        healthy = await list_pages(api, PODS, limit=3)
    async with served(tmp_path, fault) as (api, _):
        found = await list_pages(api, PODS, limit=3)
    assert (
        msgspec.json.decode(found.document)["items"]
        == msgspec.json.decode(healthy.document)["items"]
    )


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ("status:503:list:pods", NotReadStatus.FAILED, "unable to handle"),
        ("reset:list:pods", NotReadStatus.FAILED, "closed the connection"),
        ("truncate:list:pods", NotReadStatus.FAILED, "cut short"),
        ("cut:list:pods", NotReadStatus.FAILED, "is no list"),
        ("garbage:list:pods", NotReadStatus.FAILED, "is no list"),
        ("deny:list:pods", NotReadStatus.DENIED, "pods is forbidden"),
    ],
)
async def test_a_fault_that_stays_is_one_line(
    tmp_path: Path, fault: str, status: NotReadStatus, words: str
) -> None:
    async with served(tmp_path, fault) as (api, _):
        with pytest.raises(ReadError, match=words) as caught:
            await list_pages(api, PODS)
        assert caught.value.status is status
        assert "\n" not in caught.value.reason
        await api.reach()


async def test_a_silence_is_one_line_too(tmp_path: Path) -> None:
    async with served(tmp_path, "silent:list:pods", limits=Limits(request=0.5)) as (api, _):
        with pytest.raises(ReadError, match="no whole answer") as caught:
            await list_pages(api, PODS)
    assert caught.value.status is NotReadStatus.TIMEOUT
