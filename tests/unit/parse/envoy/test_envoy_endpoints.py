from __future__ import annotations

from typing import Any

import pytest

from tests.unit.parse.envoy.dumps import assignment, endpoints, lb_endpoint, read, section, socket


def metadata(**parts: Any) -> dict[str, Any]:
    return {"filter_metadata": parts}


@pytest.mark.parametrize(
    ("address", "text", "expected"),
    [
        (socket("10.0.0.1", 80), "10.0.0.1:80", ("10.0.0.1", 80, "")),
        ({"pipe": {"path": "./etc/XDS"}}, "./etc/XDS", ("./etc/XDS", 0, "")),
        (
            {
                "envoy_internal_address": {
                    "server_listener_name": "connect_originate",
                    "endpoint_id": "10.0.0.2:8080",
                }
            },
            "envoy://connect_originate/10.0.0.2:8080",
            ("10.0.0.2", 8080, "connect_originate"),
        ),
        (
            {"envoy_internal_address": {"server_listener_name": "main_internal"}},
            "envoy://main_internal/",
            ("", 0, "main_internal"),
        ),
    ],
)
def test_addresses_of_every_kind_are_read(
    address: dict[str, Any], text: str, expected: tuple[str, int, str]
) -> None:
    found = read(endpoints(assignment("c", lb_endpoint(address)))).endpoints[0].endpoints[0]
    assert (found.address, found.port, found.via) == expected
    assert str(found) == text


def test_what_istiod_says_of_an_endpoint_is_kept() -> None:
    entry = lb_endpoint(
        socket("10.0.0.1", 80),
        health_status="UNHEALTHY",
        load_balancing_weight={"value": 3},
        metadata=metadata(
            istio={"workload": "web-v1;shop;web;v1;Kubernetes"},
            **{"envoy.transport_socket_match": {"tlsMode": "istio", "tunnel": "http"}},
        ),
    )
    group = {"locality": {"region": "eu", "zone": "a"}, "priority": 1, "lb_endpoints": [entry]}
    dump = read(endpoints({"cluster_name": "c", "endpoints": [group]}))
    found = dump.endpoints[0].endpoints[0]
    assert (found.health, found.weight, found.priority) == ("UNHEALTHY", 3, 1)
    assert (found.locality, found.tls_mode, found.hbone) == ("eu/a", "istio", True)
    assert (found.workload_name, found.workload_namespace) == ("web-v1", "shop")
    assert found.pointer == (
        "/configs/0/dynamic_endpoint_configs/0/endpoint_config/endpoints/0/lb_endpoints/0"
    )


def test_metadata_of_another_form_names_no_workload() -> None:
    entry = lb_endpoint(socket("10.0.0.1", 80), metadata=metadata(istio={"workload": "web"}))
    found = read(endpoints(assignment("c", entry))).endpoints[0].endpoints[0]
    assert (found.workload, found.workload_name, found.workload_namespace) == ("web", "", "")


def test_a_cluster_without_endpoints_has_an_empty_assignment() -> None:
    dump = read(endpoints({"cluster_name": "c"}, {}))
    found = dump.load_assignment("c")
    assert found
    assert (found.endpoints, found.static) == ((), False)
    assert dump.errors == ("/configs/0/dynamic_endpoint_configs/1: no cluster_name",)


def test_static_assignments_are_told_apart() -> None:
    entry = {"endpoint_config": assignment("agent")}
    assert read(section("Endpoints", static_endpoint_configs=[entry])).endpoints[0].static
