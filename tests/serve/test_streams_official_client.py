"""The official Kubernetes client for Python, which nobody here wrote, as judge of the streams."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import portforward, stream

from tests.unit.serve.stand_in import Running, running, shop

if TYPE_CHECKING:
    from collections.abc import Callable


async def judged(server: Running, judge: Callable[[client.CoreV1Api], Any]) -> Any:
    """Let the client do something in a thread of its own."""

    def run() -> Any:
        configuration = client.Configuration(host=server.url)
        with client.ApiClient(configuration) as api_client:
            try:
                return judge(client.CoreV1Api(api_client))
            finally:
                api_client.rest_client.pool_manager.clear()

    async with asyncio.timeout(8):
        return await asyncio.to_thread(run)


def _ask(forward: Any, port: int, *paths: str) -> list[tuple[int, bytes]]:
    """GET paths over one connection of a port-forward."""
    connection = http.client.HTTPConnection("localhost", port)
    connection.sock = forward.socket(port)
    connection.sock.setblocking(True)
    answers = []
    for path in paths:
        connection.request("GET", path)
        answer = connection.getresponse()
        answers.append((answer.status, answer.read()))
    return answers


def _close(forward: Any) -> None:
    forward.close()
    for port in forward.local_ports.values():
        port.python.close()
    forward.websocket.close()


async def test_its_port_forward_reads_several_answers_over_several_ports() -> None:
    def judge(api: client.CoreV1Api) -> list[tuple[int, bytes]]:
        forward = portforward(
            api.connect_get_namespaced_pod_portforward, "web", "shop", ports="15000,15021"
        )
        try:
            answers = _ask(forward, 15000, "/stats?usedonly", "/clusters?format=json")
            answers += _ask(forward, 15021, "/healthz/ready")
            assert forward.error(15000) is None
        finally:
            _close(forward)
        return answers

    async with running(shop()) as server:
        stats, clusters, ready = await judged(server, judge)
        assert server.audit.requests[0].ports == (15000, 15021)
    assert stats == (200, b"server.live: 1\n")
    assert json.loads(clusters[1]) == {"cluster_statuses": []}
    assert ready == (200, b"")


async def test_its_port_forward_tells_of_a_port_that_nobody_listens_on() -> None:
    def judge(api: client.CoreV1Api) -> str:
        forward = portforward(
            api.connect_get_namespaced_pod_portforward, "web", "shop", ports="9999"
        )
        try:
            assert forward.socket(9999).recv(10) == b""
            return str(forward.error(9999))
        finally:
            _close(forward)

    async with running(shop()) as server:
        assert (await judged(server, judge)).endswith("connect: connection refused")


def _exec(api: client.CoreV1Api, *command: str) -> tuple[str, int]:
    opened = stream(
        api.connect_get_namespaced_pod_exec,
        "web",
        "shop",
        container="istio-proxy",
        command=list(command),
        stdout=True,
        stderr=True,
        stdin=False,
        tty=False,
        _preload_content=False,
    )
    try:
        opened.run_forever(timeout=5)
        code = opened.returncode
        return opened.read_all(), code
    finally:
        opened.close()
        # It leaves its socket open when the other end closed first.
        opened.sock.shutdown()


async def test_its_exec_reads_the_admin_interface_and_exit_codes() -> None:
    async with running(shop()) as server:
        out, code = await judged(
            server, lambda api: _exec(api, "pilot-agent", "request", "GET", "ready")
        )
        assert (out, code) == ("LIVE\n\n", 0)
        _, code = await judged(server, lambda api: _exec(api, "pilot-agent", "wait"))
        assert code == 255


async def test_its_logs_and_refusals_are_understood() -> None:
    async with running(shop(), "deny:get:pods/log:shop:1") as server:
        with pytest.raises(ApiException) as caught:
            await judged(server, lambda api: api.read_namespaced_pod_log("web", "shop"))
        assert caught.value.status == 403
        assert json.loads(caught.value.body or "")["reason"] == "Forbidden"
        text = await judged(
            server, lambda api: api.read_namespaced_pod_log("web", "shop", tail_lines=1)
        )
        assert text == "world\n"
