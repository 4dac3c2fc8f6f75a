from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from meshdoctor.model.envoy import HostStatuses
from meshdoctor.parse.envoy import parse_clusters
from meshdoctor.views.proxy_config import cluster, eds, endpoint, listener, route, secret
from tests.unit.parse.envoy.dumps import (
    BORN,
    assignment,
    back_pointer,
    chain,
    clusters,
    endpoints,
    host,
    http,
    inline,
    lb_endpoint,
    listeners,
    pem,
    read,
    route_config,
    routes,
    section,
    socket,
    tcp,
    to,
)
from tests.unit.parse.envoy.dumps import cluster as cluster_config
from tests.unit.parse.envoy.dumps import listener as listener_config

CLUSTERS = read(
    clusters(
        cluster_config(
            "outbound|8080|v1|b.shop.svc", metadata=back_pointer("destination-rule", "b")
        ),
        cluster_config("outbound|80||b.shop.svc"),
        cluster_config("inbound|8080||", type="ORIGINAL_DST"),
        cluster_config("PassthroughCluster", type="ORIGINAL_DST"),
        static_clusters=[{"cluster": cluster_config("agent", type="STATIC")}],
        dynamic_warming_clusters=[{"cluster": cluster_config("outbound|80||new.shop.svc")}],
    )
)


def test_clusters_are_sorted_by_host_and_warming_ones_are_left_out() -> None:
    shown = [
        (row.fqdn, row.port, row.subset, row.direction, row.type, row.destination_rule)
        for row in cluster.rows(CLUSTERS)
    ]
    assert shown == [
        ("", "8080", "-", "inbound", "ORIGINAL_DST", ""),
        ("PassthroughCluster", "-", "-", "-", "ORIGINAL_DST", ""),
        ("agent", "-", "-", "-", "STATIC", ""),
        ("b.shop.svc", "80", "-", "outbound", "EDS", ""),
        ("b.shop.svc", "8080", "v1", "outbound", "EDS", "b.shop"),
    ]


@pytest.mark.parametrize(
    ("only", "names"),
    [
        (
            cluster.ClusterFilter(fqdn="b.shop"),
            ["outbound|80||b.shop.svc", "outbound|8080|v1|b.shop.svc"],
        ),
        (cluster.ClusterFilter(port=80), ["outbound|80||b.shop.svc"]),
        (cluster.ClusterFilter(subset="v1"), ["outbound|8080|v1|b.shop.svc"]),
        (cluster.ClusterFilter(direction="inbound"), ["inbound|8080||"]),
        (cluster.ClusterFilter(fqdn="b.shop", port=8080), ["outbound|8080|v1|b.shop.svc"]),
    ],
)
def test_clusters_are_filtered(only: cluster.ClusterFilter, names: list[str]) -> None:
    assert [row.name for row in cluster.rows(CLUSTERS, only)] == names


LISTENERS = read(
    listeners(
        listener_config("0.0.0.0_80", 80, chain(http("80")), chain(tcp("PassthroughCluster"))),
        listener_config(
            "virtualInbound",
            15006,
            chain(tcp("BlackHoleCluster"), filter_chain_match={"destination_port": 15006}),
            chain(http(route_config=route_config("in", host("h", to("inbound|8080||"))))),
        ),
        {"name": "main_internal", "internal_listener": {}, "filter_chains": [chain(tcp("encap"))]},
    )
)


def test_listeners_are_sorted_by_port_and_chains_by_destination_from_the_end() -> None:
    shown = [
        (row.addresses, row.port, row.match, row.destination) for row in listener.rows(LISTENERS)
    ]
    assert shown == [
        ("", 0, "ALL", "Cluster: encap"),
        ("0.0.0.0", 80, "ALL", "Route: 80"),
        ("0.0.0.0", 80, "ALL", "PassthroughCluster"),
        ("0.0.0.0", 15006, "Addr: *:15006", "Non-HTTP/Non-TCP"),
        ("0.0.0.0", 15006, "ALL", "Cluster: inbound|8080||"),
    ]


def test_listener_types_leave_black_holes_out() -> None:
    shown = [(row.listener, row.type) for row in listener.summary_rows(LISTENERS)]
    assert shown == [
        ("main_internal", "TCP"),
        ("0.0.0.0_80", "HTTP+TCP"),
        ("virtualInbound", "HTTP"),
    ]


def test_listeners_are_filtered_by_type_and_address_in_any_case() -> None:
    only = listener.ListenerFilter(type="http", address="0.0.0.0")
    assert {row.listener for row in listener.rows(LISTENERS, only)} == {"virtualInbound"}


def test_inline_routes_are_described_by_domains_and_paths() -> None:
    config = route_config(
        "in", host("a", to("x", "/a"), to("y", "/b"), domains=("a", "b")), host("c")
    )
    dump = read(listeners(listener_config("l", 1, chain(http(route_config=config)))))
    assert listener.rows(dump)[0].destination == "Inline Route: a/b /a*, /b*; "


def test_every_weighted_tcp_cluster_is_named() -> None:
    weighted = {"clusters": [{"name": "a", "weight": 1}, {"name": "b", "weight": 1}]}
    several = tcp("")
    several["typed_config"]["weighted_clusters"] = weighted
    dump = read(listeners(listener_config("l", 1, chain(several))))
    assert listener.rows(dump)[0].destination == "Cluster: a, b"


ROUTES = read(
    routes(
        route_config("http.8080", host("empty", domains=("a.example",))),
        route_config(
            "80",
            host(
                "b:80",
                to("c", "/v1", metadata=back_pointer("virtual-service", "b")),
                to("c"),
                domains=("b.shop.svc.cluster.local", "b.shop.svc.cluster.local.", "b.shop", "b"),
            ),
            host("allow_any", to("PassthroughCluster")),
        ),
        static=(route_config("7"),),
    )
)


def test_routes_are_sorted_by_port_and_passthrough_is_hidden() -> None:
    shown = [
        (row.name, row.vhost_name, row.domains, row.match, row.virtual_service)
        for row in route.rows(ROUTES)
    ]
    assert shown == [
        ("80", "b:80", "b.shop, b", "/v1*", "b.shop"),
        ("80", "b:80", "b.shop, b", "/*", ""),
        ("http.8080", "empty", "a.example", "/*", "404"),
    ]


def test_routes_are_counted_in_the_summary() -> None:
    shown = [(row.name, row.virtual_hosts) for row in route.summary_rows(ROUTES)]
    assert shown == [("7", 0), ("80", 2), ("http.8080", 1)]
    assert [row.name for row in route.summary_rows(ROUTES, "80")] == ["80"]


def hosts() -> HostStatuses:
    def status(address: dict[str, Any], **health: Any) -> dict[str, Any]:
        return {"address": address, "health_status": health}

    bad = status(socket("10.0.0.1", 80), eds_health_status="HEALTHY", failed_outlier_check=True)
    good = status(socket("10.0.0.1", 9), eds_health_status="UNHEALTHY")
    pipe = status({"pipe": {"path": "./XDS"}}, eds_health_status="HEALTHY")
    entries = [{"name": "B", "host_statuses": [bad, pipe]}, {"name": "a", "host_statuses": [good]}]
    return parse_clusters(json.dumps({"cluster_statuses": entries}).encode())


def test_endpoints_are_sorted_by_address_and_port_and_tell_ejection() -> None:
    shown = [
        (row.endpoint, row.status, row.outlier_check, row.cluster) for row in endpoint.rows(hosts())
    ]
    assert shown == [
        ("unix://./XDS", "HEALTHY", "OK", "B"),
        ("10.0.0.1:9", "UNHEALTHY", "OK", "a"),
        ("10.0.0.1:80", "HEALTHY", "FAILED", "B"),
    ]


@pytest.mark.parametrize(
    ("only", "shown"),
    [
        (endpoint.EndpointFilter(address="10.0.0.1"), ["10.0.0.1:9", "10.0.0.1:80"]),
        (endpoint.EndpointFilter(address="10.0.0.1:9"), ["10.0.0.1:9"]),
        (endpoint.EndpointFilter(port=80), ["10.0.0.1:80"]),
        (endpoint.EndpointFilter(status="unhealthy"), ["10.0.0.1:9"]),
        (endpoint.EndpointFilter(cluster="b", status="healthy", port=80), ["10.0.0.1:80"]),
    ],
)
def test_endpoints_are_filtered(only: endpoint.EndpointFilter, shown: list[str]) -> None:
    assert [row.endpoint for row in endpoint.rows(hosts(), only)] == shown


EDS = read(
    endpoints(
        assignment("outbound|80||b.shop.svc", lb_endpoint(socket("10.0.0.2", 80))),
        assignment("outbound|80||a.shop.svc", lb_endpoint(socket("10.0.0.3", 80))),
    )
)


def test_sent_endpoints_are_sorted_by_host() -> None:
    assert [row.name for row in eds.rows(EDS)] == ["10.0.0.3:80", "10.0.0.2:80"]


@pytest.mark.parametrize(
    ("only", "shown"),
    [
        (eds.EdsFilter(address="10.0.0.2"), ["10.0.0.2:80"]),
        (eds.EdsFilter(cluster="OUTBOUND|80||a.shop.svc"), ["10.0.0.3:80"]),
        (eds.EdsFilter(port=81), []),
        (eds.EdsFilter(status="unhealthy"), []),
    ],
)
def test_sent_endpoints_are_filtered(only: eds.EdsFilter, shown: list[str]) -> None:
    assert [row.name for row in eds.rows(EDS, only)] == shown


def secrets(ca: bytes) -> Any:
    leaf = {"tls_certificate": {"certificate_chain": inline(pem() + pem(is_ca=True))}}
    return read(
        section(
            "Secrets",
            dynamic_active_secrets=[
                {"name": "default", "secret": leaf},
                {"name": "ROOTCA", "secret": {"validation_context": {"trusted_ca": inline(ca)}}},
            ],
            dynamic_warming_secrets=[{"name": "kubernetes://c", "secret": {}}],
            static_secrets=[{"name": "static", "secret": {}}],
        )
    )


def test_secrets_show_the_leaf_every_root_and_what_is_missing() -> None:
    roots = pem(is_ca=True, serial=1) + pem(is_ca=True, serial=2)
    rows = secret.rows(secrets(roots), BORN + timedelta(hours=1))
    assert [(row.name, row.type, row.status, row.valid, row.serial) for row in rows] == [
        ("kubernetes://c", "", "WARMING", "false", ""),
        ("default", "Cert Chain", "ACTIVE", "true", "0a0b"),
        ("ROOTCA", "CA", "ACTIVE", "true", "01"),
        ("ROOTCA", "CA", "ACTIVE", "true", "02"),
    ]
    assert rows[1].not_after == "2026-11-22T07:00:00Z"
    assert secret.columns(rows) == secret.COLUMNS


def test_a_certificate_past_its_life_is_not_valid() -> None:
    rows = secret.rows(secrets(pem(is_ca=True)), BORN + timedelta(days=3))
    assert [row.valid for row in rows] == ["false"] * 3


@pytest.mark.parametrize(
    ("module", "rows"),
    [
        (cluster, cluster.rows(CLUSTERS)),
        (listener, listener.rows(LISTENERS)),
        (route, route.rows(ROUTES)),
        (endpoint, endpoint.rows(hosts())),
        (eds, eds.rows(EDS)),
        (secret, secret.rows(secrets(pem(is_ca=True)), BORN)),
    ],
)
def test_rows_are_plain_json_with_every_column_in_it(module: Any, rows: tuple[Any, ...]) -> None:
    assert rows
    for row in rows:
        plain = module.to_json(row)
        json.dumps(plain)
        assert {attribute for _, attribute in module.COLUMNS} <= plain.keys()
