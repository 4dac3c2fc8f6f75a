"""The faults of ambient mode, each beside its healthy twin and a look-alike."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze import (
    ambient_failures,
    ambient_hbone,
    ambient_outside,
    ambient_plaintext,
    ambient_policies,
    ambient_refusals,
    ambient_waypoint_ready,
    ambient_waypoint_scope,
    ambient_waypoints,
    ambient_ztunnel,
)
from meshdoctor.model.finding import FactState, Outcome
from meshdoctor.model.kinds import (
    AUTHORIZATION_POLICY,
    DAEMON_SET,
    KUBERNETES_GATEWAY,
    NETWORK_POLICY,
    POD,
)
from tests.build import istio_object, istiod, mesh, namespace, pod
from tests.unit.analyze.ambient_build import (
    MODE,
    USE,
    ambient_mesh_objects,
    captured,
    daemonset,
    line,
    network_policy,
    waypoint,
    waypoint_class,
    waypoint_deployment,
    waypoint_pod,
    ztunnel,
    ztunnel_pod,
)
from tests.unit.analyze.traffic_build import passed, problems

SELLER, BUYER = "Deployment till/seller", "Deployment till/buyer"
TIMEOUT = "connection timed out, maybe a NetworkPolicy is blocking HBONE port 15008: x"
REJECTED = "connection closed due to policy rejection: "
NONE_ALLOWED = REJECTED + "allow policies exist, but none allowed"
STRICT = REJECTED + "explicitly denied by: istio-system/istio_converted_static_strict"


def said(module: Any, *objects: dict[str, Any], **options: Any) -> list[tuple[str, str]]:
    found = problems(module.ANALYZER, mesh(ambient_mesh_objects(*objects), **options))
    return [(item.code, item.objects[0] if item.objects else item.subject) for item in found]


def unknown(module: Any, *objects: dict[str, Any], **options: Any) -> list[str]:
    snapshot = mesh(ambient_mesh_objects(*objects), **options)
    return [
        item.code for item in module.ANALYZER.analyze(snapshot) if item.outcome is Outcome.UNKNOWN
    ]


def only(module: Any, *objects: dict[str, Any], **options: Any) -> Any:
    (found,) = problems(module.ANALYZER, mesh(ambient_mesh_objects(*objects), **options))
    return found


def without(objects: list[dict[str, Any]], *kinds: str, name: str = "") -> list[dict[str, Any]]:
    return [
        item
        for item in objects
        if item["kind"] not in kinds or not item["metadata"]["name"].startswith(name)
    ]


class TestZtunnel:
    MODULE = ambient_ztunnel
    NAMED = ("MD0501", "DaemonSet istio-system/ztunnel")

    def found(self, objects: list[dict[str, Any]], **options: Any) -> list[tuple[str, str]]:
        found = problems(self.MODULE.ANALYZER, mesh(objects, **options))
        return [(item.code, item.objects[0]) for item in found]

    def test_a_ready_ztunnel_rules_it_out_for_every_workload_of_its_node(self) -> None:
        snapshot = mesh(ambient_mesh_objects())
        assert problems(self.MODULE.ANALYZER, snapshot) == []
        assert ("MD0501", f"workload {SELLER}") in passed(self.MODULE.ANALYZER, snapshot)

    def test_a_node_selector_that_no_node_meets_is_named_with_its_label(self) -> None:
        objects = without(ambient_mesh_objects(), "Pod", name="ztunnel")
        objects = [*without(objects, "DaemonSet"), daemonset(nodeSelector={"disk": "fast"})]
        (found,) = problems(self.MODULE.ANALYZER, mesh(objects))
        assert (found.code, found.objects[0]) == self.NAMED
        assert "disk=fast" in found.message
        assert "nodeSelector/disk" in found.fills["command"]
        assert {item.source for item in found.affected} == {SELLER, BUYER}

    def test_a_ztunnel_that_crashes_is_named_with_its_containers_reason(self) -> None:
        crashing = ztunnel_pod(ready=False)
        state = {"waiting": {"reason": "CrashLoopBackOff"}}
        crashing["status"]["containerStatuses"][0] |= {"state": state, "restartCount": 4}
        objects = [*without(ambient_mesh_objects(), "Pod", name="ztunnel"), crashing]
        (found,) = problems(self.MODULE.ANALYZER, mesh(objects))
        assert "CrashLoopBackOff (restarted 4 times)" in found.message

    def test_only_the_node_that_lacks_one_counts(self) -> None:
        elsewhere = captured("porter", "10.1.0.7", node="node-b")
        (found,) = problems(self.MODULE.ANALYZER, mesh(ambient_mesh_objects(elsewhere)))
        assert [item.source for item in found.affected] == ["Deployment till/porter"]
        served = ambient_mesh_objects(elsewhere, ztunnel_pod("node-b"))
        assert self.found(served) == []

    def test_a_node_without_ambient_pods_needs_none(self) -> None:
        other = pod("web-1", "shop", proxy=None, nodeName="node-c")
        assert said(self.MODULE, namespace("shop"), other, ztunnel_pod("node-c", ready=False)) == []

    def test_a_mesh_without_ambient_needs_none(self) -> None:
        assert self.found([namespace("till"), pod("p-1", "till", nodeName="node-a")]) == []

    def test_an_uninstalled_ztunnel_is_named_as_the_chart_does(self) -> None:
        objects = without(ambient_mesh_objects(), "Pod", "DaemonSet", name="ztunnel")
        assert self.found(objects) == [self.NAMED]

    def test_without_daemonsets_or_pods_it_cannot_be_told(self) -> None:
        objects = without(ambient_mesh_objects(), "Pod", name="ztunnel")
        assert self.found(objects, unread=[DAEMON_SET]) == []
        assert unknown(self.MODULE, unread=[POD]) == ["MD0501"]


PORT = [{"ports": [{"protocol": "TCP", "port": 8080}]}]
HBONE = [{"ports": [{"protocol": "TCP", "port": 15008}]}]


class TestHbone:
    MODULE = ambient_hbone

    def test_a_policy_that_admits_the_port_and_not_15008_is_named(self) -> None:
        found = only(self.MODULE, network_policy("p", "seller", ingress=PORT))
        assert found.objects == ("NetworkPolicy till/p", SELLER)
        assert [(item.source, item.to) for item in found.affected] == [
            (BUYER, "seller.till.svc.cluster.local:8080")
        ]
        assert '"port": 15008' in found.fills["command"]

    def test_timeouts_in_ztunnels_log_prove_it(self) -> None:
        policy = network_policy("p", "seller", ingress=PORT)
        found = only(self.MODULE, policy, ztunnels=[ztunnel(line(TIMEOUT))])
        assert [fact.state for fact in found.facts] == [FactState.HOLDS] * 3

    def test_without_the_log_the_fact_is_unread(self) -> None:
        found = only(self.MODULE, network_policy("p", "seller", ingress=PORT))
        assert found.facts[2].state is FactState.UNREAD

    def test_egress_of_the_client_counts_as_well(self) -> None:
        found = only(self.MODULE, network_policy("out", "buyer", egress=PORT))
        assert found.objects[0] == "NetworkPolicy till/out"
        assert "out of the pods of Deployment till/buyer" in found.message
        assert '"kubernetes.io/metadata.name": "till"' in found.fills["command"]

    def test_the_policy_that_admits_something_is_the_one_to_change(self) -> None:
        deny = network_policy("all", "seller", ingress=[])
        found = only(self.MODULE, deny, network_policy("p", "seller", ingress=PORT))
        assert found.objects[:2] == ("NetworkPolicy till/p", "NetworkPolicy till/all")

    @pytest.mark.parametrize(
        "policies",
        [
            [network_policy("p", "seller", ingress=[*PORT, *HBONE])],
            [network_policy("p", "seller", ingress=[{}])],
            [
                network_policy("p", "seller", ingress=PORT),
                network_policy("q", "seller", ingress=HBONE),
            ],
            [network_policy("p", "somebody", ingress=PORT)],
        ],
        ids=["both-ports", "everything", "another-policy", "another-pod"],
    )
    def test_where_15008_gets_through_it_is_ruled_out(self, policies: list[Any]) -> None:
        snapshot = mesh(ambient_mesh_objects(*policies))
        assert problems(self.MODULE.ANALYZER, snapshot) == []
        assert ("MD0502", f"workload {SELLER}") in passed(self.MODULE.ANALYZER, snapshot)

    def test_callers_that_are_kept_away_on_purpose_are_no_fault(self) -> None:
        deny = network_policy("all", "seller", ingress=[])
        assert said(self.MODULE, deny) == []
        snapshot = mesh(ambient_mesh_objects(deny))
        assert ("MD0502", f"workload {SELLER}") not in passed(self.MODULE.ANALYZER, snapshot)

    def test_unless_they_time_out_all_the_same(self) -> None:
        deny = network_policy("all", "seller", ingress=[])
        found = said(self.MODULE, deny, ztunnels=[ztunnel(line(TIMEOUT))])
        assert found == [("MD0502", "NetworkPolicy till/all")]

    def test_a_plugin_that_does_not_enforce_it_is_no_fault(self) -> None:
        policy = network_policy("p", "seller", ingress=PORT)
        assert said(self.MODULE, policy, ztunnels=[ztunnel(line())]) == []

    def test_pods_outside_ambient_mode_do_not_need_15008(self) -> None:
        objects = [namespace("till"), pod("buyer-1", "till"), pod("seller-1", "till")]
        objects.append(network_policy("p", "seller-1", ingress=PORT))
        assert problems(self.MODULE.ANALYZER, mesh(objects)) == []

    def test_without_policies_it_cannot_be_told(self) -> None:
        assert unknown(self.MODULE, unread=[NETWORK_POLICY]) == ["MD0502"]


BOUND = {USE: "edge"}


class TestWaypoints:
    MODULE = ambient_waypoints

    def found(self, *objects: dict[str, Any], **options: Any) -> list[tuple[str, str]]:
        snapshot = mesh(ambient_mesh_objects(*objects, **BOUND), **options)
        found = problems(self.MODULE.ANALYZER, snapshot)
        return [(item.code, item.objects[0]) for item in found]

    def test_a_label_that_names_no_gateway_is_named(self) -> None:
        assert self.found() == [("MD0503", "Namespace till")]

    def test_a_gateway_of_that_name_rules_it_out(self) -> None:
        assert self.found(waypoint()) == []

    def test_a_misspelt_name_is_put_right(self) -> None:
        snapshot = mesh(ambient_mesh_objects(waypoint("edges"), **BOUND))
        (found,) = problems(self.MODULE.ANALYZER, snapshot)
        assert found.fills["command"].endswith(
            "namespace till istio.io/use-waypoint=edges --overwrite"
        )

    def test_none_asks_for_nothing(self) -> None:
        snapshot = mesh(ambient_mesh_objects(**{USE: "none"}))
        assert problems(self.MODULE.ANALYZER, snapshot) == []

    def test_a_label_outside_ambient_mode_does_nothing(self) -> None:
        space = namespace("till")
        space["metadata"]["labels"][USE] = "edge"
        assert problems(self.MODULE.ANALYZER, mesh([space])) == []

    def test_without_gateways_it_cannot_be_told_and_need_not_where_no_label_asks(self) -> None:
        snapshot = mesh(ambient_mesh_objects(**BOUND), unread=[KUBERNETES_GATEWAY])
        outcomes = [item.outcome for item in self.MODULE.ANALYZER.analyze(snapshot)]
        assert outcomes == [Outcome.UNKNOWN]
        assert unknown(self.MODULE, unread=[KUBERNETES_GATEWAY]) == []


class TestWaypointReady:
    MODULE = ambient_waypoint_ready

    def found(self, *objects: dict[str, Any], **options: Any) -> Any:
        options.setdefault("istiods", [istiod()])
        items = ambient_mesh_objects(waypoint_class(), *objects, **BOUND)
        return problems(self.MODULE.ANALYZER, mesh(items, **options))

    def test_a_ready_pod_is_enough(self) -> None:
        assert self.found(waypoint(), waypoint_deployment(), waypoint_pod()) == []

    def test_a_pod_that_is_not_scheduled_names_its_deployment(self) -> None:
        pending = waypoint_pod(ready=False, running=False)
        (found,) = self.found(waypoint(), waypoint_deployment(), pending)
        assert found.objects[:2] == ("Deployment till/edge", "Gateway till/edge")
        assert "no node fits" in found.message

    def test_a_deployment_scaled_to_zero_is_scaled_up(self) -> None:
        (found,) = self.found(waypoint(), waypoint_deployment(0))
        assert found.objects[0] == "Deployment till/edge"
        assert found.fills["command"].endswith("--replicas=1")

    def test_a_class_that_makes_no_waypoints_names_the_gateway(self) -> None:
        (found,) = self.found(waypoint(klass="istio"))
        assert found.objects[0] == "Gateway till/edge"

    def test_a_gateway_that_is_not_programmed_says_why(self) -> None:
        gateway = waypoint()
        refused = {"type": "Programmed", "status": "False", "reason": "Invalid", "message": "no"}
        gateway["status"] = {"conditions": [refused]}
        (found,) = self.found(gateway)
        assert "not programmed: no" in found.message

    def test_a_running_pod_that_is_not_ready_needs_syncz_to_be_judged(self) -> None:
        objects = (waypoint(), waypoint_deployment(), waypoint_pod(ready=False))
        assert len(self.found(*objects)) == 1
        blind = self.found(*objects, istiods=[istiod(syncs=None)])
        assert blind == []
        items = ambient_mesh_objects(waypoint_class(), *objects, **BOUND)
        outcomes = {item.outcome for item in self.MODULE.ANALYZER.analyze(mesh(items))}
        assert outcomes == {Outcome.UNKNOWN}

    def test_a_waypoint_that_nobody_asks_for_may_rest(self) -> None:
        items = ambient_mesh_objects(waypoint(), waypoint_deployment(0))
        assert problems(self.MODULE.ANALYZER, mesh(items)) == []

    def test_a_waypoint_for_workloads_does_not_serve_a_service(self) -> None:
        gateway = waypoint(**{"istio.io/waypoint-for": "none"})
        items = ambient_mesh_objects(gateway, **BOUND)
        (found,) = problems(ambient_waypoint_scope.ANALYZER, mesh(items))
        assert (found.code, found.objects[0]) == ("MD0508", "Gateway till/edge")
        fine = ambient_mesh_objects(waypoint(), **BOUND)
        assert problems(ambient_waypoint_scope.ANALYZER, mesh(fine)) == []


def opted_out(owner: str) -> list[dict[str, Any]]:
    """The mesh, with the pods of one Deployment left out by their label."""
    objects = ambient_mesh_objects()
    for item in objects:
        if item["kind"] == "Deployment" and item["metadata"]["name"] == owner:
            labels = item["spec"]["template"]["metadata"]["labels"]
            item["spec"]["template"]["metadata"]["labels"] = {**labels, MODE: "none"}
        if item["kind"] == "Pod" and item["metadata"]["name"] == f"{owner}-1":
            item["metadata"]["labels"][MODE] = "none"
            del item["metadata"]["annotations"]
    return objects


class TestOutside:
    MODULE = ambient_outside

    def test_pods_in_ambient_mode_are_in_order(self) -> None:
        snapshot = mesh(ambient_mesh_objects())
        assert problems(self.MODULE.ANALYZER, snapshot) == []
        assert ("MD0505", f"workload {BUYER}") in passed(self.MODULE.ANALYZER, snapshot)

    def test_an_opt_out_that_costs_nothing_is_a_warning(self) -> None:
        (found,) = problems(self.MODULE.ANALYZER, mesh(opted_out("buyer")))
        assert found.objects == (BUYER,)
        assert found.severity == "warning"
        assert '"op": "remove"' in found.fills["command"]

    def test_a_policy_that_nothing_enforces_makes_it_an_error(self) -> None:
        rules = [{"from": [{"source": {"namespaces": ["till"]}}]}]
        policy = istio_object("AuthorizationPolicy", "p", "till", rules=rules)
        (found,) = problems(self.MODULE.ANALYZER, mesh([*opted_out("seller"), policy]))
        assert found.objects == (SELLER, "AuthorizationPolicy till/p")
        assert found.severity is None

    def test_calls_that_are_refused_make_it_an_error(self) -> None:
        refused = line(STRICT, direction="inbound", client="", identity=False)
        snapshot = mesh(opted_out("buyer"), ztunnels=[ztunnel(refused)])
        (found,) = problems(self.MODULE.ANALYZER, snapshot)
        assert [(item.source, item.to) for item in found.affected] == [
            (BUYER, "seller.till.svc.cluster.local:8080")
        ]
        assert found.severity is None

    def test_a_pod_that_was_missed_is_told_without_blame(self) -> None:
        missed = captured("porter", "10.1.0.7", taken=False)
        found = only(self.MODULE, missed)
        assert (found.objects, found.root) == (("Deployment till/porter",), False)

    def test_one_that_was_just_made_may_still_be_taken_in(self) -> None:
        fresh = captured("porter", "10.1.0.7", taken=False)
        fresh["metadata"]["creationTimestamp"] = "2026-11-21T07:59:40Z"
        assert said(self.MODULE, fresh) == []


def policy(name: str = "p", *, action: str = "ALLOW", app: str = "seller", **spec: Any) -> Any:
    if app:
        spec["selector"] = {"matchLabels": {"app": app}}
    return istio_object("AuthorizationPolicy", name, "till", action=action, **spec)


GET = {"to": [{"operation": {"methods": ["GET"]}}]}
FROM_BUYER = {"from": [{"source": {"principals": ["cluster.local/ns/till/sa/buyer"]}}]}
FROM_OTHER = {"from": [{"source": {"principals": ["cluster.local/ns/till/sa/other"]}}]}
TARGET = [{"group": "", "kind": "Service", "name": "seller"}]


class TestPolicies:
    MODULE = ambient_policies
    NAMED = ("MD0506", "AuthorizationPolicy till/p")

    def test_http_in_a_policy_with_a_selector_is_named(self) -> None:
        found = only(self.MODULE, policy(rules=[GET]))
        assert (found.code, found.objects[0]) == self.NAMED
        assert "every call is refused" in found.message

    def test_one_rule_of_http_beside_others_is_named_too(self) -> None:
        found = only(self.MODULE, policy(rules=[FROM_BUYER, GET]))
        assert "calls that only they admit are refused" in found.message

    def test_rules_on_connections_are_in_order(self) -> None:
        assert said(self.MODULE, policy(rules=[FROM_BUYER])) == []

    def test_http_for_workloads_outside_ambient_mode_is_in_order(self) -> None:
        assert said(self.MODULE, policy(app="web", rules=[GET]), pod("web-1", "till")) == []

    def test_a_target_that_no_waypoint_serves_is_named(self) -> None:
        found = only(self.MODULE, policy(app="", rules=[GET], targetRefs=TARGET))
        assert found.objects[:2] == ("AuthorizationPolicy till/p", "Service till/seller")
        assert "nothing enforces it" in found.message

    def test_a_target_behind_a_waypoint_is_in_order(self) -> None:
        objects = (policy(app="", rules=[GET], targetRefs=TARGET), waypoint())
        items = ambient_mesh_objects(*objects, **BOUND)
        assert problems(self.MODULE.ANALYZER, mesh(items)) == []

    def test_a_waypoint_that_is_missing_is_another_fault(self) -> None:
        items = ambient_mesh_objects(policy(app="", rules=[GET], targetRefs=TARGET), **BOUND)
        assert problems(self.MODULE.ANALYZER, mesh(items)) == []

    def test_a_waypoint_that_serves_no_services_does_not_help(self) -> None:
        objects = (
            policy(app="", rules=[GET], targetRefs=TARGET),
            waypoint(**{"istio.io/waypoint-for": "workload"}),
        )
        items = ambient_mesh_objects(*objects, **BOUND)
        (found,) = problems(self.MODULE.ANALYZER, mesh(items))
        assert found.objects[0] == "AuthorizationPolicy till/p"

    def test_without_policies_it_cannot_be_told(self) -> None:
        assert unknown(self.MODULE, unread=[AUTHORIZATION_POLICY]) == ["MD0506"]


class TestRefusals:
    MODULE = ambient_refusals
    REFUSED = ztunnel(line(NONE_ALLOWED, direction="inbound"))

    def test_a_principal_that_no_rule_names_is_refused(self) -> None:
        found = only(self.MODULE, policy(rules=[FROM_OTHER]), ztunnels=[self.REFUSED])
        assert (found.code, found.objects) == ("MD0522", ("AuthorizationPolicy till/p",))
        assert "cluster.local/ns/till/sa/buyer" in found.fills["why"]

    def test_a_policy_that_admits_it_by_now_is_mended(self) -> None:
        assert said(self.MODULE, policy(rules=[FROM_BUYER]), ztunnels=[self.REFUSED]) == []

    def test_a_later_success_ends_it(self) -> None:
        later = ztunnel(line(NONE_ALLOWED, direction="inbound"), line(direction="inbound"))
        assert said(self.MODULE, policy(rules=[FROM_OTHER]), ztunnels=[later]) == []

    def test_an_old_line_tells_nothing(self) -> None:
        old = ztunnel(line(NONE_ALLOWED, direction="inbound", seconds_ago=400))
        assert said(self.MODULE, policy(rules=[FROM_OTHER]), ztunnels=[old]) == []

    def test_a_policy_without_rules_lets_nobody_in(self) -> None:
        assert said(self.MODULE, policy(), ztunnels=[self.REFUSED]) == [
            ("MD0521", "AuthorizationPolicy till/p")
        ]

    def test_http_rules_are_left_to_their_own_analyzer(self) -> None:
        assert said(self.MODULE, policy(rules=[GET]), ztunnels=[self.REFUSED]) == []

    def test_the_deny_policy_that_the_log_names_is_named(self) -> None:
        denied = ztunnel(line(REJECTED + "explicitly denied by: till/p", direction="inbound"))
        deny = policy(action="DENY", rules=[FROM_OTHER, FROM_BUYER])
        found = only(self.MODULE, deny, ztunnels=[denied])
        assert (found.code, found.fills["rule"]) == ("MD0520", "1")
        spared = policy(action="DENY", rules=[FROM_OTHER])
        assert said(self.MODULE, spared, ztunnels=[denied]) == []


class TestPlaintext:
    MODULE = ambient_plaintext
    PEER = istio_object("PeerAuthentication", "default", "till", mtls={"mode": "STRICT"})
    LINE = line(
        STRICT, direction="inbound", client="", ip="10.2.0.1", to="10.1.0.2:8080", identity=False
    )

    def outsider(self) -> list[dict[str, Any]]:
        return [
            namespace("old"),
            pod("cron-1", "old", owner="cron", proxy=None, ip="10.2.0.1"),
            self.PEER,
        ]

    def test_a_client_outside_the_mesh_is_named_with_the_policy(self) -> None:
        found = only(self.MODULE, *self.outsider(), ztunnels=[ztunnel(self.LINE)])
        assert found.objects == ("Deployment old/cron", "PeerAuthentication till/default")

    def test_where_the_policy_is_gone_it_is_mended(self) -> None:
        objects = self.outsider()[:2]
        assert said(self.MODULE, *objects, ztunnels=[ztunnel(self.LINE)]) == []

    def test_a_client_that_is_left_out_of_ambient_mode_is_another_fault(self) -> None:
        own = line(STRICT, direction="inbound", client="", identity=False)
        snapshot = mesh([*opted_out("buyer"), self.PEER], ztunnels=[ztunnel(own)])
        assert problems(self.MODULE.ANALYZER, snapshot) == []


class TestFailures:
    MODULE = ambient_failures

    def found(self, *lines: str) -> list[tuple[str, str]]:
        snapshot = mesh(ambient_mesh_objects(), ztunnels=[ztunnel(*lines)])
        return [(item.code, item.subject) for item in problems(self.MODULE.ANALYZER, snapshot)]

    def test_what_fails_now_is_told_in_ztunnels_words(self) -> None:
        assert self.found(line("tls error: bad")) == [("MD0510", f"workload {SELLER}")]

    def test_what_succeeds_since_is_not(self) -> None:
        assert self.found(line("tls error: bad"), line()) == []

    def test_a_connection_that_ends_as_connections_do_is_not(self) -> None:
        assert self.found(line("h2 failed: broken pipe")) == []

    @pytest.mark.parametrize(
        ("words", "why"),
        [
            ("timed out waiting for workload 'till/seller' from xds", "istiod"),
            ("failed to open netns: Permission denied", "SELinux"),
            ("failed: identity error: signing gRPC error", "CA_TRUSTED_NODE_ACCOUNTS"),
        ],
        ids=["xds", "socket", "impersonation"],
    )
    def test_what_a_ztunnel_lacks_is_read_from_its_own_lines(self, words: str, why: str) -> None:
        own = f"2026-11-21T07:59:50.000000Z\terror\tztunnel\t{words}"
        snapshot = mesh(ambient_mesh_objects(), ztunnels=[ztunnel(own)])
        (found,) = problems(self.MODULE.ANALYZER, snapshot)
        assert found.code == "MD0511"
        assert why in found.message
        assert not found.root
