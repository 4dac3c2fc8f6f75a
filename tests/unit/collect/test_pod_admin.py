from __future__ import annotations

import asyncio

import pytest

from meshdoctor.collect.admin_files import AdminFile, read_files
from meshdoctor.collect.api import ReadError
from meshdoctor.collect.pod_admin import PodAdmin, PodPort
from meshdoctor.collect.ways import Ways
from meshdoctor.model.not_read import NotReadStatus
from tests.unit.collect.stand_in import CUT, DENIED, GARBAGE, HANG, Cluster, Kept, envoy_answers

FORBIDDEN = ReadError(NotReadStatus.DENIED, "pods/portforward is forbidden", 403)
NO_UPGRADE = ReadError(NotReadStatus.FAILED, "upgrade request required", 400)
FILES = (
    AdminFile("a.json", "/certs"),
    AdminFile("b.json", "/memory"),
    AdminFile("c.txt", "/stats"),
    AdminFile("d.txt", "/ready", is_probe=True),
)


def port(name: str = "web-1", number: int = 15000, namespace: str = "shop") -> PodPort:
    return PodPort(namespace, name, "istio-proxy", number, 15000)


def cluster() -> Cluster:
    return Cluster(ports={("web-1", 15000): envoy_answers()})


async def test_one_websocket_serves_all_requests_of_a_pod() -> None:
    api = cluster()
    async with PodAdmin(Ways(api), port()) as admin:
        assert (await admin.get("/certs")).body == b'{"certificates": []}'
        assert (await admin.get("/ready")).body == b"LIVE\n"
    assert api.opened == {"portforward": 1}


@pytest.mark.parametrize("refusal", [FORBIDDEN, NO_UPGRADE])
async def test_where_port_forward_is_refused_exec_asks_and_the_refusal_is_met_once(
    refusal: ReadError,
) -> None:
    api = cluster()
    api.refused = {"*/portforward": refusal}
    ways = Ways(api)

    async def ask() -> bytes:
        async with PodAdmin(ways, port()) as admin:
            await admin.get("/certs")
            return (await admin.get("/ready")).body

    assert await asyncio.gather(*(ask() for _ in range(20))) == [b"LIVE\n"] * 20
    assert api.opened["portforward"] == 1


async def test_a_right_that_one_namespace_lacks_is_not_taken_from_the_others() -> None:
    api = cluster()
    api.ports["pay-1", 15000] = envoy_answers()
    api.refused = {"/api/v1/namespaces/shop/pods/web-1/portforward": FORBIDDEN}
    ways = Ways(api)
    async with PodAdmin(ways, port()) as first:
        await first.get("/ready")
        assert first.asks_through_exec
    async with PodAdmin(ways, port("pay-1", namespace="pay")) as second:
        await second.get("/ready")
        assert not second.asks_through_exec


async def test_where_both_are_refused_both_reasons_are_told() -> None:
    api = cluster()
    api.refused = {"*/portforward": FORBIDDEN, "*/exec": DENIED}
    with pytest.raises(ReadError) as caught:
        async with PodAdmin(Ways(api), port()) as admin:
            await admin.get("/ready")
    assert caught.value.status is NotReadStatus.DENIED
    assert caught.value.reason == (
        "port-forward: pods/portforward is forbidden; exec: pods is forbidden"
    )


async def test_a_denial_is_met_once_and_names_no_other_pod() -> None:
    api = cluster()
    api.refused = {"*/portforward": FORBIDDEN, "*/exec": DENIED}
    ways, said = Ways(api), list[str]()
    for _ in range(3):
        with pytest.raises(ReadError) as caught:
            await PodAdmin(ways, port()).get("/ready")
        said.append(caught.value.reason)
    assert api.opened == {"portforward": 1, "exec": 1}
    assert said[2] == (
        "port-forward: forbidden in namespace shop, as for the pod that was asked first; "
        "exec: forbidden in namespace shop, as for the pod that was asked first"
    )


async def test_what_befell_the_way_that_is_allowed_is_what_counts() -> None:
    api = cluster()
    api.refused = {"*/portforward": FORBIDDEN}
    api.ports["web-1", 15000]["/ready"] = CUT
    with pytest.raises(ReadError, match="ended before the command did") as caught:
        await PodAdmin(Ways(api), port()).get("/ready")
    assert caught.value.status is NotReadStatus.FAILED


async def test_exec_is_not_tried_where_no_command_asks_the_port() -> None:
    api = cluster()
    api.refused = {"*/portforward": FORBIDDEN}
    with pytest.raises(ReadError, match="portforward is forbidden"):
        async with PodAdmin(Ways(api), port(number=15999)) as admin:
            await admin.get("/ready")
    assert "exec" not in api.opened


async def test_port_forward_is_not_tried_when_it_is_not_wanted() -> None:
    api = cluster()
    async with PodAdmin(Ways(api, port_forward=False), port()) as admin:
        assert (await admin.get("/ready")).body == b"LIVE\n"
    assert api.opened == {"exec": 1}


async def test_a_status_is_the_same_answer_by_either_way() -> None:
    api = cluster()
    api.ports["web-1", 15000]["/ready"] = (503, b"DRAINING\n")
    for ways in (Ways(api), Ways(api, port_forward=False)):
        async with PodAdmin(ways, port()) as admin:
            answer = await admin.get("/ready")
            assert (answer.status, answer.body.strip()) == (503, b"DRAINING")


@pytest.mark.parametrize(
    "body", [b"404 page not found\n", b"invalid path. admin commands are:\n  /certs: print\n"]
)
async def test_a_path_that_is_not_there_is_told_by_exec_as_well(body: bytes) -> None:
    api = cluster()
    api.ports["web-1", 15000]["/certs"] = (404, body)
    async with PodAdmin(Ways(api, port_forward=False), port()) as admin:
        assert (await admin.get("/certs")).status == 404


@pytest.mark.parametrize("port_forward", [True, False])
async def test_a_silent_pod_costs_one_time_out(port_forward: bool) -> None:
    api, sink = cluster(), Kept()
    api.ports["web-1", 15000]["/memory"] = HANG
    ways = Ways(api, port_forward, request_timeout=0.05)
    async with PodAdmin(ways, port()) as admin:
        assert await read_files(admin, "p", FILES, sink) is None
    assert list(sink.files) == ["p/a.json"]
    assert sink.why("p") == (
        "timeout",
        "no answer to /memory within 0.05s; after it 2 more were not asked",
    )


@pytest.mark.parametrize("broken", [CUT, GARBAGE])
async def test_a_broken_answer_costs_itself_alone(broken: str) -> None:
    api, sink = cluster(), Kept()
    api.ports["web-1", 15000]["/memory"] = broken
    async with PodAdmin(Ways(api), port()) as admin:
        assert await read_files(admin, "p", FILES, sink) is None
    assert sink.files.keys() == {"p/a.json", "p/c.txt", "p/d.txt"}
    assert sink.missed.keys() == {"p/b.json"}
    assert api.opened["portforward"] == 2


async def test_a_port_where_nothing_listens_is_one_reason_and_no_line_each() -> None:
    api, sink = Cluster(), Kept()
    async with PodAdmin(Ways(api), PodPort("shop", "web-1", "ztunnel", 15000, 0)) as admin:
        error = await read_files(admin, "p", FILES, sink)
    assert error is not None
    assert "connection refused" in error.reason
    assert not sink.missed
    assert api.opened["portforward"] == 2


async def test_a_status_other_than_200_is_a_line_unless_it_is_a_fact() -> None:
    api, sink = cluster(), Kept()
    api.ports["web-1", 15000]["/certs"] = (500, b"oh no")
    del api.ports["web-1", 15000]["/memory"]
    files = (FILES[0], AdminFile("b.json", "/memory", may_lack=True), FILES[3])
    async with PodAdmin(Ways(api), port()) as admin:
        await read_files(admin, "p", files, sink)
    assert sink.missed.keys() == {"p/a.json"}
    assert sink.missed["p/a.json"].reason == "it answered 500: oh no"
    assert sink.files == {"p/d.txt": b"LIVE\n200\n"}
