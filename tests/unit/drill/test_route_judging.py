"""The way of requests is judged by whom they come to, not by how it is written."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.drill.grader import Grader
from meshdoctor.drill.library import parse_drill
from meshdoctor.drill.lint import against_rules, against_schema, play
from meshdoctor.drill.route_judging import Judgement, judge_route
from meshdoctor.drill.wanted_route import parse_route
from meshdoctor.model.kinds import SERVICE
from meshdoctor.trace.walk import walk
from meshdoctor.views.trace_request import build_request
from tests import build
from tests.unit.drill.playing import play as play_recording
from tests.unit.drill.test_drills import document
from tests.unit.trace.intent_build import (
    FRONT,
    Asked,
    gateway,
    http_server,
    policy,
    rule,
    slice_of,
    to,
)

V1_ONLY = {"destination": {"host": "ratings", "subset": "v1"}}
V2_ONLY = {"destination": {"host": "ratings", "subset": "v2"}}
SUBSETS = policy(
    subsets=[{"name": name, "labels": {"version": name}} for name in ("v1", "v2")],
)
RATINGS = "ratings.shop.svc.cluster.local"


def judged(mesh: Asked, wanted: dict[str, Any], **request: Any) -> Judgement:
    found = mesh.walk(**request)
    return judge_route(mesh.snapshot(), found, parse_route(wanted))


def split(first: int, second: int) -> Asked:
    ways = [{**V1_ONLY, "weight": first}, {**V2_ONLY, "weight": second}]
    return Asked(objects=[SUBSETS, rule(http=[{"route": ways}])])


def routed(**http: Any) -> Asked:
    return Asked(objects=[SUBSETS, rule(http=[{"route": [V1_ONLY], **http}])])


class TestShares:
    @pytest.mark.parametrize(("first", "held"), [(80, True), (75, True), (85, True), (90, False)])
    def test_a_share_lies_within_its_bounds_or_not(self, first: int, held: bool) -> None:
        wanted = {"shares": [{"host": RATINGS, "subset": "v1", "at_least": 75, "at_most": 85}]}
        found = judged(split(first, 100 - first), wanted)
        assert found.passed is held
        assert found.because.startswith(f"{first} % of the requests come to {RATINGS} subset v1")
        assert found.because.endswith("wanted 75 to 85 %")
        assert found.objects == ("VirtualService shop/ratings",)

    @pytest.mark.parametrize(("pod", "share"), [("ratings-v1", 30), ("ratings-v2", 70)])
    def test_a_pod_s_share_counts_whatever_the_subset_is_called(self, pod: str, share: int) -> None:
        wanted = {"shares": [{"of": f"Pod shop/{pod}", "at_least": share, "at_most": share}]}
        assert judged(split(30, 70), wanted).passed
        assert judged(split(70, 30), wanted).passed is False

    def test_without_any_rule_the_service_s_pods_share_alike(self) -> None:
        wanted = {"shares": [{"of": "Pod shop/ratings-v2", "at_least": 50, "at_most": 50}]}
        assert judged(Asked(), wanted).passed

    def test_an_address_and_its_port_can_be_named(self) -> None:
        for port, held in ((8080, True), (9090, False)):
            share = {"address": "10.244.0.21", "port": port, "at_least": 50}
            assert judged(Asked(), {"shares": [share]}).passed is held

    def test_a_destination_on_another_port_and_path_is_what_is_sent_on(self) -> None:
        pay = {"host": "payments.pay.svc.cluster.local", "port": {"number": 8080}}
        made = rule(
            http=[
                {
                    "match": [{"uri": {"prefix": "/old"}}],
                    "rewrite": {"uri": "/new", "authority": "inside.example"},
                    "route": [{"destination": pay}],
                }
            ]
        )
        share = {"host": pay["host"], "port": 8080, "at_least": 100}
        for more, held in (
            ({}, True),
            ({"path": "/new/a", "authority": "inside.example"}, True),
            ({"path": "/old/a"}, False),
            ({"port": 9090}, False),
        ):
            wanted = {"shares": [{**share, **more}]}
            assert judged(Asked(objects=[made]), wanted, path="/old/a").passed is held

    def test_what_passes_a_gateway_in_the_middle_counts_once(self) -> None:
        out = "out.example.com"
        entry = build.istio_object(
            "ServiceEntry",
            "out",
            hosts=[out],
            ports=[{"number": 80, "name": "http", "protocol": "HTTP"}],
            resolution="DNS",
        )
        front = "front.istio-system.svc.cluster.local"
        ways = [
            {"match": [{"gateways": ["mesh"]}], **to(front)},
            {"match": [{"gateways": ["doorway"]}], **to(out)},
        ]
        way = rule("out", hosts=[out], gateways=["mesh", "doorway"], http=ways)
        endpoints = slice_of("front", "istio-system", FRONT)
        made = Asked(objects=[entry, endpoints, gateway(http_server(out)), way])
        past = Asked(objects=[entry])
        through = {"through": ["Service istio-system/front"]}
        ends = {"shares": [{"host": out, "port": 80, "at_least": 100, "at_most": 100}]}
        asked = {"host": out, "port": 80}
        assert judged(made, through | ends, **asked).passed
        found = judged(past, through | ends, **asked)
        assert found.passed is False
        assert found.because == (
            "0 % of the requests come to Service istio-system/front, wanted at least 100 %"
        )

    @pytest.mark.parametrize("wait", ["3s", "1ms"])
    def test_what_is_answered_too_late_comes_to_the_server_all_the_same(self, wait: str) -> None:
        made = routed(timeout="1s")
        made.v1["spec"]["containers"][0]["env"] = [{"name": "DELAY", "value": wait}]
        assert made.walk().fails is (wait == "3s")
        wanted = {"shares": [{"of": "Pod shop/ratings-v1", "at_least": 100}]}
        assert judged(made, wanted).passed


class TestCopies:
    @pytest.mark.parametrize(
        ("http", "percent"),
        [
            ({"mirror": V2_ONLY["destination"], "mirrorPercentage": {"value": 20.0}}, 20),
            ({"mirrors": [{**V2_ONLY, "percentage": {"value": 20}}]}, 20),
            ({"mirror": V2_ONLY["destination"]}, 100),
            ({"mirror": V2_ONLY["destination"], "mirrorPercentage": {"value": 0}}, 0),
            ({"mirror": {"host": "ratings", "subset": "v3"}}, 0),
            ({}, 0),
        ],
    )
    def test_copies_come_to_whom_the_mirror_leads(
        self, http: dict[str, Any], percent: float
    ) -> None:
        copies = [{"of": "Pod shop/ratings-v2", "at_least": percent, "at_most": percent}]
        answers = [{"of": "Pod shop/ratings-v1", "at_least": 100}]
        assert judged(routed(**http), {"copies": copies, "shares": answers}).passed
        other = [{"of": "Pod shop/ratings-v2", "at_least": percent + 1}]
        assert judged(routed(**http), {"copies": other}).passed is False

    def test_a_copy_is_no_answer(self) -> None:
        made = routed(mirror=V2_ONLY["destination"])
        wanted = {"shares": [{"of": "Pod shop/ratings-v2", "at_least": 1}]}
        assert judged(made, wanted).passed is False


class TestRetries:
    @pytest.mark.parametrize(
        ("retries", "held"),
        [
            ({"attempts": 3, "perTryTimeout": "2s", "retryOn": "5xx"}, True),
            ({"attempts": 3, "perTryTimeout": "500ms", "retryOn": "gateway-error,reset"}, True),
            ({"attempts": 3, "perTryTimeout": "2s", "retryOn": "503"}, True),
            ({"attempts": 3, "perTryTimeout": "3s", "retryOn": "5xx"}, False),
            ({"attempts": 3, "retryOn": "5xx"}, False),
            ({"attempts": 2, "perTryTimeout": "2s", "retryOn": "5xx"}, False),
            ({"attempts": 0}, False),
            ({"attempts": 3, "perTryTimeout": "2s", "retryOn": "connect-failure"}, False),
            (None, False),
        ],
    )
    def test_attempts_occasions_and_each_try_count(
        self, retries: dict[str, Any] | None, held: bool
    ) -> None:
        made = routed(**({} if retries is None else {"retries": retries}))
        wanted = {"retries": {"at_least": 3, "covers": [503], "per_try": {"at_most": "2s"}}}
        assert judged(made, wanted).passed is held

    @pytest.mark.parametrize(("timeout", "held"), [("8s", True), ("7s", False), (None, True)])
    def test_all_tries_fit_into_the_timeout_or_not(self, timeout: str | None, held: bool) -> None:
        retries = {"attempts": 3, "perTryTimeout": "2s"}
        made = routed(retries=retries, **({"timeout": timeout} if timeout else {}))
        found = judged(made, {"retries": {"at_least": 1, "fits": True}})
        assert found.passed is held
        assert "4 tries of 2 s must fit into" in found.because

    def test_istio_s_own_retries_count_where_nothing_is_written(self) -> None:
        wanted = {"retries": {"at_least": 2, "at_most": 2, "covers": ["connect-failure"]}}
        assert judged(Asked(), wanted).passed
        assert judged(Asked(), {"retries": {"at_least": 2, "covers": ["reset"]}}).passed is False

    def test_a_caller_without_a_proxy_has_no_route(self) -> None:
        bare = build.pod("client", owner="client-v1", ip="10.244.0.10", proxy=None)
        found = judged(Asked(client=bare), {"retries": {"at_least": 0}})
        assert found.passed is False
        assert found.because == "no proxy sends them on by an HTTP route"


class TestTimeout:
    @pytest.mark.parametrize(
        ("timeout", "held"),
        [("2s", True), ("2500ms", True), ("3s", True), ("1s", False), ("5s", False), (None, False)],
    )
    def test_a_timeout_lies_within_its_bounds_or_not(self, timeout: str | None, held: bool) -> None:
        made = routed(**({"timeout": timeout} if timeout else {}))
        wanted = {"timeout": {"at_least": "2s", "at_most": "3s"}}
        assert judged(made, wanted).passed is held

    def test_no_timeout_is_longer_than_any(self) -> None:
        assert judged(Asked(), {"timeout": {"at_least": "10s"}}).passed
        found = judged(Asked(), {"timeout": {"at_most": "10s"}})
        assert (found.passed, found.because) == (
            False,
            "the route has no timeout, wanted at most 10 s",
        )


def test_a_way_that_nobody_could_read_is_not_told() -> None:
    wanted = {"shares": [{"of": "Pod shop/ratings-v1", "at_least": 50}]}
    found = judged(Asked(unread=[SERVICE]), wanted)
    assert found.passed is None
    assert "services" in found.because


@pytest.mark.parametrize(
    ("way", "said"),
    [
        (
            {"shares": [{"host": "a", "of": "Pod a/b", "at_least": 1}]},
            "exactly one of of, host, address",
        ),
        ({"shares": [{"host": "a"}]}, "at least one of at_least, at_most"),
        ({}, "needs at least one of shares, through"),
        ({"timeout": {"at_most": "soon"}}, "'soon' does not match"),
        ({"retries": {"at_least": -1}}, "-1 is less than the minimum of 0"),
    ],
)
def test_the_schema_refuses_what_is_no_way(way: dict[str, Any], said: str) -> None:
    sound = {"from": "deploy/client-v1", "to": "http://reviews:8080/"}
    for body, wrong in ((sound | way, True), (sound | {"timeout": {"at_most": "3s"}}, False)):
        broken = document("D08")
        checks = [*broken["checks"], {"id": "way", "says": "It goes", "route": body}]
        told = list(against_schema("D08.yaml", {**broken, "checks": checks}))
        assert any(said in line for line in told) is wrong
        assert bool(told) is wrong


def test_a_check_of_the_way_is_graded_with_the_others() -> None:
    broken = document("D08")
    share = {"of": "Deployment shop/reviews-v2", "at_least": 100}
    body = {"from": "deploy/client-v1", "namespace": "shop", "to": "http://reviews:8080/"}
    check = {"id": "way", "says": "v2 answers all", "route": {**body, "shares": [share]}}
    one = parse_drill({**broken, "checks": [check, *broken["checks"][1:]]})
    before, after = (play(one, fix, Grader()) for fix in (None, one.reference))
    assert [grade.checks[0].passed for grade in (before, after)] == [False, True]
    assert "0 % of the requests come to Deployment shop/reviews-v2" in before.checks[0].because
    assert "100 % of the requests" in after.checks[0].because
    halved = play(one, one.fixes[1], Grader())
    assert halved.checks[0].passed is False


def test_a_check_of_the_way_asks_how_the_mesh_behaves() -> None:
    broken = document("D08")
    body = {"from": "deploy/client-v1", "to": "http://reviews:8080/", "timeout": {"at_most": "3s"}}
    way = {"id": "way", "says": "It gives up", "route": body}
    state = [check for check in broken["checks"] if not {"request", "route"} & check.keys()]
    said = "no check asks how the mesh behaves"
    for checks, missing in ((state, True), ([*state, way], False)):
        told = against_rules("D08.yaml", parse_drill({**broken, "checks": checks}))
        assert any(said in line for line in told) is missing


WAYPOINT = """
- apply:
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata: {name: waypoint, namespace: amb, labels: {istio.io/waypoint-for: service}}
    spec:
      gatewayClassName: istio-waypoint
      listeners: [{name: mesh, port: 15008, protocol: HBONE}]
- delete: {object: AuthorizationPolicy amb/get-only}
"""
"""Without the policy, which would have the waypoint answer by itself."""


def of_recording(
    recording: str, edits: str, source: tuple[str, str], to: str, **wanted: Any
) -> Judgement:
    """What is judged of a request of a bundled recording, after edits."""
    mesh = play_recording(recording, edits).snapshot()
    asked = build_request(mesh, source[0], to, namespaces=(source[1],), no_token=True)
    return judge_route(mesh, walk(mesh, asked), parse_route(wanted))


@pytest.mark.parametrize(
    "passed", ["Gateway.gateway.networking.k8s.io amb/waypoint", "Deployment amb/waypoint"]
)
def test_a_waypoint_is_passed_only_where_it_is_there(passed: str) -> None:
    caller = ("deploy/caller-v1", "amb")
    for edits, held in ((WAYPOINT, True), ("", False)):
        found = of_recording(
            "ambient-waypoint-missing",
            edits,
            caller,
            "http://callee:8080/",
            through=[passed, "Deployment amb/callee-v1"],
        )
        assert found.passed is held, found.because


@pytest.mark.parametrize("edits", ["", "- label: {object: Namespace shop, set: {seen: by-intent}}"])
def test_what_proxies_hold_and_what_objects_ask_for_are_judged_alike(edits: str) -> None:
    client = ("deploy/client-v1", "shop")
    reviews = "http://reviews:8080/"
    sound = {
        "shares": [
            {"of": "Deployment shop/reviews-v1", "at_least": 80, "at_most": 80},
            {"host": "reviews.shop.svc.cluster.local", "subset": "v2", "port": 8080, "at_most": 20},
        ],
        "copies": [{"of": "Deployment shop/reviews-v2", "at_most": 0}],
        "retries": {"at_least": 2, "at_most": 2, "covers": ["connect-failure"]},
        "timeout": {"at_least": "1m"},
    }
    assert of_recording("healthy", edits, client, reviews, **sound).passed
    for name, wrong in (
        ("shares", [{"of": "Deployment shop/reviews-v1", "at_least": 81}]),
        ("copies", [{"of": "Deployment shop/reviews-v2", "at_least": 1}]),
        ("retries", {"at_least": 3}),
        ("timeout", {"at_most": "1m"}),
    ):
        assert of_recording("healthy", edits, client, reviews, **{name: wrong}).passed is False
