from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.model.kinds import (
    DESTINATION_RULE,
    ENDPOINT_SLICE,
    SIDECAR,
    VIRTUAL_SERVICE,
    Kind,
)
from meshdoctor.model.trace import Basis, Place, Verdict
from tests import build
from tests.unit.trace.intent_build import (
    Asked,
    aged,
    policy,
    rule,
    shares,
    slice_of,
    to,
)

V1_SUBSET = {"name": "v1", "labels": {"version": "v1"}}
OK = {"ok": 1.0}
NO_RETRY = {"attempts": 0}


def sidecar(*hosts: str, **spec: Any) -> dict[str, Any]:
    return build.istio_object("Sidecar", "narrow", egress=[{"hosts": list(hosts)}], **spec)


_MACHINES: dict[str, dict[str, Any]] = {
    "a": {"address": "10.9.0.1", "weight": 3},
    "b": {"address": "10.9.0.2"},
}


class TestHealthy:
    def test_a_request_is_delivered_and_every_hop_rests_on_the_objects(self) -> None:
        found = Asked().walk()
        assert shares(found) == OK
        assert all(hop.basis is Basis.INTENT for hop in found.hops)
        assert found.unknown == ()
        client = [hop for hop in found.hops if hop.place is Place.CLIENT_PROXY]
        assert [hop.what for hop in client][:4] == ["proxy", "listener", "route", "cluster"]
        assert client[0].because == "as the objects ask; the proxy was not read"
        assert all(hop.evidence for hop in client)
        assert all(item.source.startswith("kubernetes/") for h in client for item in h.evidence)

    def test_both_ready_endpoints_get_their_part(self) -> None:
        found = Asked().walk()
        sent = [hop.name for hop in found.hops if hop.what == "transport socket"]
        assert sent == ["10.244.0.20:8080", "10.244.0.21:8080"]

    @pytest.mark.parametrize(
        "kind", [VIRTUAL_SERVICE, DESTINATION_RULE, ENDPOINT_SLICE, SIDECAR], ids=lambda k: k.name
    )
    def test_a_kind_that_was_not_read_leaves_the_outcome_unknown(self, kind: Kind) -> None:
        found = Asked(unread=[kind]).walk()
        assert (found.outcomes, found.is_known) == ((), False)
        assert kind.input in [gap.what for gap in found.unknown if gap.decisive]


class TestEndpoints:
    def test_a_service_without_a_ready_endpoint_is_uh_at_service_and_workload(self) -> None:
        found = Asked(endpoints=slice_of("ratings", "shop", "10.244.0.20", ready=False)).walk()
        assert shares(found) == {"503 UH": 1.0}
        assert found.outcomes[0].objects[0] == "Service shop/ratings"

    def test_one_ready_endpoint_is_enough(self) -> None:
        mesh = Asked(endpoints=slice_of("ratings", "shop", "10.244.0.20"))
        assert shares(mesh.walk()) == OK

    def test_an_endpoint_whose_pod_is_gone_is_silent(self) -> None:
        gone = slice_of("ratings", "shop", "10.244.9.9")
        gone["endpoints"][0]["targetRef"] = {"kind": "Pod", "namespace": "shop", "name": "old"}
        assert shares(Asked(endpoints=gone).walk())["0 DC"] == 1.0

    def test_the_slice_s_own_port_counts(self) -> None:
        mesh = Asked(endpoints=slice_of("ratings", "shop", "10.244.0.20", port=9999))
        found = mesh.walk()
        assert [h.name for h in found.hops if h.what == "transport socket"] == ["10.244.0.20:9999"]

    def test_an_istiod_that_is_down_may_leave_hosts_that_are_gone(self) -> None:
        empty = slice_of("ratings", "shop")
        istiod = build.deployment("istiod", "istio-system", labels={"app": "istiod"}, replicas=0)
        istiod["spec"]["template"]["spec"]["containers"][0]["name"] = "discovery"
        cut = Asked(endpoints=empty, objects=[istiod]).walk()
        assert shares(cut) == {"503 UH": 0.5, "0 DC": 0.5, "503 URX,UF": 0.0}
        assert shares(Asked(endpoints=empty).walk()) == {"503 UH": 1.0}


class TestSubsets:
    def test_a_subset_that_no_rule_defines_is_nc(self) -> None:
        mesh = Asked([rule(http=[to(subset="v9")]), policy(subsets=[V1_SUBSET])])
        found = mesh.walk()
        assert shares(found) == {"503 NC": 1.0}
        assert found.outcomes[0].objects == ("VirtualService shop/ratings",)

    def test_a_subset_without_pods_is_uh(self) -> None:
        none = {"name": "v9", "labels": {"version": "v9"}}
        mesh = Asked([rule(http=[to(subset="v9")]), policy(subsets=[none])])
        assert shares(mesh.walk()) == {"503 UH": 1.0}

    def test_a_subset_leads_to_its_pods_only(self) -> None:
        mesh = Asked([rule(http=[to(subset="v1")]), policy(subsets=[V1_SUBSET])])
        found = mesh.walk()
        assert shares(found) == OK
        assert [h.name for h in found.hops if h.what == "transport socket"] == ["10.244.0.20:8080"]

    def test_a_rule_of_a_third_namespace_does_not_count(self) -> None:
        far = build.istio_object(
            "DestinationRule",
            "ratings",
            "pay",
            host="ratings.shop.svc.cluster.local",
            subsets=[V1_SUBSET],
        )
        assert shares(Asked([rule(http=[to(subset="v1")]), far]).walk()) == {"503 NC": 1.0}


class TestRules:
    def test_the_first_match_that_takes_the_request_decides(self) -> None:
        api = to("payments.pay.svc.cluster.local", match=[{"uri": {"prefix": "/api"}}])
        mesh = Asked([rule(http=[api, to()])])
        paths = {"/api/x": "payments.pay", "/": "ratings.shop"}
        for path, host in paths.items():
            cluster = next(h.name for h in mesh.walk(path=path).hops if h.what == "cluster")
            assert host in cluster

    @pytest.mark.parametrize(
        ("match", "request_of", "takes"),
        [
            ({"uri": {"exact": "/x"}}, {"path": "/x?a=1"}, True),
            ({"uri": {"exact": "/x"}}, {"path": "/x/y"}, False),
            ({"uri": {"regex": "/v[0-9]+"}}, {"path": "/v12"}, True),
            ({"method": {"exact": "POST"}}, {"method": "POST"}, True),
            ({"method": {"exact": "POST"}}, {"method": "GET"}, False),
            ({"headers": {"x-user": {"prefix": "an"}}}, {"headers": {"x-user": "anna"}}, True),
            ({"withoutHeaders": {"x-user": {}}}, {"headers": {"x-user": "anna"}}, False),
            ({"queryParams": {"a": {"exact": "1"}}}, {"path": "/?a=1"}, True),
            ({"sourceLabels": {"app": "client-v1"}}, {}, True),
            ({"sourceLabels": {"app": "other"}}, {}, False),
            ({"sourceNamespace": "pay"}, {}, False),
            ({"port": 9999}, {}, False),
            ({"gateways": ["doorway"]}, {}, False),
            ({"gateways": ["mesh"]}, {}, True),
        ],
    )
    def test_a_request_that_no_rule_takes_is_nr(
        self, match: dict[str, Any], request_of: dict[str, Any], *, takes: bool
    ) -> None:
        found = Asked([rule(http=[to(match=[match])])]).walk(**request_of)
        assert shares(found) == (OK if takes else {"404 NR": 1.0})

    def test_the_older_of_two_rules_for_a_host_stands_alone(self) -> None:
        first = aged(rule("b", http=[to(fault=None)]), "2026-11-01T00:00:00Z")
        gone = {"directResponse": {"status": 418}}
        second = aged(rule("a", http=[gone]), "2026-11-02T00:00:00Z")
        assert shares(Asked([first, second]).walk()) == OK
        swapped = aged(rule("a", http=[gone]), "2026-10-01T00:00:00Z")
        assert shares(Asked([first, swapped]).walk()) == {"418": 1.0}

    def test_a_rule_that_is_not_exported_here_does_not_count(self) -> None:
        blocked = {"directResponse": {"status": 418}}
        other = build.istio_object(
            "VirtualService",
            "ratings",
            "pay",
            hosts=["ratings.shop.svc.cluster.local"],
            http=[blocked],
        )
        assert shares(Asked([other]).walk()) == {"418": 1.0}
        private = {**other, "spec": {**other["spec"], "exportTo": ["."]}}
        assert shares(Asked([private]).walk()) == OK

    def test_weights_split_the_requests(self) -> None:
        split = {
            "route": [
                {"destination": {"host": "ratings"}, "weight": 90},
                {"destination": {"host": "ratings", "subset": "none"}, "weight": 10},
            ]
        }
        assert shares(Asked([rule(http=[split])]).walk()) == {"ok": 0.9, "503 NC": 0.1}

    def test_a_short_host_means_the_rule_s_own_namespace(self) -> None:
        far = build.istio_object(
            "VirtualService",
            "payments",
            hosts=["payments.pay.svc.cluster.local"],
            http=[to("payments")],
        )
        found = Asked([far]).walk(host="payments.pay")
        assert shares(found) == {"503 NC": 1.0}

    def test_a_delegate_s_rules_count_behind_its_root(self) -> None:
        root = rule(http=[{"match": [{"uri": {"prefix": "/a"}}], "delegate": {"name": "part"}}])
        part = build.istio_object(
            "VirtualService", "part", http=[{"directResponse": {"status": 418}}]
        )
        mesh = Asked([root, part])
        assert shares(mesh.walk(path="/a/b")) == {"418": 1.0}
        assert shares(mesh.walk(path="/b")) == {"404 NR": 1.0}


class TestFaults:
    def test_an_abort_takes_its_percentage(self) -> None:
        fault = {"abort": {"httpStatus": 503, "percentage": {"value": 25}}}
        found = Asked([rule(http=[to(fault=fault)])]).walk()
        assert shares(found) == {"503 FI": 0.25, "ok": 0.75}

    def test_an_abort_without_a_percentage_does_nothing(self) -> None:
        fault = {"abort": {"httpStatus": 503}}
        assert shares(Asked([rule(http=[to(fault=fault)])]).walk()) == OK

    def test_a_redirect_is_no_failure(self) -> None:
        found = Asked([rule(http=[{"redirect": {"uri": "/new", "redirectCode": 302}}])]).walk()
        assert shares(found) == {"302": 1.0}
        assert not found.fails

    def test_a_timeout_below_the_delay_that_the_server_is_told_may_end_the_request(self) -> None:
        mesh = Asked([rule(http=[to(timeout="0.5s")])])
        assert shares(mesh.walk()) == {"ok": 1.0, "504 UT": 0.0}
        mesh.v1["spec"]["containers"][0]["env"] = [{"name": "DELAY", "value": "2"}]
        assert shares(mesh.walk())["504 UT"] == 0.5
        mesh.objects = [rule(http=[to(timeout="3s")])]
        assert shares(mesh.walk())["504 UT"] == 0.0
        mesh.objects = [rule(http=[to(timeout="2s")])]
        assert shares(mesh.walk())["504 UT"] == 0.5

    @pytest.mark.parametrize(
        ("retries", "timeout", "end", "share"),
        [
            ({"attempts": 2, "perTryTimeout": "1s"}, "3s", "504 UT", 0.5),
            ({"attempts": 2, "perTryTimeout": "1s"}, "0s", "504 UT", 0.5),
            ({"attempts": 2, "perTryTimeout": "1s", "retryOn": "5xx"}, "3s", "504 URX,UT", 0.5),
            ({"attempts": 2, "perTryTimeout": "4s"}, "3s", "504 UT", 0.0),
            ({"attempts": 0, "perTryTimeout": "1s"}, "3s", "504 UT", 0.0),
        ],
    )
    def test_a_try_may_end_before_the_server_answers_though_the_route_would_wait(
        self, retries: dict[str, Any], timeout: str, end: str, share: float
    ) -> None:
        mesh = Asked([rule(http=[to(timeout=timeout, retries=retries)])])
        mesh.v1["spec"]["containers"][0]["env"] = [{"name": "DELAY", "value": "2"}]
        assert shares(mesh.walk()).get(end) == share

    def test_limits_of_a_connection_pool_fail_under_load_only(self) -> None:
        pool = {"http": {"http1MaxPendingRequests": 1}}
        found = Asked([policy(trafficPolicy={"connectionPool": pool})]).walk()
        assert shares(found) == {"ok": 1.0, "503 UO": 0.0}

    def test_outlier_detection_is_named_as_what_no_object_tells(self) -> None:
        found = Asked([policy(trafficPolicy={"outlierDetection": {"interval": "1s"}})]).walk()
        assert shares(found) == {"ok": 1.0, "503 UH": 0.0}


class TestVisibility:
    def test_a_host_that_the_sidecar_leaves_out_is_502_under_registry_only(self) -> None:
        only = {"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}}
        mesh = Asked([sidecar("./*", **only)])
        found = mesh.walk(host="payments.pay")
        assert shares(found) == {"502": 1.0}
        assert "Sidecar shop/narrow" in found.outcomes[0].objects
        assert shares(mesh.walk()) == OK

    def test_a_host_that_the_sidecar_leaves_out_passes_through_otherwise(self) -> None:
        found = Asked([sidecar("./*")]).walk(host="payments.pay")
        assert shares(found) == OK
        assert any(hop.name == "PassthroughCluster" for hop in found.hops)

    def test_an_unknown_host_goes_as_mesh_config_says(self) -> None:
        only = {"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}}
        asked = {"host": "api.partner.net", "port": 80}
        assert shares(Asked(settings=only).walk(**asked)) == {"502": 1.0}
        found = Asked().walk(**asked)
        assert shares(found) == OK
        assert [gap.what for gap in found.unknown] == ["api.partner.net:80"]

    def test_an_unknown_port_under_registry_only_is_a_black_hole(self) -> None:
        only = {"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}}
        found = Asked(settings=only).walk(host="db.partner.net", port=5432, http=False)
        assert shares(found) == {"0 UH": 1.0}

    def test_a_port_that_the_destination_lacks_is_nc(self) -> None:
        wrong = {"route": [{"destination": {"host": "ratings", "port": {"number": 9999}}}]}
        assert shares(Asked([rule(http=[wrong])]).walk()) == {"503 NC": 1.0}


class TestServiceEntries:
    @staticmethod
    def entry(**spec: Any) -> dict[str, Any]:
        ports = [{"number": 80, "name": "http", "protocol": "HTTP"}]
        return build.istio_object(
            "ServiceEntry", "ext", ports=ports, location="MESH_EXTERNAL", **spec
        )

    @pytest.mark.parametrize(
        ("host", "outcome"),
        [
            ("nowhere.invalid", {"503 UH": 1.0}),
            ("api.partner.net", OK),
        ],
    )
    def test_a_name_that_no_dns_can_have_is_uh(self, host: str, outcome: dict[str, float]) -> None:
        mesh = Asked([self.entry(hosts=[host], resolution="DNS")])
        assert shares(mesh.walk(host=host, port=80)) == outcome

    @pytest.mark.parametrize(
        ("made", "outcome"), [("2099-01-01T00:00:00Z", {"502": 1.0}), ("2001-01-01T00:00:00Z", OK)]
    )
    def test_tcp_without_an_address_gets_no_listener_where_an_older_host_speaks_http(
        self, made: str, outcome: dict[str, float]
    ) -> None:
        entry = build.istio_object(
            "ServiceEntry",
            "raw",
            hosts=["api.partner.net"],
            ports=[{"number": 80, "name": "tcp", "protocol": "TCP"}],
            resolution="NONE",
        )
        only = {"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}}
        mesh = Asked([aged(entry, made)], settings=only)
        assert shares(mesh.walk(host="api.partner.net", port=80)) == outcome
        entry["spec"]["addresses"] = ["198.51.100.20"]
        assert shares(mesh.walk(host="api.partner.net", port=80)) == OK

    def test_its_endpoints_join_those_of_the_service_whose_host_it_declares(self) -> None:
        entry = build.istio_object(
            "ServiceEntry",
            "override",
            hosts=["ratings.shop.svc.cluster.local"],
            ports=[{"number": 8080, "name": "http", "protocol": "HTTP"}],
            resolution="STATIC",
            endpoints=[{"address": "10.244.0.30"}],
        )
        found = Asked([entry]).walk()
        sent = [hop.name for hop in found.hops if hop.what == "transport socket"]
        assert sorted(sent) == ["10.244.0.20:8080", "10.244.0.21:8080", "10.244.0.30:8080"]

    def test_workload_entries_that_it_selects_share_by_their_weight(self) -> None:
        items = [
            build.istio_object("WorkloadEntry", name, labels={"app": "vm"}, **more)
            for name, more in _MACHINES.items()
        ]
        selector = {"labels": {"app": "vm"}}
        entry = self.entry(hosts=["vm.example"], resolution="STATIC", workloadSelector=selector)
        found = Asked([entry, *items]).walk(host="vm.example", port=80)
        assert {one.address: one.share for one in found.stops} == {
            "10.9.0.1": 0.75,
            "10.9.0.2": 0.25,
        }


class TestProtocols:
    @pytest.mark.parametrize(("name", "read"), [("http", True), ("tcp-x", False), ("", True)])
    def test_rules_for_requests_do_not_count_at_a_port_that_is_tcp(
        self, name: str, *, read: bool
    ) -> None:
        port = {"name": name, "port": 8080, "targetPort": 8080, "protocol": "TCP"}
        endpoints = slice_of("ratings", "shop", "10.244.0.20")
        endpoints["ports"][0]["name"] = name
        mesh = Asked([rule(http=[{"directResponse": {"status": 418}}])])
        mesh.service, mesh.endpoints = build.service("ratings", ports=[port]), endpoints
        assert shares(mesh.walk()) == ({"418": 1.0} if read else OK)

    def test_tcp_rules_count_there(self) -> None:
        port = {"name": "tcp-x", "port": 8080, "targetPort": 8080, "protocol": "TCP"}
        mesh = Asked([rule(tcp=[to(subset="none")])])
        mesh.service = build.service("ratings", ports=[port])
        found = mesh.walk(http=False)
        assert shares(found) == {"0 NC": 1.0}

    def test_a_hop_that_hides_the_host_fails(self) -> None:
        hidden = {"networking.istio.io/exportTo": "."}
        mesh = Asked([sidecar("./*")])
        mesh.service["metadata"]["annotations"] = hidden
        found = mesh.walk(host="payments.pay")
        assert [h.verdict for h in found.hops if h.what == "visibility"] == [Verdict.FAILS]
