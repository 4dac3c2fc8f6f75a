from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.server_first_protocols import ANALYZER
from meshdoctor.model.finding import FactState, Severity
from tests.build import deployment, mesh, pod, service
from tests.unit.analyze.traffic_build import client, line, named, passed, problems, shop

VIP = "10.96.0.9"


def behind(
    name: str = "orders", *, image: str = "app:1", port: int = 3306, target: int = 8080, **more: Any
) -> list[dict[str, Any]]:
    """A Service with one port and its pod, beside the shop."""
    declared = {"port": port, "targetPort": target, "protocol": "TCP", **more}
    server = pod(f"{name}-abc-1", owner=name, labels={"app": name}, ip="10.244.0.9")
    server["spec"]["containers"][0]["image"] = image
    return [
        *shop(),
        service(name, clusterIP=VIP, ports=[declared]),
        deployment(name, labels={"app": name}),
        server,
    ]


def declared(objects: list[dict[str, Any]], **fields: str) -> list[dict[str, Any]]:
    objects[-3]["spec"]["ports"][0] |= fields
    return objects


def at(name: str, port: int) -> list[tuple[str, str, str]]:
    return [("MD0135", f"destination {name}.shop.svc.cluster.local:{port}", f"Service shop/{name}")]


def severities(objects: list[dict[str, Any]], *lines: str) -> list[Severity | None]:
    return [found.severity for found in problems(ANALYZER, mesh(objects, proxies=[client(*lines)]))]


@pytest.mark.parametrize(
    ("name", "image", "port"),
    [
        ("orders", "docker.io/library/mysql:8", 3306),
        ("mysql", "app:1", 3306),
        ("mail", "registry.example/tools/postfix@sha256:abc", 25),
        ("cache-redis", "app:1", 6379),
        ("store", "bitnami/mongodb:7", 27017),
    ],
)
def test_a_port_that_is_named_http_and_serves_something_else(
    name: str, image: str, port: int
) -> None:
    objects = declared(behind(name, image=image, port=port), name="http-data")
    snapshot = mesh(objects, proxies=[client()])
    assert named(ANALYZER, snapshot) == at(name, port)
    (found,) = problems(ANALYZER, snapshot)
    assert found.severity is None
    assert '"value": "tcp"' in found.fills["command"]


def test_an_unnamed_port_of_a_server_that_speaks_first() -> None:
    objects = behind("orders", image="mariadb:11", port=13306, target=3306)
    assert named(ANALYZER, mesh(objects, proxies=[client()])) == at("orders", 13306)


def test_istio_takes_the_well_known_ports_for_tcp_unless_they_say_otherwise() -> None:
    snapshot = mesh(behind("mysql", image="mysql:8"), proxies=[client()])
    assert problems(ANALYZER, snapshot) == []
    assert {code for code, _ in passed(ANALYZER, snapshot)} == {"MD0135"}


def test_a_guess_goes_well_where_clients_speak_first() -> None:
    objects = behind("redis", image="redis:7", port=6379)
    assert problems(ANALYZER, mesh(objects, proxies=[client()])) == []


@pytest.mark.parametrize("name", ["tcp-mysql", "mysql", "tls-mysql"])
def test_a_port_that_says_what_it_is_is_in_order(name: str) -> None:
    objects = declared(behind("mysql", image="mysql:8"), name=name)
    assert problems(ANALYZER, mesh(objects, proxies=[client()])) == []


def test_a_port_number_alone_is_but_suspicious() -> None:
    assert severities(declared(behind(), name="http")) == [Severity.WARNING]


def test_a_connection_that_is_no_http_makes_the_suspicion_sure() -> None:
    error = line("-", code=400, flags="DPE", details="http1.codec_error", local=f"{VIP}:3306")
    objects = declared(behind(), name="http")
    assert severities(objects, error) == [None]
    (found,) = problems(ANALYZER, mesh(objects, proxies=[client(error)]))
    assert found.facts[-1].state is FactState.HOLDS


def test_requests_that_are_answered_clear_the_port() -> None:
    cluster = "outbound|3306||mysql.shop.svc.cluster.local"
    objects = declared(behind("mysql", image="mysql:8"), name="http")
    assert severities(objects, line(cluster, local=f"{VIP}:3306")) == []


def test_connections_that_carry_bytes_clear_a_port_that_is_guessed_at() -> None:
    cluster = "outbound|13306||orders.shop.svc.cluster.local"
    flowed = line(cluster, code=0, details="-").replace('"GET / HTTP/1.1"', '"- - -"')
    objects = behind("orders", image="mysql:8", port=13306, target=3306)
    assert severities(objects, flowed.replace('" 0 9 1 1', '" 7 9 1 1')) == []
    assert severities(objects, flowed) == [None]


@pytest.mark.parametrize(
    ("name", "image", "port", "port_name"),
    [
        ("mysql-exporter", "prom/mysqld-exporter:1", 9104, "http-metrics"),
        ("redis-commander", "redis-commander:1", 8081, "http"),
        ("rabbitmq", "rabbitmq:3-management", 15672, "http-management"),
        ("web", "app:1", 8080, "http"),
    ],
)
def test_web_pages_beside_such_a_server_are_http(
    name: str, image: str, port: int, port_name: str
) -> None:
    assert severities(declared(behind(name, image=image, port=port), name=port_name)) == []


def test_nobody_reads_http_where_nobody_has_a_proxy() -> None:
    objects = [
        service("mysql", ports=[{"name": "http", "port": 3306}]),
        pod("mysql-1", labels={"app": "mysql"}, proxy=None),
    ]
    assert list(ANALYZER.analyze(mesh(objects))) == []
