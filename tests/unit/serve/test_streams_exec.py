from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from meshdoctor.serve.exec_command import AdminGet, Outcome, read_command
from meshdoctor.serve.streams_pod import find_pod
from tests.unit.serve.stand_in import V4, Running, StandIn, pod, running, shop

V5 = "v5.channel.k8s.io"
SYSTEM = "/api/v1/namespaces/istio-system/pods"
WEB = "/api/v1/namespaces/shop/pods/web"


class Told:
    """What an exec sent on its channels."""

    def __init__(self, protocol: str | None) -> None:
        self.protocol = protocol
        self.channels: dict[int, bytes] = {}

    @property
    def stdout(self) -> bytes:
        return self.channels.get(1, b"")

    @property
    def stderr(self) -> str:
        return self.channels.get(2, b"").decode()

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.channels[3])
        return found

    @property
    def exit_code(self) -> int | None:
        if self.status["status"] == "Success":
            return 0
        causes = self.status.get("details", {}).get("causes", [])
        return next((int(one["message"]) for one in causes if one["reason"] == "ExitCode"), None)


async def execute(
    server: Running,
    *command: str,
    path: str = WEB,
    container: str = "istio-proxy",
    protocols: tuple[str, ...] = (V5, V4),
) -> Told:
    query = [("command", word) for word in command]
    query += [("container", container)] if container else []
    query += [("stdout", "true"), ("stderr", "true")]
    url = f"{server.url}{path}/exec"
    async with server.session.ws_connect(url, params=query, protocols=protocols) as socket:
        told = Told(socket.protocol)
        async for message in socket:
            assert message.type is aiohttp.WSMsgType.BINARY
            channel, data = message.data[0], message.data[1:]
            told.channels[channel] = told.channels.get(channel, b"") + data
    return told


async def get(server: Running, asked: str, **more: Any) -> Told:
    return await execute(server, "pilot-agent", "request", "GET", asked, **more)


async def test_the_answer_comes_on_stdout_with_a_newline_and_success() -> None:
    async with running(shop()) as server:
        told = await get(server, "clusters?format=json")
        assert told.protocol == V5
        assert (told.stdout, told.stderr) == (b'{"cluster_statuses":[]}\n', "")
        assert told.status == {"metadata": {}, "status": "Success"}
        request = server.audit.requests[0]
    assert (request.status, request.is_write) == (101, False)
    assert request.command == ("pilot-agent", "request", "GET", "clusters?format=json")


async def test_large_answers_arrive_whole_in_pieces() -> None:
    mesh = shop()
    body = b'{"configs":["' + b"x" * 200_000 + b'"]}'
    mesh.files["proxies/shop/web/config_dump.json"] = body
    async with running(mesh) as server:
        assert (await get(server, "/config_dump?include_eds")).stdout == body + b"\n"


async def test_pilot_discovery_reads_istiods_debug_interface() -> None:
    async with running(shop()) as server:
        for path, said in (("/debug/syncz", b"[]\n"), ("/version", b"1.32.0\n\n")):
            told = await execute(
                server,
                "pilot-discovery",
                "request",
                "GET",
                path,
                path=f"{SYSTEM}/istiod-1",
                container="",
            )
            assert (told.stdout, told.exit_code) == (said, 0)


async def test_a_404_is_printed_and_is_no_failure() -> None:
    async with running(shop()) as server:
        told = await get(server, "nothing")
    assert told.stdout.startswith(b"invalid path. admin commands are:")
    assert told.exit_code == 0


async def test_any_other_refusal_of_the_admin_interface_is_a_failure() -> None:
    async with running(shop()) as server:
        told = await get(server, "certs")
    assert told.stdout == b""
    assert told.stderr == (
        "Error: received unsuccessful status code 503: the recording holds no answer to /certs\n\n"
    )
    assert told.exit_code == 255


@pytest.mark.parametrize(
    ("container", "command"),
    [
        ("istio-proxy", ("ls", "/")),
        ("istio-proxy", ("pilot-discovery", "request", "GET", "/version")),
        ("app", ("pilot-agent", "request", "GET", "stats")),
    ],
)
async def test_a_program_that_is_not_there_is_not_found(
    container: str, command: tuple[str, ...]
) -> None:
    async with running(shop()) as server:
        told = await execute(server, *command, container=container)
    assert told.status["reason"] == "InternalError"
    assert f'"{command[0]}": executable file not found in $PATH' in told.status["message"]
    assert told.stdout == b""


async def test_ztunnel_has_no_pilot_agent() -> None:
    async with running(shop()) as server:
        told = await get(server, "config_dump", path=f"{SYSTEM}/ztunnel-1")
    assert "executable file not found" in told.status["message"]


@pytest.mark.parametrize(
    "words",
    [
        ("request", "POST", "logging"),
        ("request", "POST", "logging", "level=debug"),
        ("request", "GET"),
        ("request", "GET", "stats", "body"),
        ("request", "GET", "stats", "--debug-port", "15020"),
        ("wait",),
        (),
    ],
)
async def test_nothing_but_a_get_is_carried_out(words: tuple[str, ...]) -> None:
    async with running(shop()) as server:
        told = await execute(server, "pilot-agent", *words)
        assert (told.stdout, told.exit_code) == (b"", 255)
        assert told.stderr.startswith("Error: ")
        assert server.audit.writes()


def test_a_path_may_be_written_with_or_without_its_slash() -> None:
    web = find_pod(shop(), "shop", "web")
    for path in ("stats?usedonly", "/stats?usedonly"):
        command = ("pilot-agent", "request", "GET", path)
        assert read_command(web, "istio-proxy", command) == AdminGet(15000, "/stats?usedonly")
    assert isinstance(read_command(web, "istio-proxy", ()), Outcome)


async def test_a_container_that_does_not_run_is_not_found() -> None:
    mesh = shop()
    waiting = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    mesh.pods = [pod(states={"istio-proxy": waiting})]
    async with running(mesh) as server:
        told = await get(server, "stats")
    assert told.status["message"] == (
        'Internal error occurred: unable to upgrade connection: container not found ("istio-proxy")'
    )


async def test_what_the_recorder_could_not_execute_fails_as_it_did_then() -> None:
    mesh = StandIn([pod()])
    mesh.problems["proxies/shop/web/config_dump.json"] = "command terminated with exit code 7"
    async with running(mesh) as server:
        assert (await get(server, "config_dump")).exit_code == 7
        mesh.problems.clear()
        told = await get(server, "config_dump")
    assert told.exit_code == 255
    assert "dial tcp 127.0.0.1:15000: connect: connection refused" in told.stderr


async def test_one_file_that_could_not_be_read_fails_alone() -> None:
    mesh = shop()
    mesh.problems["proxies/shop/web/certs.json"] = "command terminated with exit code 7"
    async with running(mesh) as server:
        assert (await get(server, "certs")).exit_code == 7
        assert (await get(server, "stats")).exit_code == 0


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ("pods/gone/exec", 404, 'pods "gone" not found'),
        ("pods/web/exec?container=x", 400, "container x is not valid for pod web"),
        ("pods/web/exec", 400, "Upgrade request required"),
        ("pods/web/attach", 405, "pods/attach is not served from a recording"),
    ],
)
async def test_a_refused_upgrade_is_a_status(query: str, code: int, said: str) -> None:
    async with running(shop()) as server:
        url = f"{server.url}/api/v1/namespaces/shop/{query}"
        async with server.session.get(url) as answer:
            status = await answer.json()
    assert (status["code"], status["message"]) == (code, said)


async def test_a_pod_without_a_node_has_no_host() -> None:
    async with (
        running(StandIn([pod(node="")])) as server,
        server.session.get(f"{server.url}{WEB}/exec") as answer,
    ):
        status = await answer.json()
    assert (answer.status, status["reason"]) == (400, "BadRequest")
    assert status["message"] == "pod web does not have a host assigned"


async def test_a_protocol_of_no_common_tongue_is_refused() -> None:
    async with running(shop()) as server:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await get(server, "stats", protocols=("v9.channel.k8s.io",))
    assert caught.value.status == 403


@pytest.mark.parametrize(("protocols", "chosen"), [((V4, V5), V5), ((V4,), V4), ((), None)])
async def test_the_newest_protocol_in_common_is_spoken(
    protocols: tuple[str, ...], chosen: str | None
) -> None:
    async with running(shop()) as server:
        told = await get(server, "stats", protocols=protocols)
    assert told.protocol == chosen
    assert told.stdout.startswith(b"server.live: 1\n")


async def test_an_old_protocol_tells_of_a_failure_in_words() -> None:
    async with running(shop()) as server:
        told = await execute(server, "ls", protocols=("channel.k8s.io",))
    assert b"executable file not found" in told.channels[3]


async def test_an_exec_that_hangs_lasts_until_the_client_goes() -> None:
    async with running(shop(), "silent:proxy:shop/web") as server:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(get(server, "stats"), 0.2)
        server.faults.clear()
        assert (await get(server, "stats")).exit_code == 0


@pytest.mark.parametrize("kind", ["reset", "reset-body", "truncate"])
async def test_an_exec_that_breaks_has_no_status(kind: str) -> None:
    async with running(shop(), f"{kind}:proxy") as server:
        with pytest.raises((aiohttp.ClientError, KeyError)):
            assert (await get(server, "stats")).exit_code is None


async def test_spoilt_output_is_spoilt_and_the_status_is_success() -> None:
    async with running(shop(), "garbage:proxy") as server:
        told = await get(server, "clusters?format=json")
        assert (b"asleep" in told.stdout, told.exit_code) == (True, 0)
        server.faults.set("cut:proxy")
        assert (await get(server, "clusters?format=json")).stdout == b'{"cluster_st'
        server.faults.set("drip:proxy:bytes=5:every=5ms")
        told = await get(server, "clusters?format=json")
        assert told.stdout == b'{"cluster_statuses":[]}\n'
        server.faults.set("status:503:proxy")
        assert (await get(server, "clusters?format=json")).exit_code == 255


async def test_an_exec_may_be_refused_before_it_is_opened() -> None:
    async with running(shop(), "deny:create:pods/exec") as server:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await get(server, "stats")
    assert caught.value.status == 403
