"""Captures of destination and protocol faults under other names, mended, and made of others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.captures.editing import Copy, codes_of, copy_of, named

if TYPE_CHECKING:
    from pathlib import Path


def _named(items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(item for item in items if item["metadata"]["name"] == name)


def _renamed(copy: Copy, **words: str) -> None:
    """Put other words into every file; folders of the recording keep their names."""
    for path in copy.files("**/*.*"):
        if path.is_file():
            text = path.read_text(errors="surrogateescape")
            for old, new in words.items():
                text = text.replace(old, new)
            path.write_text(text, errors="surrogateescape")


def _host_statuses(copy: Copy, cluster: str, change: Any) -> None:
    """Change the hosts of one cluster in every proxy's counters."""
    for path in copy.files("proxies/*/*/clusters.json"):
        document = json.loads(path.read_text())
        for status in document["cluster_statuses"]:
            if status["name"] == cluster:
                change(status)
        path.write_text(json.dumps(document))


@pytest.mark.usefixtures("captures_root", "no_network")
class TestPorts:
    def test_a_route_to_a_port_that_was_mended_names_nothing(self, tmp_path: Path) -> None:
        copy = copy_of("destination-port-not-on-service", tmp_path)
        with copy.items("virtualservices") as items:
            route = _named(items, "ratings")["spec"]["http"][0]["route"][0]
            route["destination"]["port"]["number"] = 8080
        assert named(copy.answer()) == []

    def test_a_route_without_port_from_the_gateway_to_a_service_of_two(
        self, tmp_path: Path
    ) -> None:
        copy = copy_of("healthy", tmp_path)
        with copy.items("virtualservices") as items:
            destination = _named(items, "web")["spec"]["http"][0]["route"][0]["destination"]
            del destination["port"]
        assert named(copy.answer()) == []
        with copy.items("services") as items:
            ports = _named(items, "web")["spec"]["ports"]
            ports.append({"name": "http-admin", "port": 9090, "targetPort": 8080})
        found = named(copy.answer())
        assert found == [("destination-port-not-found", "VirtualService shop/web")]


@pytest.mark.usefixtures("captures_root", "no_network")
class TestServiceEntries:
    def test_another_name_that_dns_does_not_know(self, tmp_path: Path) -> None:
        copy = copy_of("serviceentry-dns-unresolvable", tmp_path)
        _renamed(copy, **{"api.partner.example": "ledger.bank.example"})
        with copy.items("serviceentries") as items:
            items[0]["metadata"]["name"] = "ledger"
            items[0]["spec"]["resolution"] = "DNS_ROUND_ROBIN"
        found = copy.answer()
        assert named(found) == [("serviceentry-dns-unresolvable", "ServiceEntry shop/ledger")]

    def test_a_name_that_has_an_address_by_now(self, tmp_path: Path) -> None:
        copy = copy_of("serviceentry-dns-unresolvable", tmp_path)
        address = {"socket_address": {"address": "192.0.2.7", "port_value": 80}}
        host = {"address": address, "health_status": {"eds_health_status": "HEALTHY"}}
        cluster = "outbound|80||api.partner.example"
        _host_statuses(copy, cluster, lambda status: status.update(host_statuses=[host]))
        assert named(copy.answer()) == []

    def test_an_entry_that_lists_the_services_own_pod(self, tmp_path: Path) -> None:
        copy = copy_of("serviceentry-shadows-service", tmp_path)
        with copy.items("pods") as items:
            pod = next(i for i in items if i["metadata"]["labels"].get("app") == "ratings")
        with copy.items("serviceentries") as items:
            items[0]["spec"]["endpoints"] = [{"address": pod["status"]["podIP"]}]
        assert named(copy.answer()) == []

    def test_an_entry_whose_endpoint_answers(self, tmp_path: Path) -> None:
        copy = copy_of("serviceentry-shadows-service", tmp_path)

        def answers(status: dict[str, Any]) -> None:
            for host in status["host_statuses"]:
                counted = {"cx_total": "3", "rq_total": "5", "rq_success": "5"}
                host["stats"] = [{"name": k, "value": v} for k, v in counted.items()]

        _host_statuses(copy, "outbound|8080||ratings.shop.svc.cluster.local", answers)
        found = copy.answer()
        assert named(found) == []
        assert "MD0131" in codes_of(found)


@pytest.mark.usefixtures("captures_root", "no_network")
class TestDestinationRules:
    def test_the_rule_moved_beside_its_service(self, tmp_path: Path) -> None:
        copy = copy_of("destinationrule-in-third-namespace", tmp_path)
        with copy.items("destinationrules") as items:
            _named(items, "payments-limits")["metadata"]["namespace"] = "pay"
        assert named(copy.answer()) == []

    def test_the_same_rule_in_the_right_place_as_well(self, tmp_path: Path) -> None:
        copy = copy_of("destinationrule-in-third-namespace", tmp_path)
        with copy.items("destinationrules") as items:
            other = json.loads(json.dumps(_named(items, "payments-limits")))
            other["metadata"] |= {"namespace": "pay", "name": "payments"}
            items.append(other)
        assert named(copy.answer()) == []

    def test_a_subset_that_is_defined_where_nobody_looks(self, tmp_path: Path) -> None:
        copy = copy_of("subset-undefined", tmp_path)
        with copy.items("virtualservices") as items:
            routes = _named(items, "reviews")["spec"]["http"]
            used = {r["destination"]["subset"] for http in routes for r in http["route"]}
        with copy.items("destinationrules") as items:
            rule = json.loads(json.dumps(_named(items, "reviews")))
            rule["metadata"] |= {"namespace": "legacy", "name": "reviews-subsets"}
            rule["spec"] = {
                "host": "reviews.shop.svc.cluster.local",
                "subsets": [{"name": name, "labels": {"version": "v1"}} for name in sorted(used)],
            }
            items.append(rule)
        assert named(copy.answer()) == [
            ("destinationrule-in-wrong-namespace", "DestinationRule legacy/reviews-subsets")
        ]


@pytest.mark.usefixtures("captures_root", "no_network")
class TestProtocols:
    def test_an_app_protocol_of_tcp_goes_before_the_name(self, tmp_path: Path) -> None:
        copy = copy_of("port-named-tcp", tmp_path)
        with copy.items("services") as items:
            _named(items, "payments")["spec"]["ports"][0] |= {"name": "http", "appProtocol": "tcp"}
        found = [("protocol-selection-by-port-name", "Service pay/payments")]
        assert named(copy.answer()) == found

    def test_tcp_rules_on_the_tcp_port(self, tmp_path: Path) -> None:
        copy = copy_of("port-named-tcp", tmp_path)
        with copy.items("virtualservices") as items:
            spec = _named(items, "payments")["spec"]
            spec["tcp"] = [{"route": spec.pop("http")[0]["route"]}]
        assert named(copy.answer()) == []

    @pytest.mark.parametrize(
        ("port", "expected"),
        [
            ({"port": 3306, "name": "http-mysql"}, True),
            ({"port": 13306, "name": "mysql-data", "appProtocol": "http"}, True),
            ({"port": 3306, "name": "tcp-mysql"}, False),
            ({"port": 3306, "name": "data"}, False),
            ({"port": 9104, "name": "http-metrics"}, False),
        ],
        ids=["named http", "declared http", "named tcp", "well-known", "metrics"],
    )
    def test_a_database_behind_a_port(
        self, port: dict[str, Any], expected: bool, tmp_path: Path
    ) -> None:
        copy = copy_of("healthy", tmp_path)
        with copy.items("services") as items:
            service = json.loads(json.dumps(_named(items, "ratings")))
            service["metadata"] |= {"name": "mysql"}
            service["spec"] |= {"ports": [{**port, "targetPort": 8080, "protocol": "TCP"}]}
            service["spec"] |= {"clusterIP": "10.96.9.9", "clusterIPs": ["10.96.9.9"]}
            items.append(service)
        found = [("server-first-protocol-on-http-port", "Service shop/mysql")] if expected else []
        assert named(copy.answer()) == found
