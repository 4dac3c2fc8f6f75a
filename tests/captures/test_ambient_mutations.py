"""Ambient captures with one thing changed: other names and ways, look-alikes, missing inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.exit_codes import ExitCode
from meshdoctor.model.diagnosis import Certainty
from meshdoctor.model.finding import Severity
from meshdoctor.report.verdict import exit_code
from tests.captures.editing import Copy, codes_of, copy_of, named, unknown_ids

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("captures_root", "no_network")

MODE = "istio.io/dataplane-mode"
CALLER, CALLEE = "10.244.0.119", "10.244.0.120"
REJECTED = "connection closed due to policy rejection: "
NONE_ALLOWED = REJECTED + "allow policies exist, but none allowed"
STRICT = REJECTED + "explicitly denied by: istio-system/istio_converted_static_strict"


def renamed(copy: Copy, **words: str) -> None:
    """The whole recording with other names."""
    for path in copy.folder.rglob("*"):
        if path.is_file():
            text = path.read_text(errors="replace")
            for old, new in words.items():
                text = text.replace(old, new)
            path.write_text(text)


def with_object(copy: Copy, plural: str, name: str, space: str = "amb", **spec: Any) -> None:
    metadata = {"name": name, "namespace": space, "creationTimestamp": "2026-11-21T08:30:00Z"}
    with copy.items(plural) as items:
        items.append({"metadata": metadata, "spec": spec})


def with_refusal(copy: Copy, error: str, *, source: str = CALLER, known: bool = True) -> None:
    """A connection to callee that its ztunnel closed just now."""
    (path,) = copy.files("ztunnels/*/*/ztunnel.log")
    who = (
        'src.workload="caller-v1-64c7b7b9bb-22mtb" src.namespace="amb" '
        'src.identity="spiffe://cluster.local/ns/amb/sa/caller" '
    )
    port = 15008 if known else 8080
    line = (
        f"2026-11-21T08:31:45.324684Z\terror\taccess\tconnection complete\tsrc.addr={source}:53370 "
        f"{who if known else ''}dst.addr={CALLEE}:{port} dst.hbone_addr={CALLEE}:8080 "
        'dst.service="callee.amb.svc.cluster.local" dst.workload="callee-v1-68f6646467-6d9c7" '
        f'dst.namespace="amb" direction="inbound" error="{error}"\n'
    )
    path.write_text(path.read_text() + line)


def left_out(copy: Copy, name: str) -> None:
    """Pods of a Deployment opt out by their template's label."""
    with copy.items("deployments") as items:
        for item in items:
            if item["metadata"]["name"] == name:
                item["spec"]["template"]["metadata"]["labels"][MODE] = "none"
    with copy.items("pods") as pods:
        for pod in pods:
            if pod["metadata"]["name"].startswith(f"{name}-"):
                pod["metadata"]["labels"][MODE] = "none"
                del pod["metadata"]["annotations"]["ambient.istio.io/redirection"]


def policy_spec(copy: Copy, **spec: Any) -> None:
    with copy.items("networkpolicies") as items:
        items[0]["spec"] = spec


class TestHbone:
    CAPTURE = "ambient-hbone-blocked"
    CAUSE = "ambient-hbone-port-blocked"

    def test_other_names_and_ports_are_the_same_fault(self, tmp_path: Path) -> None:
        copy = copy_of(self.CAPTURE, tmp_path)
        words = {"callee": "vendor", "caller": "client", "8080": "9443", "amb": "till"}
        renamed(copy, **words, tillient="ambient")
        assert named(copy.answer()) == [(self.CAUSE, "NetworkPolicy till/vendor-only-9443")]

    def test_egress_of_the_caller_is_the_same_fault(self, tmp_path: Path) -> None:
        copy = copy_of(self.CAPTURE, tmp_path)
        rules = [{"ports": [{"protocol": "UDP", "port": 53}]}, {"ports": [{"port": 8080}]}]
        selector = {"matchLabels": {"app": "caller"}}
        policy_spec(copy, podSelector=selector, policyTypes=["Egress"], egress=rules)
        (cause,) = copy.answer().root_causes
        assert (cause.id, cause.certainty) == (self.CAUSE, Certainty.PROVEN)
        assert "/spec/egress/-" in cause.fix[0].command

    def test_without_ztunnels_log_the_objects_still_decide(self, tmp_path: Path) -> None:
        copy = copy_of(self.CAPTURE, tmp_path)
        copy.remove("ztunnels/*/*/ztunnel.log")
        (cause,) = copy.answer().root_causes
        assert (cause.id, cause.certainty) == (self.CAUSE, Certainty.LIKELY)

    def test_a_policy_that_admits_15008_leaves_a_warning_and_no_cause(self, tmp_path: Path) -> None:
        copy = copy_of(self.CAPTURE, tmp_path)
        with copy.items("networkpolicies") as items:
            items[0]["spec"]["ingress"][0]["ports"].append({"port": 15000, "endPort": 15010})
        found = copy.answer()
        assert named(found) == []
        assert exit_code(found) is ExitCode.WARNINGS

    def test_without_policies_nobody_knows(self, tmp_path: Path) -> None:
        copy = copy_of(self.CAPTURE, tmp_path)
        copy.remove("kubernetes/*/*/networkpolicies.json")
        found = copy.answer()
        assert named(found) == []
        assert self.CAUSE in unknown_ids(found)


class TestZtunnel:
    CAUSE = "ambient-ztunnel-not-ready"

    def test_a_ztunnel_that_crashes_is_the_same_fault(self, tmp_path: Path) -> None:
        copy = copy_of("ambient-healthy", tmp_path)
        with copy.items("pods") as pods:
            for pod in pods:
                if pod["metadata"]["name"].startswith("ztunnel"):
                    pod["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
                    state = {"waiting": {"reason": "CrashLoopBackOff"}}
                    pod["status"]["containerStatuses"][0] |= {"ready": False, "state": state}
        (cause,) = copy.answer().root_causes
        assert (cause.id, cause.objects[0]) == (self.CAUSE, "DaemonSet istio-system/ztunnel")
        assert "CrashLoopBackOff" in cause.summary

    def test_another_namespace_and_selector_are_the_same_fault(self, tmp_path: Path) -> None:
        copy = copy_of("ambient-ztunnel-not-running", tmp_path)
        with copy.items("daemonsets") as items:
            for item in items:
                if item["metadata"]["name"] == "ztunnel":
                    item["metadata"]["namespace"] = "mesh-data"
                    item["spec"]["template"]["spec"]["nodeSelector"] = {"tier": "gold"}
        (cause,) = copy.answer().root_causes
        assert (cause.id, cause.objects[0]) == (self.CAUSE, "DaemonSet mesh-data/ztunnel")
        assert "tier=gold" in cause.summary

    def test_where_no_pod_is_in_ambient_mode_it_matters_to_nobody(self, tmp_path: Path) -> None:
        copy = copy_of("ambient-ztunnel-not-running", tmp_path)
        with copy.items("pods") as pods:
            pods[:] = [pod for pod in pods if pod["metadata"]["namespace"] != "amb"]
        assert self.CAUSE not in {cause.id for cause in copy.answer().root_causes}

    def test_ztunnels_that_were_not_read_are_missed(self, tmp_path: Path) -> None:
        copy = copy_of("ambient-healthy", tmp_path)
        copy.remove("ztunnels/*/*/*")
        found = copy.answer()
        assert exit_code(found) is ExitCode.UNREAD
        assert {"waypoint-not-ready", "ambient-hbone-port-blocked"} <= unknown_ids(found)


class TestWaypoints:
    def test_a_label_on_the_service_names_the_service(self, tmp_path: Path) -> None:
        copy = copy_of("ambient-waypoint-missing", tmp_path)
        with copy.items("namespaces") as items:
            for item in items:
                item["metadata"]["labels"].pop("istio.io/use-waypoint", None)
        with copy.items("services") as items:
            for item in items:
                if item["metadata"]["name"] == "callee":
                    item["metadata"]["labels"]["istio.io/use-waypoint"] = "gate"
        assert named(copy.answer()) == [("waypoint-missing", "Service amb/callee")]

    def test_without_the_label_the_policy_has_no_waypoint(self, tmp_path: Path) -> None:
        copy = copy_of("ambient-waypoint-missing", tmp_path)
        with copy.items("namespaces") as items:
            for item in items:
                item["metadata"]["labels"].pop("istio.io/use-waypoint", None)
        assert named(copy.answer()) == [
            ("ambient-l7-policy-without-waypoint", "AuthorizationPolicy amb/get-only")
        ]

    @pytest.mark.parametrize("name", ["missing", "not-programmed"])
    def test_without_gateways_nobody_knows(self, name: str, tmp_path: Path) -> None:
        copy = copy_of(f"ambient-waypoint-{name}", tmp_path)
        copy.remove("kubernetes/gateway.networking.k8s.io/*/gateways.json")
        found = copy.answer()
        assert named(found) == []
        assert {"waypoint-missing", "waypoint-not-ready"} <= unknown_ids(found)

    def test_without_gateways_a_mesh_that_names_none_is_fine(self, tmp_path: Path) -> None:
        copy = copy_of("ambient-healthy", tmp_path)
        copy.remove("kubernetes/gateway.networking.k8s.io/*/gateways.json")
        assert exit_code(copy.answer()) is ExitCode.OK

    def test_a_class_that_does_not_exist_is_not_ready_either(self, tmp_path: Path) -> None:
        copy = copy_of("ambient-waypoint-not-programmed", tmp_path)
        (path,) = copy.files("kubernetes/gateway.networking.k8s.io/*/gateways.json")
        path.write_text(path.read_text().replace('"istio-waypoint"', '"istio-waipoint"'))
        found = copy.answer()
        assert named(found) == [("waypoint-not-ready", "Gateway amb/waypoint")]
        assert "istio-waypoint" in found.root_causes[0].fix[0].command

    @pytest.mark.parametrize("hidden", ["", "istiod/*/*/debug/syncz.json"])
    def test_a_waypoint_that_refuses_its_configuration_is_no_case_of_ours(
        self, hidden: str, tmp_path: Path
    ) -> None:
        copy = copy_of("ambient-waypoint-rejects-config", tmp_path)
        if hidden:
            copy.remove(hidden)
        ours = {"waypoint-not-ready", "waypoint-missing", "ambient-hbone-port-blocked"}
        assert ours.isdisjoint(cause.id for cause in copy.answer().root_causes)


class TestLeftOut:
    CAUSE = "pod-opted-out-of-ambient"

    def test_a_caller_that_strict_servers_refuse_is_an_error(self, tmp_path: Path) -> None:
        copy = copy_of("ambient-healthy", tmp_path)
        left_out(copy, "caller-v1")
        with_object(copy, "peerauthentications", "default", mtls={"mode": "STRICT"})
        with_refusal(copy, STRICT, known=False)
        (cause,) = copy.answer().root_causes
        assert (cause.id, cause.objects[0]) == (self.CAUSE, "Deployment amb/caller-v1")
        assert cause.severity is Severity.ERROR

    def test_a_server_whose_policies_nothing_enforces_is_an_error(self, tmp_path: Path) -> None:
        copy = copy_of("ambient-healthy", tmp_path)
        left_out(copy, "callee-v1")
        rules = [{"from": [{"source": {"namespaces": ["elsewhere"]}}]}]
        with_object(copy, "authorizationpolicies", "few", action="ALLOW", rules=rules)
        (cause,) = copy.answer().root_causes
        assert (cause.id, cause.objects[0]) == (self.CAUSE, "Deployment amb/callee-v1")
        assert "AuthorizationPolicy amb/few" in cause.objects

    def test_the_label_where_no_namespace_asks_is_no_fault(self, tmp_path: Path) -> None:
        copy = copy_of("healthy", tmp_path)
        with copy.items("pods") as pods:
            for pod in pods:
                pod["metadata"].setdefault("labels", {})[MODE] = "none"
        assert named(copy.answer()) == []


ONLY_OTHERS = [{"from": [{"source": {"principals": ["cluster.local/ns/amb/sa/other"]}}]}]
ONLY_CALLER = [{"from": [{"source": {"principals": ["cluster.local/ns/amb/sa/caller"]}}]}]


def allow_others(copy: Copy) -> None:
    with_object(copy, "authorizationpolicies", "few", action="ALLOW", rules=ONLY_OTHERS)
    with_refusal(copy, NONE_ALLOWED)


def allow_nobody(copy: Copy) -> None:
    with_object(copy, "authorizationpolicies", "few")
    with_refusal(copy, NONE_ALLOWED)


def deny_caller(copy: Copy) -> None:
    with_object(copy, "authorizationpolicies", "few", action="DENY", rules=ONLY_CALLER)
    with_refusal(copy, REJECTED + "explicitly denied by: amb/few")


class TestConnectionPolicies:
    @pytest.mark.parametrize(
        ("change", "cause"),
        [
            (allow_others, "authorizationpolicy-no-rule-matches"),
            (allow_nobody, "authorizationpolicy-denies-all"),
            (deny_caller, "authorizationpolicy-deny-matches"),
        ],
        ids=["no-rule-matches", "denies-all", "deny-matches"],
    )
    def test_what_ztunnel_refuses_has_the_causes_that_sidecars_have(
        self, change: Callable[[Copy], None], cause: str, tmp_path: Path
    ) -> None:
        copy = copy_of("ambient-healthy", tmp_path)
        change(copy)
        found = copy.answer()
        assert named(found) == [(cause, "AuthorizationPolicy amb/few")]
        assert "{" not in found.root_causes[0].summary
        copy.remove("ztunnels/*/*/ztunnel.log")
        blind = copy.answer()
        assert cause in unknown_ids(blind) or named(blind)[0][0] == cause

    def test_a_refusal_whose_policy_is_gone_names_no_cause(self, tmp_path: Path) -> None:
        copy = copy_of("ambient-healthy", tmp_path)
        with_refusal(copy, NONE_ALLOWED)
        found = copy.answer()
        assert named(found) == []
        assert "MD0510" in codes_of(found)
