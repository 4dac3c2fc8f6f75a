from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.model.envoy import (
    ClusterName,
    TlsMode,
    build_cluster_name,
    parse_cluster_name,
    parse_config_pointer,
)
from tests.unit.parse.envoy.dumps import (
    EXTENSIONS,
    assignment,
    automatic_tls,
    back_pointer,
    cluster,
    clusters,
    lb_endpoint,
    raw_buffer,
    read,
    section,
    socket,
    upstream_tls,
)

if TYPE_CHECKING:
    from meshdoctor.model.envoy import Cluster

NAME = "outbound|8080|v1|reviews.shop.svc.cluster.local"


def only(**fields: Any) -> Cluster:
    dump = read(clusters(cluster(NAME, **fields)))
    assert dump.errors == ()
    return dump.clusters[0]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        (NAME, ("outbound", 8080, "v1", "reviews.shop.svc.cluster.local")),
        ("inbound|8080||", ("inbound", 8080, "", "")),
        ("inbound-vip|80|http|a.b", ("inbound-vip", 80, "http", "a.b")),
        ("outbound_.80_._.a.shop.svc", ("outbound", 80, "", "a.shop.svc")),
        ("outbound|eighty||a", ("outbound", None, "", "a")),
    ],
)
def test_cluster_names_are_taken_apart(name: str, parts: tuple[Any, ...]) -> None:
    assert parse_cluster_name(name) == ClusterName(*parts)


@pytest.mark.parametrize("name", ["PassthroughCluster", "xds-grpc", "a|b|c", "a|b|c|d|e", ""])
def test_other_names_are_left_whole(name: str) -> None:
    assert parse_cluster_name(name) is None


def test_a_built_name_is_read_back() -> None:
    name = build_cluster_name("outbound", 80, "", "a.shop")
    assert parse_cluster_name(name) == ClusterName("outbound", 80, "", "a.shop")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("destination-rule", "DestinationRule"),
        ("virtual-service", "VirtualService"),
        ("sidecar", "Sidecar"),
        ("http-route", "HTTPRoute"),
    ],
)
def test_a_back_pointer_names_the_kind_as_kubernetes_does(kind: str, expected: str) -> None:
    path = f"/apis/networking.istio.io/v1/namespaces/shop/{kind}/reviews"
    found = parse_config_pointer(path)
    assert found
    assert (str(found), found.raw) == (f"{expected} shop/reviews", path)


@pytest.mark.parametrize("path", ["", "/apis/a/b/namespaces/ns/kind", "x/apis/a/b/c/d/e/f"])
def test_a_path_of_another_form_is_no_back_pointer(path: str) -> None:
    assert parse_config_pointer(path) is None


def test_a_clusters_origin_and_services_are_kept() -> None:
    services = [{"name": "reviews", "namespace": "shop", "host": "reviews.shop.svc"}]
    metadata = back_pointer("destination-rule", "reviews")
    metadata["filter_metadata"]["istio"] |= {"services": services, "subset": "v1"}
    found = only(metadata=metadata)
    assert str(found.config) == "DestinationRule shop/reviews"
    assert [(item.name, item.namespace) for item in found.services] == [("reviews", "shop")]
    assert (found.subset, found.external) == ("v1", False)


def test_lists_are_read_in_the_order_of_what_serves() -> None:
    dump = read(
        section(
            "Clusters",
            static_clusters=[{"cluster": cluster("s")}],
            dynamic_warming_clusters=[{"cluster": cluster("w")}],
            dynamic_active_clusters=[{"cluster": cluster("a")}, {"cluster": {}}],
        )
    )
    assert [(item.name, item.state) for item in dump.clusters] == [
        ("a", "active"),
        ("s", "static"),
        ("w", "warming"),
    ]
    assert dump.clusters[2].pointer == "/configs/0/dynamic_warming_clusters/0"
    assert dump.clusters[0].at("name") == "/configs/0/dynamic_active_clusters/0/cluster/name"
    assert dump.errors == ("/configs/0/dynamic_active_clusters/1: a cluster without a name",)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"type": "ORIGINAL_DST"}, "ORIGINAL_DST"),
        ({"type": None}, "STATIC"),
        ({"type": None, "cluster_type": {"name": "envoy.cluster.strict_dns"}}, "STRICT_DNS"),
        ({"type": None, "cluster_type": {"name": "envoy.cluster.dns"}}, "STRICT_DNS"),
        ({"type": None, "cluster_type": {"name": "envoy.clusters.new"}}, "envoy.clusters.new"),
    ],
)
def test_types_are_named_as_istioctl_does(fields: dict[str, Any], expected: str) -> None:
    assert only(**fields).type == expected


def test_automatic_mtls_is_told_by_its_matches() -> None:
    found = only(transport_socket_matches=automatic_tls(sni="s", sans=("spiffe://a", "spiffe://b")))
    assert found.tls is TlsMode.AUTO
    assert (found.sni, found.sans) == ("s", ("spiffe://a", "spiffe://b"))
    assert not found.hbone


@pytest.mark.parametrize(
    ("socket", "expected"),
    [
        (upstream_tls("default", "ROOTCA"), TlsMode.ISTIO_MUTUAL),
        (upstream_tls("kubernetes://client", "kubernetes://client-cacert"), TlsMode.MUTUAL),
        (upstream_tls(ca="file-root:system"), TlsMode.SIMPLE),
        (upstream_tls(), TlsMode.SIMPLE),
        (raw_buffer(), TlsMode.NONE),
        (None, TlsMode.NONE),
        ({"typed_config": {"transport_socket": upstream_tls()}}, TlsMode.SIMPLE),
    ],
)
def test_one_transport_socket_is_for_every_endpoint(socket: Any, expected: TlsMode) -> None:
    assert only(transport_socket=socket).tls is expected


def test_hbone_is_seen_beside_automatic_mtls() -> None:
    tunnel = {"name": "hbone", "match": {"tunnel": "http"}, "transport_socket": raw_buffer()}
    found = only(transport_socket_matches=[tunnel, *automatic_tls()])
    assert (found.tls, found.hbone) == (TlsMode.AUTO, True)


def test_a_destination_rules_tls_beside_hbone_is_its_own() -> None:
    tunnel = {"name": "hbone", "match": {"tunnel": "http"}, "transport_socket": raw_buffer()}
    user = {"name": "user", "match": {}, "transport_socket": upstream_tls(ca="inline")}
    assert only(transport_socket_matches=[user, tunnel]).hbone
    assert only(transport_socket_matches=[tunnel, user]).tls is TlsMode.SIMPLE


def test_both_spellings_of_accepted_names_are_read() -> None:
    context = {
        "validation_context": {
            "trusted_ca": {"filename": "/etc/ca.pem"},
            "match_typed_subject_alt_names": [
                {"san_type": "URI", "matcher": {"prefix": "spiffe://cluster.local/"}},
                {"san_type": "DNS", "matcher": {"suffix": ".example"}},
            ],
        }
    }
    kind = EXTENSIONS + "transport_sockets.tls.v3.UpstreamTlsContext"
    found = only(
        transport_socket={"typed_config": {"@type": kind, "common_tls_context": context}}
    ).upstream_tls
    assert found
    assert (found.sans, found.ca) == (("spiffe://cluster.local/*", "*.example"), "/etc/ca.pem")
    assert found.pointer.endswith("/cluster/transport_socket")


def test_unlimited_thresholds_are_none_and_missing_ones_are_envoys_defaults() -> None:
    thresholds = [{"priority": "HIGH", "max_requests": 9}, {"max_connections": 4294967295}]
    found = only(circuit_breakers={"thresholds": thresholds}).circuit_breakers
    assert found
    assert (found.max_connections, found.max_requests, found.max_retries) == (None, 1024, 3)
    assert found.is_limited
    assert found.pointer.endswith("/cluster/circuit_breakers/thresholds/1")
    assert only().circuit_breakers is None


def test_outlier_detection_and_limits_are_kept() -> None:
    options = {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "common_http_protocol_options": {"max_requests_per_connection": 2}
        }
    }
    found = only(
        outlier_detection={"consecutive_5xx": {"value": 1}, "base_ejection_time": "300s"},
        typed_extension_protocol_options=options,
        connect_timeout="10s",
    )
    assert found.outlier_detection
    assert found.outlier_detection.consecutive_5xx == 1
    assert found.outlier_detection.base_ejection_time == "300s"
    assert found.outlier_detection.max_ejection_percent is None
    assert (found.max_requests_per_connection, found.connect_timeout) == (2, "10s")


def test_hosts_of_a_dns_cluster_are_its_own() -> None:
    load = assignment("x", lb_endpoint(socket("db.example", 5432), health_status=None))
    found = only(type="STRICT_DNS", load_assignment=load).hosts
    assert [(str(item), item.health) for item in found] == [("db.example:5432", "UNKNOWN")]


def test_why_an_update_was_refused_is_kept() -> None:
    failure = {"details": "bad", "last_update_attempt": "2026-11-21T07:11:10Z"}
    entry = {"cluster": cluster("a"), "error_state": failure}
    error = read(section("Clusters", dynamic_active_clusters=[entry])).clusters[0].error_state
    assert error
    assert error.details == "bad"
    assert error.pointer == "/configs/0/dynamic_active_clusters/0/error_state"
