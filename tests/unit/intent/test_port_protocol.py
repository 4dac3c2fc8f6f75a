from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.intent.port_protocol import PortProtocol, declared_as, protocol_of
from tests.build import istio_object, mesh, service


def _taken_for(item: dict[str, Any]) -> tuple[PortProtocol, str]:
    (host,) = mesh([item]).registry.hosts
    (port,) = host.ports
    return protocol_of(host, port), declared_as(host, port)


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        ({"name": "http"}, "HTTP"),
        ({"name": "http-web"}, "HTTP"),
        ({"name": "HTTP-web"}, "HTTP"),
        ({"name": "grpc-web"}, "HTTP"),
        ({"name": "http2-web"}, "HTTP2"),
        ({"name": "grpc"}, "HTTP2"),
        ({"name": "https-web"}, "TLS"),
        ({"name": "tls"}, "TLS"),
        ({"name": "tcp-web"}, "TCP"),
        ({"name": "mysql"}, "TCP"),
        ({"name": "web-http"}, "AUTO"),
        ({"name": "httpweb"}, "AUTO"),
        ({}, "AUTO"),
        ({"port": 3306}, "TCP"),
        ({"port": 27017, "name": "db"}, "TCP"),
        ({"port": 3306, "name": "http-db"}, "HTTP"),
        ({"name": "http", "protocol": "UDP"}, "UDP"),
        ({"name": "tcp", "appProtocol": "http"}, "HTTP"),
        ({"name": "http", "appProtocol": "tcp"}, "TCP"),
        ({"name": "http", "appProtocol": "kubernetes.io/h2c"}, "HTTP2"),
        ({"name": "http", "appProtocol": "kubernetes.io/wss"}, "TLS"),
        ({"name": "http", "appProtocol": "example.com/own"}, "AUTO"),
    ],
    ids=str,
)
def test_a_services_port_is_taken_for_what_it_declares(port: dict[str, Any], expected: str) -> None:
    found, _ = _taken_for(service("web", ports=[{"port": 8080, **port}]))
    assert found.value == expected


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [("HTTP", "HTTP"), ("GRPC", "HTTP2"), ("HTTPS", "TLS"), ("TCP", "TCP"), ("MONGO", "TCP")],
)
def test_a_service_entrys_port_says_its_protocol(protocol: str, expected: str) -> None:
    ports = [{"number": 80, "name": "tcp-named", "protocol": protocol}]
    entry = istio_object("ServiceEntry", "ext", hosts=["a.example"], ports=ports)
    assert _taken_for(entry) == (PortProtocol(expected), f"protocol {protocol}")


@pytest.mark.parametrize(
    ("port", "words"),
    [
        ({"name": "tcp-x"}, "named tcp-x"),
        ({"name": "tcp-x", "appProtocol": "http"}, "appProtocol http"),
        ({}, "without a name"),
    ],
    ids=str,
)
def test_what_declares_it_is_said(port: dict[str, Any], words: str) -> None:
    assert _taken_for(service("web", ports=[{"port": 8080, **port}]))[1] == words
