from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from meshdoctor.analyze.access_logs import access_logs, addressed_host, recent
from meshdoctor.analyze.destinations_in_use import destinations_in_use
from meshdoctor.model.kinds import POD, VIRTUAL_SERVICE
from meshdoctor.parse.envoy import parse_config_dump
from tests.build import istio_object, mesh, namespace, proxy, service
from tests.unit.analyze.traffic_build import (
    CLIENT,
    RATINGS,
    RATINGS_POD,
    TO_RATINGS,
    answered,
    client,
    dump,
    hosts,
    line,
    log,
    no_cluster,
    route_to,
    server,
    shop,
)

V2 = f"outbound|8080|v2|{RATINGS}"
MANAGER = {
    "name": "envoy.filters.network.http_connection_manager",
    "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network."
        "http_connection_manager.v3.HttpConnectionManager",
        "rds": {"route_config_name": "8080"},
        "access_log": [{"name": "envoy.access_loggers.file"}],
    },
}
LISTENER = {
    "name": "8080",
    "address": {"socket_address": {"address": "0.0.0.0", "port_value": 8080}},
    "filter_chains": [{"filters": [MANAGER]}],
}


def test_calls_are_found_by_the_cluster_that_took_them_oldest_first() -> None:
    lines = [line(TO_RATINGS, seconds_ago=5), line(TO_RATINGS, code=503, seconds_ago=50)]
    logs = access_logs(mesh(shop(), proxies=[client(*lines), server()]))
    assert [call.entry.code for call in logs.outbound[TO_RATINGS]] == [503, 200]


def test_what_a_proxy_received_is_found_by_its_target_port() -> None:
    logs = access_logs(mesh(shop(), proxies=[client(), server(*answered(9999))]))
    assert set(logs.inbound) == {(f"{RATINGS_POD}.shop", 9999)}


@pytest.mark.parametrize(
    ("authority", "local", "host"),
    [
        ("anything", "10.96.0.6:8080", RATINGS),
        ("ratings:8080", "192.0.2.1:8080", RATINGS),
        ("ratings.shop:8080", "192.0.2.1:8080", RATINGS),
        ("ratings.shop.svc", "192.0.2.1:8080", RATINGS),
        (RATINGS, "192.0.2.1:8080", RATINGS),
        ("shop.example.com", "10.244.0.2:8080", "shop.example.com"),
    ],
)
def test_a_call_without_cluster_is_known_by_what_it_addressed(
    authority: str, local: str, host: str
) -> None:
    snapshot = mesh(shop(), proxies=[client(*no_cluster(authority=authority, local=local))])
    logs = access_logs(snapshot)
    assert set(logs.without_cluster) == {host}
    assert addressed_host(snapshot, logs.without_cluster[host][0]) == host


def test_only_calls_within_the_window_are_recent() -> None:
    lines = [line(TO_RATINGS, seconds_ago=300), line(TO_RATINGS, seconds_ago=100)]
    snapshot = mesh(shop(), proxies=[client(*lines)])
    calls = access_logs(snapshot).outbound[TO_RATINGS]
    assert len(recent(snapshot, calls)) == 1
    assert len(recent(snapshot, calls, timedelta(minutes=10))) == 2


def test_lines_of_the_far_past_and_of_the_future_are_left_out() -> None:
    lines = [line(TO_RATINGS, seconds_ago=7200), line(TO_RATINGS, seconds_ago=-600)]
    assert access_logs(mesh(shop(), proxies=[client(*lines)])).outbound == {}


def test_logs_are_complete_when_every_proxy_writes_one() -> None:
    assert access_logs(mesh(shop(), proxies=[client(), server()])).complete


def test_a_missing_log_leaves_calls_unseen() -> None:
    logs = access_logs(mesh(shop(), proxies=[client()]))
    assert (logs.unread, logs.complete) == (frozenset({f"{RATINGS_POD}.shop"}), False)


def test_a_proxy_that_writes_no_access_log_leaves_calls_unseen() -> None:
    logs = access_logs(mesh(shop(), proxies=[client(), proxy(RATINGS_POD, log=log())]))
    assert (logs.silent, logs.complete) == (frozenset({f"{RATINGS_POD}.shop"}), False)


def test_without_pods_nobody_knows_whose_log_is_missing() -> None:
    assert not access_logs(mesh(shop(), proxies=[client()], unread=[POD])).complete


def test_a_service_that_is_neither_called_nor_routed_to_is_not_wanted() -> None:
    uses = destinations_in_use(mesh(shop(), proxies=[client(), server()]))
    assert [(use.destination.cluster, use.is_wanted) for use in uses if use.service] == [
        (TO_RATINGS, False)
    ]


def test_a_service_of_an_ambient_namespace_may_be_called_unseen() -> None:
    objects = [*shop(), namespace("amb"), service("callee", "amb")]
    objects[-2]["metadata"]["labels"] = {"istio.io/dataplane-mode": "ambient"}
    uses = destinations_in_use(mesh(objects, proxies=[client(), server()]))
    assert {use.destination.host for use in uses if use.is_wanted and use.service} == {
        "callee.amb.svc.cluster.local"
    }


def test_a_subset_that_was_called_and_is_routed_to_no_more_is_of_the_past() -> None:
    caller = client(line(V2))
    with_rules = destinations_in_use(mesh(shop(), proxies=[caller, server()]))
    unread = destinations_in_use(mesh(shop(), proxies=[caller, server()], unread=[VIRTUAL_SERVICE]))
    assert "v2" not in {use.destination.subset for use in with_rules}
    assert "v2" in {use.destination.subset for use in unread}


def test_a_service_that_is_reached_by_subsets_alone_is_seen_through_them() -> None:
    uses = destinations_in_use(
        mesh([*shop(), route_to("ratings", subset="v2")], proxies=[client(), server()])
    )
    assert [use.destination.subset for use in uses if use.service] == ["v2"]


LOGGING = parse_config_dump(
    json.dumps(
        {
            "configs": [
                {
                    "@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump",
                    "dynamic_listeners": [{"name": "8080", "active_state": {"listener": LISTENER}}],
                }
            ]
        }
    ).encode()
)


class TestAnEmptyLogAmongOthersThatHaveLines:
    def complete(self, **parts: Any) -> bool:
        quiet = proxy(CLIENT, log=log(""), **parts)
        logs = access_logs(mesh(shop(), proxies=[quiet, server()]))
        assert logs.complete is (quiet.id not in logs.silent)
        return logs.complete

    def test_a_proxy_that_counted_nothing_had_nothing_to_log(self) -> None:
        idle = hosts({TO_RATINGS: [{"rq_total": 0, "cx_total": 0}]})
        assert self.complete(config=LOGGING, hosts=idle)

    def test_what_serves_the_proxy_itself_is_not_logged(self) -> None:
        assert self.complete(config=LOGGING, hosts=hosts({"xds-grpc": [{"rq_total": 7}]}))

    @pytest.mark.parametrize("cluster", [TO_RATINGS, "inbound|8080||", "PassthroughCluster"])
    def test_a_proxy_that_counted_requests_has_lost_its_lines(self, cluster: str) -> None:
        assert not self.complete(config=LOGGING, hosts=hosts({cluster: [{"rq_total": 7}]}))

    def test_without_counters_nobody_can_tell(self) -> None:
        assert not self.complete(config=LOGGING)

    def test_a_proxy_that_is_told_to_log_nothing_shows_nothing(self) -> None:
        assert not self.complete(hosts=hosts({}), config=dump({}))


def test_a_destination_of_which_a_host_is_ejected_is_used_even_if_nobody_logs_it() -> None:
    ejecting = proxy(CLIENT, hosts=hosts({V2: [{"ejected": True}]}))
    snapshot = mesh(shop(), proxies=[ejecting], unread=[VIRTUAL_SERVICE])
    (use,) = [u for u in destinations_in_use(snapshot) if u.destination.subset == "v2"]
    assert (use.is_seen, use.client_namespaces) == (True, ("shop",))


def test_udp_ports_are_no_destinations() -> None:
    port = {"name": "dns", "port": 53, "protocol": "UDP"}
    uses = destinations_in_use(mesh([*shop(), service("dns", ports=[port])]))
    assert "dns.shop.svc.cluster.local" not in {use.destination.host for use in uses}


def test_a_route_is_used_by_the_proxies_that_hold_it() -> None:
    hidden = istio_object(
        "VirtualService",
        "hidden",
        "pay",
        hosts=["a.example"],
        exportTo=["."],
        http=[{"route": [{"destination": {"host": RATINGS, "subset": "v9"}}]}],
    )
    uses = destinations_in_use(mesh([*shop(), hidden], proxies=[client(), server()]))
    assert "v9" not in {use.destination.subset for use in uses}


def test_who_called_is_known() -> None:
    uses = destinations_in_use(mesh(shop(), proxies=[client(line(TO_RATINGS)), server()]))
    (use,) = [item for item in uses if item.service]
    assert [call.proxy.pod for call in use.calls] == [CLIENT]
