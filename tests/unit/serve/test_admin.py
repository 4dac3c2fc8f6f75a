from __future__ import annotations

import json

import pytest

from meshdoctor.serve.admin import admin_reply, is_listening, unread_reason
from meshdoctor.serve.admin_reply import AdminReply
from meshdoctor.serve.streams_pod import Pod, find_pod
from tests.unit.serve.stand_in import StandIn, pod, shop

PROXY = "proxies/shop/web"


def ask(mesh: StandIn, target: str, port: int = 15000, who: str = "shop/web") -> AdminReply:
    namespace, _, name = who.partition("/")
    return admin_reply(mesh, find_pod(mesh, namespace, name), port, "GET", target)


def sections(reply: AdminReply) -> list[str]:
    return [part["@type"].rpartition(".")[2] for part in json.loads(reply.body)["configs"]]


def test_endpoints_are_in_the_dump_only_where_they_are_asked_for() -> None:
    mesh = shop()
    whole = ["BootstrapConfigDump", "EndpointsConfigDump"]
    for query in ("?include_eds", "?include_eds=true"):
        reply = ask(mesh, f"/config_dump{query}")
        assert reply.body == mesh.files[f"{PROXY}/config_dump.json"]
        assert sections(reply) == whole
    assert sections(ask(mesh, "/config_dump")) == ["BootstrapConfigDump"]
    assert sections(ask(mesh, "/config_dump?mask=bootstrap")) == ["BootstrapConfigDump"]


def test_a_dump_that_is_garbled_is_answered_as_it_was_recorded() -> None:
    mesh = shop()
    mesh.files[f"{PROXY}/config_dump.json"] = b'{"configs": ['
    assert ask(mesh, "/config_dump").body == b'{"configs": ['


@pytest.mark.parametrize(
    "target",
    [
        "/certs",
        "/memory",
        "/clusters",
        "/listeners?format=text",
        "/config_dump?resource=x",
        "/config_dump?mask=clusters",
        "/runtime",
        "/stats?format=prometheus",
        "/stats/prometheus",
    ],
)
def test_what_envoy_would_answer_and_the_recording_cannot_is_never_an_empty_answer(
    target: str,
) -> None:
    reply = ask(shop(), target)
    assert reply.status == 503
    assert b"the recording holds no answer to" in reply.body


def test_a_path_that_envoy_does_not_know_is_404() -> None:
    reply = ask(shop(), "/nothing")
    assert reply.status == 404
    assert reply.body.startswith(b"invalid path. admin commands are:\n")


def test_stats_are_filtered_as_envoy_does() -> None:
    mesh = shop()
    assert ask(mesh, "/stats?usedonly").body == b"server.live: 1\n"
    assert ask(mesh, "/stats?filter=total_").body == b"server.total_connections: 0\n"
    found = json.loads(ask(mesh, "/stats?format=json").body)["stats"]
    assert found[0] == {"name": "server.live", "value": 1}
    assert ask(mesh, "/stats?filter=(").status == 400


@pytest.mark.parametrize(
    ("recorded", "status", "body"),
    [
        (b"\n200\n", 200, b"LIVE\n"),
        (b"LIVE\n", 200, b"LIVE\n"),
        (b"PRE_INITIALIZING\n503\n", 503, b"PRE_INITIALIZING\n"),
        (b"DRAINING\n", 503, b"DRAINING\n"),
        (None, 200, b"LIVE\n"),
    ],
)
def test_ready_is_what_was_recorded_else_the_servers_state(
    recorded: bytes | None, status: int, body: bytes
) -> None:
    mesh = shop()
    if recorded is not None:
        mesh.files[f"{PROXY}/ready.txt"] = recorded
    reply = ask(mesh, "/ready")
    assert (reply.status, reply.body) == (status, body)


def test_an_unready_server_without_a_recorded_answer_is_unready() -> None:
    mesh = shop()
    mesh.files[f"{PROXY}/server_info.json"] = b'{"state":"INITIALIZING"}'
    assert ask(mesh, "/ready").status == 503


def test_a_recorded_error_is_the_answer_and_its_reason_is_kept() -> None:
    mesh = shop()
    mesh.problems[f"{PROXY}/ready.txt"] = "command terminated with exit code 7"
    assert ask(mesh, "/ready").unread == "command terminated with exit code 7"
    assert ask(mesh, "/healthz/ready", 15021).status == 503


def test_the_agent_answers_probes() -> None:
    mesh = shop()
    mesh.files[f"{PROXY}/ready.txt"] = b"\n503\n"
    for port in (15020, 15021):
        assert ask(mesh, "/healthz/ready", port).status == 503
        assert ask(mesh, "/config_dump", port).status == 404


def test_istiods_paths_are_those_of_its_debug_interface() -> None:
    mesh, who = shop(), "istio-system/istiod-1"
    assert ask(mesh, "/debug/syncz?namespace=shop", 15014, who).body == b"[]"
    assert ask(mesh, "/version", 15014, who).body == b"1.32.0\n"
    assert ask(mesh, "/ready", 8080, who).status == 200
    assert ask(mesh, "/debug/nothing", 15014, who).status == 404
    mesh.files["istiod/istio-system/istiod-1/debug/endpointz.json"] = b"{}"
    assert ask(mesh, "/debug/endpointShardz", 8080, who).body == b"{}"


def test_ztunnels_servers_are_its_own() -> None:
    mesh, who = shop(), "istio-system/ztunnel-1"
    assert ask(mesh, "/config_dump", 15000, who).body == b'{"workloads":[]}'
    assert ask(mesh, "/stats/prometheus", 15020, who).body == b"up 1\n"
    assert ask(mesh, "/healthz/ready", 15021, who).body == b"ready\n"
    assert ask(mesh, "/certs", 15000, who).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_but_reading_is_carried_out(method: str) -> None:
    mesh = shop()
    web = find_pod(mesh, "shop", "web")
    assert admin_reply(mesh, web, 15000, method, "/quitquitquit").status == 405


def test_a_pod_listens_where_it_was_heard_when_it_was_recorded() -> None:
    mesh = shop()
    web: Pod = find_pod(mesh, "shop", "web")
    assert is_listening(mesh, web, 15000)
    assert not is_listening(mesh, web, 15014)
    lonely = StandIn([pod()], problems={f"{PROXY}/clusters.json": "it was asleep"})
    assert not is_listening(lonely, find_pod(lonely, "shop", "web"), 15000)
    assert unread_reason(lonely, find_pod(lonely, "shop", "web")) == "it was asleep"
    plain = StandIn([pod(init=())])
    assert find_pod(plain, "shop", "web").role == ""
    assert not is_listening(plain, find_pod(plain, "shop", "web"), 15000)
