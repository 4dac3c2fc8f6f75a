from __future__ import annotations

import pytest

from meshdoctor.analyze.http_versions import ANALYZER
from tests.build import mesh
from tests.unit.analyze.test_http_rules_on_tcp import FOUND as ON_TCP
from tests.unit.analyze.test_http_rules_on_tcp import with_ports
from tests.unit.analyze.traffic_build import (
    RATINGS_IP,
    TO_RATINGS,
    answered,
    client,
    line,
    named,
    passed,
    problems,
    server,
)

FOUND = ("MD0134", *ON_TCP[1:])
REASON = "upstream_reset_before_response_started{protocol_error}"


def garbled(cluster: str = "inbound|8080||", *, http2: bool = False, ago: int = 5) -> str:
    text = line(
        cluster,
        code=502,
        flags="UPE",
        details=REASON,
        upstream=f"{RATINGS_IP}:8080",
        local=f"{RATINGS_IP}:8080",
        seconds_ago=ago,
    )
    return text.replace("HTTP/1.1", "HTTP/2") if http2 else text


@pytest.mark.parametrize("name", ["http2", "grpc", "grpc-api"])
def test_an_application_that_does_not_speak_the_declared_http2(name: str) -> None:
    called = client(line(TO_RATINGS, code=502))
    snapshot = mesh(with_ports({"name": name}), proxies=[called, server(garbled())])
    assert named(ANALYZER, snapshot) == [FOUND]


def test_http2_on_a_port_declared_http() -> None:
    called = client(line(TO_RATINGS, code=502))
    objects = with_ports({"name": "http"})
    snapshot = mesh(objects, proxies=[called, server(garbled(http2=True))])
    assert named(ANALYZER, snapshot) == [FOUND]
    (found,) = problems(ANALYZER, snapshot)
    assert '"value": "http2"' in found.fills["command"]


def test_garbled_answers_to_http1_are_the_applications_own() -> None:
    called = client(line(TO_RATINGS, code=502))
    snapshot = mesh(with_ports({"name": "http"}), proxies=[called, server(garbled())])
    assert problems(ANALYZER, snapshot) == []


def test_a_server_without_sidecar_is_judged_by_its_callers() -> None:
    snapshot = mesh(with_ports({"name": "grpc"}), proxies=[client(garbled(TO_RATINGS))])
    assert named(ANALYZER, snapshot) == [FOUND]


def test_a_fault_that_is_mended_names_nothing() -> None:
    lines = [garbled(ago=100), *answered(since=5)]
    called = client(line(TO_RATINGS))
    snapshot = mesh(with_ports({"name": "grpc"}), proxies=[called, server(*lines)])
    assert problems(ANALYZER, snapshot) == []


def test_calls_that_are_answered_rule_it_out() -> None:
    called = client(line(TO_RATINGS))
    snapshot = mesh(with_ports({"name": "grpc"}), proxies=[called, server(*answered())])
    assert problems(ANALYZER, snapshot) == []
    assert passed(ANALYZER, snapshot) == {FOUND[:2]}


def test_a_port_that_declares_no_http_has_no_version() -> None:
    called = client(line(TO_RATINGS, code=502))
    snapshot = mesh(with_ports({"name": "tcp"}), proxies=[called, server(garbled(http2=True))])
    assert list(ANALYZER.analyze(snapshot)) == []
