from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.collect.allow_list import (
    WriteRefused,
    allow_frame,
    allow_get,
    allow_review,
    allow_socket,
)
from meshdoctor.collect.api import ReadError

V4 = ["v4.channel.k8s.io"]
POD = "/api/v1/namespaces/shop/pods/web-1"
COMMAND = [
    ("container", "istio-proxy"),
    ("stdout", "true"),
    ("command", "pilot-agent"),
    ("command", "request"),
    ("command", "GET"),
    ("command", "config_dump?include_eds=true"),
]
READY = b"\0GET /ready HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n"

READS = [
    "/version",
    "/api",
    "/api/v1",
    "/apis",
    "/apis/networking.istio.io",
    "/apis/networking.istio.io/v1",
    "/apis/networking.istio.io/v1beta1/virtualservices",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gateways.networking.istio.io",
    "/api/v1/pods",
    "/api/v1/namespaces",
    "/api/v1/namespaces/shop",
    "/api/v1/namespaces/shop/pods",
    POD,
    f"{POD}/log",
    "/api/v1/namespaces/shop/pods/proxy",
    "/apis/apps/v1/namespaces/shop/deployments/web/scale",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node",
    "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods",
    "/readyz",
    "/livez/etcd",
    "/openapi/v3/apis/networking.istio.io/v1",
]

NO_READS = [
    "",
    "/",
    "api/v1/pods",
    "//api/v1/pods",
    "/api//v1/pods",
    "/api/v1/pods/",
    "/API/v1/pods",
    "/api/V1/pods",
    "/api/v1/Pods",
    "/api/v2/pods",
    f"{POD}/proxy",
    f"{POD}/PROXY",
    f"{POD}/Proxy/",
    f"{POD}/proxy/",
    f"{POD}/proxy/quitquitquit",
    f"{POD}:15000/proxy/quitquitquit",
    f"{POD}/%70roxy",
    f"{POD}/log/../proxy",
    f"{POD}/../../services/web/proxy",
    f"{POD}%2fproxy",
    f"{POD}%2Fproxy",
    f"{POD}%252fproxy",
    f"{POD}/./proxy",
    f"{POD};/proxy",
    f"{POD}\\proxy",
    f"{POD}/proxy#log",
    f"{POD}/log?follow=true",
    f"{POD}/log\n",
    f"{POD}/log\r\nX: y",
    f"{POD}/log ",
    f"{POD}/\uff50roxy",
    f"{POD}/attach",
    f"{POD}/exec",
    f"{POD}/portforward",
    f"{POD}/eviction",
    f"{POD}/binding",
    f"{POD}/ephemeralcontainers",
    f"{POD}/log/extra",
    "/api/v1/namespaces/shop/services/web/proxy",
    "/api/v1/namespaces/shop/services/https:web:443/proxy/debug/force_disconnect",
    "/api/v1/namespaces/shop/serviceaccounts/default/token",
    "/api/v1/namespaces/shop/proxy",
    "/api/v1/nodes/node-1/proxy",
    "/api/v1/nodes/node-1/proxy/run/shop/web-1/app",
    "/api/v1/proxy/nodes/node-1",
    "/api/v1/proxy/namespaces/shop/pods/web-1",
    "/api/v1/redirect/nodes/node-1",
    "/api/v1/watch/pods",
    "/api/v1/namespaces/shop/../kube-system/secrets",
    "/api/v1/namespaces//pods",
    "/apis/apps/v1/deployments/../../../../api/v1/pods",
    "/logs",
    "/metrics",
    "/debug/pprof/heap",
    "/openapi/v3/../../api/v1/pods",
    "http://elsewhere.example/api/v1/pods",
    "@elsewhere.example/api/v1/pods",
]


@pytest.mark.parametrize("path", READS)
def test_a_known_read_is_let_through(path: str) -> None:
    allow_get(path, {"limit": "500", "watch": "true"}, "application/json;g=x;v=v2,*/*;q=0.1")


@pytest.mark.parametrize("path", NO_READS)
def test_any_other_path_is_refused(path: str) -> None:
    with pytest.raises(WriteRefused):
        allow_get(path, {})


@pytest.mark.parametrize(
    "key", ["command", "dryRun", "fieldManager", "Watch", "_method", "", "a&b"]
)
def test_an_unknown_parameter_is_refused(key: str) -> None:
    with pytest.raises(WriteRefused):
        allow_get("/api/v1/pods", {key: "true"})


@pytest.mark.parametrize("accept", ["a\r\nX-HTTP-Method-Override: DELETE", "a\nb", "", "\0"])
def test_an_accept_header_that_smuggles_is_refused(accept: str) -> None:
    with pytest.raises(WriteRefused):
        allow_get("/api/v1/pods", {}, accept)


def test_a_refusal_is_one_line_and_costs_one_input_only() -> None:
    with pytest.raises(ReadError, match="meshdoctor does not send") as caught:
        allow_get("/api/v1/pods\r\nDELETE /api/v1/pods", {})
    assert "\n" not in caught.value.reason
    assert "\r" not in caught.value.reason


@pytest.mark.parametrize(
    "path",
    [
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    ],
)
def test_a_review_of_oneself_is_let_through(path: str) -> None:
    allow_review(path)


@pytest.mark.parametrize(
    "path",
    [
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews/",
        "/apis/authorization.k8s.io/v1/SelfSubjectAccessReviews",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews?dryRun=All",
        "/apis/authorization.k8s.io/v1/namespaces/a/localsubjectaccessreviews",
        "/apis/authentication.k8s.io/v1/tokenreviews",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews/../subjectaccessreviews",
        "/api/v1/namespaces/shop/pods",
        "/api/v1/namespaces/istio-system/serviceaccounts/default/token",
        f"{POD}/exec",
        f"{POD}/eviction",
        "",
    ],
)
def test_any_other_post_is_refused(path: str) -> None:
    with pytest.raises(WriteRefused):
        allow_review(path)


def test_a_forwarded_port_is_let_through() -> None:
    assert allow_socket(f"{POD}/portforward", [("ports", "15000")], V4) == {15000}


def test_a_request_command_is_let_through_and_sent_nothing() -> None:
    assert allow_socket(f"{POD}/exec", COMMAND, ["v5.channel.k8s.io", *V4]) == frozenset()


@pytest.mark.parametrize(
    "query",
    [
        [],
        [("ports", "")],
        [("ports", "0")],
        [("ports", "015000")],
        [("ports", "+15000")],
        [("ports", "15000 ")],
        [("ports", "\u0661\u0665\u0660\u0660\u0660")],
        [("ports", "15000"), ("ports", "22")],
        [("ports", "15000,22")],
        [("ports", "15000"), ("container", "x")],
        [("port", "15000")],
    ],
)
def test_other_than_one_port_is_refused(query: list[tuple[str, str]]) -> None:
    with pytest.raises(WriteRefused):
        allow_socket(f"{POD}/portforward", query, V4)


@pytest.mark.parametrize(
    "path",
    [
        f"{POD}/attach",
        f"{POD}/proxy",
        f"{POD}/log",
        POD,
        f"{POD}/Exec",
        f"{POD}/portforward/",
        f"{POD}/../web-2/portforward",
        f"{POD}/%70ortforward",
        "/api/v1/namespaces/shop/pods/../portforward",
        "/api/v1/nodes/node-1/proxy/exec",
        "/api/v1/namespaces/shop/services/web/portforward",
        f"{POD}/portforward?ports=22",
        f"{POD}/portforward\n",
    ],
)
def test_a_websocket_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(WriteRefused):
        allow_socket(path, [("ports", "15000")], V4)


@pytest.mark.parametrize(
    "protocols",
    [[], ["SPDY/3.1+portforward.k8s.io"], ["v4.channel.k8s.io", "base64url.bearer.x"], [""]],
)
def test_an_unknown_subprotocol_is_refused(protocols: list[str]) -> None:
    with pytest.raises(WriteRefused):
        allow_socket(f"{POD}/portforward", [("ports", "15000")], protocols)


def changed(**values: str | list[str] | None) -> list[tuple[str, str]]:
    """The command with other parameters."""
    query = [pair for pair in COMMAND if pair[0] not in values]
    for key, value in values.items():
        query += [(key, item) for item in ([value] if isinstance(value, str) else value or [])]
    return query


@pytest.mark.parametrize(
    "query",
    [
        changed(container="app"),
        changed(container="discovery"),
        changed(container=None),
        changed(container=["istio-proxy", "app"]),
        changed(stdout=None),
        changed(stdout="false"),
        changed(stdin="true"),
        changed(stdin="false"),
        changed(tty="true"),
        changed(stderr="yes"),
        changed(command=None),
        changed(command=["sh", "-c", "id"]),
        changed(command=["pilot-agent", "request", "POST", "quitquitquit"]),
        changed(command=["pilot-agent", "request", "get", "config_dump"]),
        changed(command=["pilot-agent", "request", "GET", "quitquitquit"]),
        changed(command=["pilot-agent", "request", "GET", "logging?level=debug"]),
        changed(command=["pilot-agent", "request", "GET", "config_dump", "--debug-port=22"]),
        changed(command=["pilot-agent", "--x", "request", "GET", "config_dump"]),
        changed(command=["/usr/local/bin/pilot-agent", "request", "GET", "config_dump"]),
        changed(command=["pilot-agent", "request", "GET", "../quitquitquit"]),
        changed(command=["pilot-agent", "request", "GET", "config_dump/../quitquitquit"]),
        changed(command=["pilot-agent", "request", "GET", "@elsewhere.example/"]),
        changed(command=["pilot-agent", "request", "GET", "//config_dump"]),
        changed(command=["pilot-agent", "request", "GET", ""]),
        changed(command=["pilot-discovery", "request", "GET", "/debug/syncz"]),
        changed(
            container="discovery",
            command=["pilot-discovery", "request", "GET", "/debug/adsz?push=true"],
        ),
        changed(
            container="discovery",
            command=["pilot-discovery", "request", "GET", "/debug/force_disconnect?proxyID=a"],
        ),
    ],
)
def test_any_other_command_is_refused(query: list[tuple[str, str]]) -> None:
    with pytest.raises(WriteRefused):
        allow_socket(f"{POD}/exec", query, V4)


def test_istiods_command_is_let_through() -> None:
    words = ["pilot-discovery", "request", "GET", "/debug/syncz"]
    query = changed(container="discovery", stderr="true", command=words)
    assert allow_socket("/api/v1/namespaces/i/pods/p/exec", query, V4) == frozenset()


def test_one_whole_get_may_be_sent_into_a_forwarded_port() -> None:
    allow_frame({15000}, READY)
    with pytest.raises(WriteRefused):
        allow_frame({15014}, READY.replace(b"/ready", b"/debug/adsz?push=true"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"\1" + READY[1:],
        b"\2" + READY[1:],
        READY[1:],
        READY[:-2],
        READY + b"x",
        READY + READY[1:],
        READY.replace(b"GET", b"POST"),
        READY.replace(b"GET", b"get"),
        READY.replace(b"HTTP/1.1", b"HTTP/1.0"),
        READY.replace(b"/ready", b"/quitquitquit"),
        READY.replace(b"/ready", b"/ready/../quitquitquit"),
        READY.replace(b"/ready", b"http://localhost/ready"),
        READY.replace(b"/ready", b"/ready HTTP/1.1\r\nHost: a\r\n\r\nPOST /quitquitquit"),
        READY.replace(b"Accept: */*", b"X-HTTP-Method-Override: POST"),
        READY.replace(b"Accept: */*", b"X-Method-Override: POST"),
        READY.replace(b"Accept: */*", b"Content-Length: 5"),
        READY.replace(b"Accept: */*", b"Transfer-Encoding: chunked"),
        READY.replace(b"Accept: */*", b"Upgrade: h2c"),
        READY.replace(b"Accept: */*", b"Accept: a\nX: b"),
        READY.replace(b"\r\n", b"\n"),
    ],
)
def test_anything_else_is_not_sent_into_a_forwarded_port(data: bytes) -> None:
    with pytest.raises(WriteRefused):
        allow_frame({15000}, data)


def test_nothing_is_sent_to_a_command() -> None:
    with pytest.raises(WriteRefused):
        allow_frame(frozenset(), READY)


ODD = st.text(alphabet="/.%?&=#;:\\ \n\r\tgGapiv1nodesproxyPROXYexecTk2F5", max_size=60)


@given(st.lists(st.one_of(ODD, st.sampled_from([*READS, *NO_READS])), min_size=1, max_size=3))
def test_whatever_is_let_through_names_no_verb_that_acts(parts: list[str]) -> None:
    path = "".join(parts)
    try:
        allow_get(path, {})
    except WriteRefused:
        return
    assert unquote(path) == path
    assert re.fullmatch(r"(/[A-Za-z0-9._:~-]+)+", path)
    root, *segments = path.split("/")[1:]
    assert not {".", ".."} & {root, *segments}
    rest = segments[1:] if root == "api" else segments[2:] if root == "apis" else []
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        rest = rest[2:]
    verbs = {"proxy", "exec", "attach", "portforward", "token", "redirect", "watch"}
    assert not verbs & {*rest[:1], *rest[2:]}
    assert len(rest) <= 3


@given(st.binary(max_size=80), st.integers(0, len(READY)))
def test_no_bytes_can_be_slipped_into_a_get(extra: bytes, at: int) -> None:
    data = READY[:at] + extra + READY[at:]
    try:
        allow_frame({15000}, data)
    except WriteRefused:
        return
    assert data.count(b"\r\n\r\n") == 1
    assert data.endswith(b"\r\n\r\n")
    assert data.startswith((b"\0GET /ready ", b"\0GET /ready"))
    assert b"override" not in data.lower()
