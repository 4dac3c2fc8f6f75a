from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from meshdoctor.serve.pod_logs import LogOptions, chosen_bytes, read_options
from meshdoctor.serve.pod_logs_lines import timed_lines
from meshdoctor.serve.streams_refusal import RefusedError
from tests.unit.serve.stand_in import ISTIOD, NOW, StandIn, pod, running, shop

PATH = "/api/v1/namespaces/shop/pods/web/log"


async def log(mesh: StandIn, query: str = "", path: str = PATH) -> tuple[int, bytes]:
    async with running(mesh) as server, server.session.get(f"{server.url}{path}{query}") as answer:
        return answer.status, await answer.read()


async def refusal(mesh: StandIn, query: str = "", path: str = PATH) -> tuple[int, str]:
    status, body = await log(mesh, query, path)
    assert status >= 400
    said: dict[str, Any] = json.loads(body)
    assert said["kind"] == "Status"
    return status, said["message"]


async def test_each_container_has_the_file_that_the_recording_keeps_it_in() -> None:
    mesh = shop()
    mesh.files["istiod/istio-system/istiod-1/discovery.log"] = b"istiod\n"
    mesh.files["ztunnels/istio-system/ztunnel-1/ztunnel.log"] = b"ztunnel\n"
    assert await log(mesh) == (200, b"hello\nworld\n")
    assert (await log(mesh, "?container=istio-proxy&tailLines=1"))[1].endswith(b"two\n")
    system = "/api/v1/namespaces/istio-system/pods"
    assert await log(mesh, "", f"{system}/istiod-1/log") == (200, b"istiod\n")
    assert await log(mesh, "", f"{system}/ztunnel-1/log") == (200, b"ztunnel\n")


async def test_a_container_has_to_be_named_where_there_are_several() -> None:
    mesh = StandIn([pod(containers=("app", "cache"))], {"logs/shop/web/cache.log": b"x\n"})
    assert await refusal(mesh) == (
        400,
        "a container name must be specified for pod web, choose one of: [app cache] "
        "or one of the init containers: [istio-init istio-proxy]",
    )
    assert await log(mesh, "?container=cache") == (200, b"x\n")


async def test_a_container_that_is_none_is_refused() -> None:
    assert await refusal(shop(), "?container=nope") == (
        400,
        "container nope is not valid for pod web",
    )


async def test_a_pod_that_is_none_is_not_found() -> None:
    path = "/api/v1/namespaces/shop/pods/gone/log"
    assert await refusal(shop(), "", path) == (404, 'pods "gone" not found')


async def test_the_previous_log_is_its_own_file_and_refused_where_there_was_none() -> None:
    mesh = shop()
    assert await refusal(mesh, "?previous=true") == (
        400,
        'previous terminated container "app" in pod "web" not found',
    )
    mesh.files["logs/shop/web/app.previous.log"] = b"crash\n"
    assert await log(mesh, "?previous=true") == (200, b"crash\n")


async def test_a_log_that_could_not_be_read_is_the_recorded_error_never_empty() -> None:
    mesh = shop()
    del mesh.files["logs/shop/web/app.log"]
    waiting = 'container "app" in pod "web" is waiting to start: PodInitializing'
    mesh.problems["logs/shop/web/app.log"] = f"Error from server (BadRequest): {waiting}"
    assert await refusal(mesh) == (400, waiting)


async def test_a_log_that_nobody_recorded_is_an_error() -> None:
    mesh = shop()
    del mesh.files["logs/shop/web/app.log"]
    assert await refusal(mesh) == (
        404,
        'the recording holds no log of container "app" in pod "web"',
    )


async def test_a_container_that_waits_says_so() -> None:
    states = {"app": {"state": {"waiting": {"reason": "ImagePullBackOff"}}}}
    assert await refusal(StandIn([pod(states=states)])) == (
        400,
        'container "app" in pod "web" is waiting to start: ImagePullBackOff',
    )


async def test_an_init_container_that_did_its_work_said_nothing() -> None:
    done = {"istio-init": {"state": {"terminated": {"exitCode": 0}}}}
    assert await log(StandIn([pod(states=done)]), "?container=istio-init") == (200, b"")
    failed = {"istio-init": {"state": {"terminated": {"exitCode": 1}}}}
    assert (await refusal(StandIn([pod(states=failed)]), "?container=istio-init"))[0] == 404


async def test_following_sends_what_there_is_and_ends_when_the_client_goes() -> None:
    async with running(shop()) as server:
        async with server.session.get(f"{server.url}{PATH}?follow=true") as answer:
            assert await answer.content.readline() == b"hello\n"
            assert await answer.content.readline() == b"world\n"
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(answer.content.readline(), 0.2)
        assert server.audit.requests[0].path == PATH


async def test_following_ends_when_the_server_stops() -> None:
    async with asyncio.timeout(3), running(shop()) as server:
        answer = await server.session.get(f"{server.url}{PATH}?follow=true")
        assert await answer.content.readline() == b"hello\n"
    answer.close()


SAMPLE = (
    b"cut off at the head\n"
    b"[2026-11-21T07:00:00.500Z] access\n"
    b"  a further line\n"
    b"2026-11-21T07:30:00.123456Z\tinfo\tagent\n"
    b"2026/11/21 07:40:00 INFO go\n"
    b'{"level":"info","time":"2026-11-21T07:50:00.1Z"}\n'
    b"the end"
)


def test_each_form_of_line_tells_its_time_and_others_carry_the_last_one_forward() -> None:
    times = [f"{line.time:%H:%M:%S.%f}" for line in timed_lines(SAMPLE)]
    assert times == [
        "07:00:00.500000",
        "07:00:00.500000",
        "07:00:00.500000",
        "07:30:00.123456",
        "07:40:00.000000",
        "07:50:00.100000",
        "07:50:00.100000",
    ]


def test_lines_before_the_moment_asked_for_are_left_out() -> None:
    since = read_options({"sinceSeconds": "1800"}, NOW)
    chosen = chosen_bytes(SAMPLE, since, NOW)
    assert chosen.startswith(b"2026-11-21T07:30")
    assert chosen_bytes(SAMPLE, read_options({"sinceTime": "2026-11-21T07:45:00Z"}, NOW), NOW) == (
        b'{"level":"info","time":"2026-11-21T07:50:00.1Z"}\nthe end'
    )


def test_a_log_without_any_time_is_never_too_old() -> None:
    assert chosen_bytes(b"a\nb\n", read_options({"sinceSeconds": "1"}, NOW), NOW) == b"a\nb\n"
    stamped = chosen_bytes(b"a\n", LogOptions(timestamps=True), NOW)
    assert stamped == b"2026-11-21T08:00:00.000000000Z a\n"


def test_the_tail_is_counted_after_the_time_and_bytes_after_both() -> None:
    options = LogOptions(tail_lines=2)
    tail = chosen_bytes(SAMPLE, options, NOW)
    assert tail.splitlines()[0].startswith(b'{"level"')
    assert chosen_bytes(SAMPLE, LogOptions(tail_lines=0), NOW) == b""
    assert chosen_bytes(SAMPLE, LogOptions(tail_lines=2, limit_bytes=5), NOW) == tail[:5]


@pytest.mark.parametrize(
    "query",
    [
        {"sinceSeconds": "0"},
        {"sinceSeconds": "1", "sinceTime": "2026-11-21T07:45:00Z"},
        {"sinceTime": "yesterday"},
        {"tailLines": "-1"},
        {"tailLines": "many"},
        {"limitBytes": "0"},
    ],
)
def test_options_that_kubernetes_refuses_are_refused(query: dict[str, str]) -> None:
    with pytest.raises(RefusedError) as caught:
        read_options(query, NOW)
    assert caught.value.status["code"] in {400, 422}


async def test_istiods_only_container_needs_no_name() -> None:
    mesh = StandIn([ISTIOD], {"istiod/istio-system/istiod-1/discovery.log": b"x"})
    assert await log(mesh, "", "/api/v1/namespaces/istio-system/pods/istiod-1/log") == (200, b"x")
