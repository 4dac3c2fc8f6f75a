from __future__ import annotations

import json
from typing import Any

import pytest

from meshdoctor.analyze import proxy_evidence as make
from meshdoctor.model.evidence import Evidence, excerpt_of, resolve_pointer
from meshdoctor.parse.envoy import parse_clusters, parse_config_dump
from tests.build import proxy
from tests.unit.analyze.traffic_build import line, log

ORIGIN = "/apis/networking.istio.io/v1/namespaces/shop/virtual-service/ratings"
FILTER_METADATA = {"filter_metadata": {"istio": {"config": ORIGIN}}}
NAME = "outbound|8080|v1|ratings.shop.svc.cluster.local"


def document(*, camel: bool = False) -> dict[str, Any]:
    address = {"socket_address": {"address": "10.0.0.1", "port_value": 8080}}
    routes: list[dict[str, Any]] = [
        {"match": {"prefix": "/a"}, "route": {"cluster": NAME}, "metadata": FILTER_METADATA},
        {"match": {"path_separated_prefix": "/b"}, "route": {"cluster": NAME}},
        {"match": {"safe_regex": {"regex": "/c.*"}}, "route": {"cluster": NAME}},
        {"match": {"connect_matcher": {}}, "route": {"cluster": NAME}},
    ]
    cluster = {"name": NAME, "type": "EDS", "metadata": FILTER_METADATA}
    kind = "type.googleapis.com/envoy.admin.v3.{}ConfigDump".format
    if camel:
        cluster["metadata"] = {"filterMetadata": {"istio": {"config": ORIGIN}}}
        return {
            "configs": [
                {"@type": kind("Clusters"), "dynamicActiveClusters": [{"cluster": cluster}]}
            ]
        }
    endpoints = [
        {"endpoint": {"address": address}, "health_status": "UNHEALTHY"},
        {"endpoint": {"address": address}},
    ]
    return {
        "configs": [
            {"@type": kind("Clusters"), "dynamic_active_clusters": [{"cluster": cluster}]},
            {
                "@type": kind("Routes"),
                "dynamic_route_configs": [
                    {
                        "route_config": {
                            "name": "8080",
                            "virtual_hosts": [{"name": "v", "domains": ["*"], "routes": routes}],
                        }
                    }
                ],
            },
            {
                "@type": kind("Endpoints"),
                "dynamic_endpoint_configs": [
                    {
                        "endpoint_config": {
                            "cluster_name": NAME,
                            "endpoints": [{"lb_endpoints": endpoints}],
                        }
                    }
                ],
            },
        ]
    }


def statuses() -> dict[str, Any]:
    address = {"socket_address": {"address": "10.0.0.1", "port_value": 8080}}
    listed = [
        {"address": address, "health_status": {"eds_health_status": "HEALTHY"}},
        {"address": address, "health_status": {"failed_outlier_check": True}},
        {"address": {"pipe": {"path": "/tmp/socket"}}, "health_status": {}},
    ]
    return {"cluster_statuses": [{"name": NAME, "host_statuses": listed}]}


def leads_to_its_excerpt(evidence: Evidence, content: dict[str, Any]) -> bool:
    assert evidence.pointer is not None
    return excerpt_of(resolve_pointer(content, evidence.pointer)) == evidence.excerpt


def test_a_cluster_and_its_origin_are_shown_where_they_stand() -> None:
    content = document()
    config = parse_config_dump(json.dumps(content).encode())
    seen = proxy("web-1", config=config)
    (cluster,) = config.clusters
    assert leads_to_its_excerpt(make.cluster_evidence(seen, cluster), content)
    origin = make.cluster_origin_evidence(seen, cluster)
    assert leads_to_its_excerpt(origin, content)
    assert origin.excerpt == ORIGIN
    assert origin.command == (
        "istioctl proxy-config cluster web-1.shop --direction outbound --port 8080 --subset v1 "
        "--fqdn ratings.shop.svc.cluster.local -o json"
    )


def test_a_dump_in_camel_case_is_pointed_into_as_it_is_spelt() -> None:
    content = document(camel=True)
    config = parse_config_dump(json.dumps(content).encode())
    (cluster,) = config.clusters
    evidence = make.cluster_origin_evidence(proxy("web-1", config=config), cluster)
    assert leads_to_its_excerpt(evidence, content)


@pytest.mark.parametrize(("place", "excerpt"), [(0, ORIGIN), (1, "/b"), (2, "/c.*"), (3, "v")])
def test_a_route_is_shown_by_the_most_telling_value_it_has(place: int, excerpt: str) -> None:
    content = document()
    config = parse_config_dump(json.dumps(content).encode())
    (table,) = config.routes
    (host,) = table.virtual_hosts
    evidence = make.route_evidence(proxy("web-1"), table, host, host.routes[place])
    assert evidence.excerpt == excerpt
    assert leads_to_its_excerpt(evidence, content)


@pytest.mark.parametrize(("place", "excerpt"), [(0, "UNHEALTHY"), (1, "10.0.0.1")])
def test_an_endpoint_is_shown_by_its_health_or_its_address(place: int, excerpt: str) -> None:
    content = document()
    assigned = parse_config_dump(json.dumps(content).encode()).load_assignment(NAME)
    assert assigned is not None
    evidence = make.endpoint_evidence(proxy("web-1"), NAME, assigned.endpoints[place])
    assert evidence.excerpt == excerpt
    assert leads_to_its_excerpt(evidence, content)


@pytest.mark.parametrize(
    ("place", "excerpt"), [(0, "HEALTHY"), (1, "10.0.0.1"), (2, "/tmp/socket")]
)
def test_a_host_is_shown_by_its_health_or_its_address(place: int, excerpt: str) -> None:
    content = statuses()
    hosts = parse_clusters(json.dumps(content).encode()).hosts_of(NAME)
    evidence = make.host_health_evidence(proxy("web-1"), NAME, hosts[place])
    assert evidence.excerpt == excerpt
    assert leads_to_its_excerpt(evidence, content)


def test_an_ejected_host_is_shown_as_such() -> None:
    content = statuses()
    hosts = parse_clusters(json.dumps(content).encode()).hosts_of(NAME)
    evidence = make.ejected_host_evidence(proxy("web-1"), NAME, hosts[1])
    assert evidence.excerpt == "true"
    assert leads_to_its_excerpt(evidence, content)


def test_a_log_line_is_shown_whole_with_its_number() -> None:
    text = line(NAME)
    seen = proxy("web-1", log=log("not an access line", text))
    assert seen.log is not None
    evidence = make.log_evidence(seen, seen.log.access[0])
    assert (evidence.line, evidence.excerpt) == (2, text)
    assert evidence.source == "proxies/shop/web-1/istio-proxy.log"
