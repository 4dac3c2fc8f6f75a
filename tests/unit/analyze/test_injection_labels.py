"""Namespaces that should be labelled, and labels that contradict."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from meshdoctor.analyze.injection_labels import ANALYZER
from meshdoctor.model.finding import Severity
from meshdoctor.model.kinds import EVENT, MUTATING_WEBHOOK, NAMESPACE
from meshdoctor.model.log_line import IstiodLog, LogLine
from meshdoctor.model.snapshot import Snapshot
from tests.build import istio_object, istiod, mesh
from tests.unit.analyze.injection_build import (
    INJECT,
    INJECTION,
    REV,
    app,
    control_plane,
    every,
    facts,
    failing,
    injector,
    labelled,
    passes,
    verdicts,
)

FORMER_POD = "ratings-5d7b56bd4-8xkvz"


def installed(*objects: dict[str, Any], **more: Any) -> Snapshot:
    return mesh([*control_plane(), injector(), *objects], **more)


def container_event(place: str, pod: str = FORMER_POD) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{pod}.1", "namespace": "shop"},
        "involvedObject": {"kind": "Pod", "name": pod, "fieldPath": place},
        "reason": "Started",
    }


def replica_set(template: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "ratings-5d7b56bd4", "namespace": "shop"},
        "spec": {"template": template},
    }


def log_of(*messages: str) -> IstiodLog:
    now = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
    lines = tuple(
        LogLine(number, now, "info", "ads", text, (), f"…\tinfo\tads\t{text}")
        for number, text in enumerate(messages, start=1)
    )
    return IstiodLog(lines, {}, {}, 0)


SHOP = ("namespace shop", "Namespace shop")
NOTE = {("MD0301", "fail note", *SHOP)}
FAULT = {("MD0301", "fail", *SHOP)}


class TestNamespaceWithoutLabel:
    def test_nobody_is_at_fault_when_nothing_shows_that_it_belongs_to_the_mesh(self) -> None:
        snapshot = installed(labelled("shop"), *app("ratings"))
        assert verdicts(ANALYZER, snapshot) == NOTE
        finding = failing(ANALYZER, snapshot, "MD0301")[0]
        assert finding.severity is Severity.INFO
        assert facts(finding) == {
            "namespace-has-no-injection-label": "holds",
            "pods-lack-proxy": "holds",
            "namespace-belongs-to-mesh": "silent",
        }
        assert finding.fills["command"] == (
            "kubectl label namespace shop istio-injection=enabled --overwrite"
        )
        assert [item.source for item in finding.affected] == ["Deployment shop/ratings"]

    def test_neighbours_with_a_sidecar_that_no_label_explains_prove_it(self) -> None:
        snapshot = installed(labelled("shop"), *app("ratings"), *app("web", proxy="native"))
        assert verdicts(ANALYZER, snapshot) == FAULT
        finding = failing(ANALYZER, snapshot, "MD0301")[0]
        assert finding.severity is Severity.ERROR
        assert set(facts(finding).values()) == {"holds"}

    def test_it_is_a_warning_while_every_pod_still_has_its_sidecar(self) -> None:
        snapshot = installed(labelled("shop"), *app("web", proxy="native"))
        assert verdicts(ANALYZER, snapshot) == NOTE
        assert failing(ANALYZER, snapshot, "MD0301")[0].severity is Severity.WARNING

    def test_the_revision_of_the_neighbours_is_the_one_to_ask_for(self) -> None:
        snapshot = mesh(
            every(
                control_plane(),
                control_plane("canary"),
                [injector(), injector("canary"), labelled("shop")],
                app("ratings"),
                app("web", proxy="native", revision="canary"),
            )
        )
        finding = failing(ANALYZER, snapshot, "MD0301")[0]
        assert finding.fills["label"] == "istio.io/rev=canary"

    @pytest.mark.parametrize(
        "neighbour",
        [
            app("gate", proxy="native", pod_labels={INJECT: "true"}),
            app("gate", proxy="native", pod_labels={REV: "default"}),
            app("gate", proxy="native", initContainers=[{"name": "istio-proxy"}]),
        ],
        ids=["asks by its own label", "asks for a revision", "injected by hand"],
    )
    def test_a_pod_with_a_sidecar_of_its_own_says_nothing_of_its_namespace(
        self, neighbour: list[dict[str, Any]]
    ) -> None:
        snapshot = installed(labelled("shop"), *app("ratings"), *neighbour)
        assert verdicts(ANALYZER, snapshot) == NOTE

    @pytest.mark.parametrize(
        "place", ["spec.initContainers{istio-proxy}", "spec.containers{istio-proxy}"]
    )
    def test_an_event_of_an_earlier_pods_sidecar_proves_it(self, place: str) -> None:
        snapshot = installed(labelled("shop"), *app("ratings"), container_event(place))
        assert verdicts(ANALYZER, snapshot) == FAULT

    @pytest.mark.parametrize(
        "event",
        [
            container_event("spec.containers{app}"),
            container_event("spec.containers{istio-proxy}", pod="ratings-api-5d7b56bd4-8xkvz"),
            container_event("spec.containers{istio-proxy}", pod="web-5d7b56bd4-8xkvz"),
        ],
        ids=["the app's own container", "a workload with a longer name", "another workload"],
    )
    def test_other_events_prove_nothing(self, event: dict[str, Any]) -> None:
        snapshot = installed(labelled("shop"), *app("ratings"), event)
        assert verdicts(ANALYZER, snapshot) == NOTE

    @pytest.mark.parametrize(
        "template",
        [
            {"metadata": {"labels": {INJECT: "true"}}},
            {"spec": {"containers": [{"name": "istio-proxy"}]}},
        ],
        ids=["its label asked", "injected by hand"],
    )
    def test_an_earlier_pod_whose_own_template_had_the_sidecar_proves_nothing(
        self, template: dict[str, Any]
    ) -> None:
        event = container_event("spec.containers{istio-proxy}")
        snapshot = installed(labelled("shop"), *app("ratings"), event, replica_set(template))
        assert verdicts(ANALYZER, snapshot) == NOTE

    @pytest.mark.parametrize(
        "message",
        [
            f"ADS: new connection for node:{FORMER_POD}.shop-7",
            f'ADS: "10.244.0.54:50862" {FORMER_POD}.shop-10 terminated',
            f"LDS: PUSH for node:{FORMER_POD}.shop resources:11 removed:0 size:36.1kB",
        ],
    )
    def test_a_line_of_istiods_about_an_earlier_pods_proxy_proves_it(self, message: str) -> None:
        replica = istiod(log=log_of(message))
        snapshot = installed(labelled("shop"), *app("ratings"), istiods=[replica])
        assert verdicts(ANALYZER, snapshot) == FAULT
        evidence = failing(ANALYZER, snapshot, "MD0301")[0].evidence
        assert [(item.line, item.source) for item in evidence if item.line] == [
            (1, "istiod/istio-system/istiod-0/discovery.log")
        ]

    def test_a_namespace_whose_name_ends_in_a_number_is_read_from_a_push_line(self) -> None:
        replica = istiod(log=log_of(f"LDS: PUSH for node:{FORMER_POD}.shop-2 resources:1"))
        snapshot = installed(
            labelled("shop"),
            labelled("shop-2"),
            *app("ratings"),
            *app("ratings", "shop-2"),
            istiods=[replica],
        )
        assert verdicts(ANALYZER, snapshot) == {
            *NOTE,
            ("MD0301", "fail", "namespace shop-2", "Namespace shop-2"),
        }

    @pytest.mark.parametrize(
        "labels",
        [
            {INJECTION: "true"},
            {INJECTION: "Enabled"},
            {"istio-inject": "enabled"},
            {INJECT: "true"},
            {"istio.io/revision": "default"},
        ],
    )
    def test_a_slip_of_the_pen_shows_what_was_meant(self, labels: dict[str, str]) -> None:
        snapshot = installed(labelled("shop", labels), *app("ratings"))
        assert verdicts(ANALYZER, snapshot) == FAULT

    @pytest.mark.parametrize(
        "labels",
        [{INJECTION: "disabled"}, {INJECT: "false"}, {"istio.io/use-waypoint": "w"}],
    )
    def test_labels_that_say_no_or_nothing_are_no_slip(self, labels: dict[str, str]) -> None:
        snapshot = installed(labelled("shop", labels), *app("ratings"))
        assert verdicts(ANALYZER, snapshot) == NOTE

    @pytest.mark.parametrize(
        "annotation", [INJECT, "traffic.sidecar.istio.io/excludeOutboundPorts"]
    )
    def test_an_annotation_that_only_a_sidecar_obeys_shows_what_was_meant(
        self, annotation: str
    ) -> None:
        snapshot = installed(labelled("shop"), *app("ratings", annotations={annotation: "true"}))
        assert verdicts(ANALYZER, snapshot) == FAULT

    def test_a_sidecar_object_shows_what_was_meant(self) -> None:
        snapshot = installed(
            labelled("shop"), *app("ratings"), istio_object("Sidecar", "default", egress=[])
        )
        assert verdicts(ANALYZER, snapshot) == FAULT

    @pytest.mark.parametrize(
        "name", ["kube-system", "istio-system"], ids=["never injected", "control plane"]
    )
    def test_namespaces_that_need_no_sidecar_are_passed_over(self, name: str) -> None:
        snapshot = installed(labelled(name), *app("agent", name))
        assert verdicts(ANALYZER, snapshot) == set()

    def test_pods_in_ambient_mode_are_rightly_without_a_sidecar(self) -> None:
        snapshot = installed(
            labelled("shop", {"istio.io/dataplane-mode": "ambient"}), *app("ratings")
        )
        assert verdicts(ANALYZER, snapshot) == set()

    def test_finished_pods_need_no_sidecar(self) -> None:
        objects = app("ratings")
        objects[1]["status"]["phase"] = "Succeeded"
        assert verdicts(ANALYZER, installed(labelled("shop"), *objects)) == set()

    def test_unread_events_leave_open_whether_it_belongs_to_the_mesh(self) -> None:
        snapshot = installed(labelled("shop"), *app("ratings"), unread=[EVENT])
        finding = failing(ANALYZER, snapshot, "MD0301")[0]
        assert facts(finding)["namespace-belongs-to-mesh"] == "unread"

    def test_unread_webhooks_make_it_unknown(self) -> None:
        snapshot = installed(labelled("shop"), *app("ratings"), unread=[MUTATING_WEBHOOK])
        assert verdicts(ANALYZER, snapshot) == {("MD0301", "unknown", *SHOP)}

    def test_unread_namespaces_make_everything_unknown(self) -> None:
        snapshot = installed(labelled("shop"), *app("ratings"), unread=[NAMESPACE])
        assert verdicts(ANALYZER, snapshot) == {
            ("MD0301", "unknown", "mesh", "mesh"),
            ("MD0302", "unknown", "mesh", "mesh"),
        }


class TestLabelsThatContradict:
    def test_one_label_cannot(self) -> None:
        snapshot = installed(labelled("shop", {INJECTION: "enabled"}), *app("web", proxy="native"))
        assert verdicts(ANALYZER, snapshot) == set()
        assert passes(ANALYZER, snapshot) == {
            ("MD0301", "namespace shop"),
            ("MD0302", "namespace shop"),
        }

    def test_disabled_beats_a_revision_and_nothing_is_injected(self) -> None:
        labels = {INJECTION: "disabled", REV: "default"}
        snapshot = installed(labelled("shop", labels), *app("ratings"))
        assert verdicts(ANALYZER, snapshot) == {("MD0302", "fail", *SHOP)}
        finding = failing(ANALYZER, snapshot, "MD0302")[0]
        assert finding.severity is Severity.ERROR
        assert finding.fills["command"] == (
            "kubectl label namespace shop istio-injection- --overwrite"
        )
        assert finding.fills["undo"] == (
            "kubectl label namespace shop istio-injection=disabled --overwrite"
        )

    def test_disabled_beats_a_revision_even_where_webhooks_are_unread(self) -> None:
        labels = {INJECTION: "disabled", REV: "default"}
        snapshot = installed(labelled("shop", labels), *app("ratings"), unread=[MUTATING_WEBHOOK])
        assert verdicts(ANALYZER, snapshot) == {("MD0302", "fail", *SHOP)}

    def test_enabled_beats_another_revision(self) -> None:
        snapshot = mesh(
            every(
                control_plane(),
                control_plane("canary"),
                [injector(), injector("canary")],
                [labelled("shop", {INJECTION: "enabled", REV: "canary"})],
                app("web", proxy="native"),
            )
        )
        assert verdicts(ANALYZER, snapshot) == {("MD0302", "fail", *SHOP)}
        assert failing(ANALYZER, snapshot, "MD0302")[0].severity is Severity.WARNING

    def test_enabled_and_the_default_revision_agree(self) -> None:
        labels = {INJECTION: "enabled", REV: "default"}
        snapshot = installed(labelled("shop", labels), *app("web", proxy="native"))
        assert verdicts(ANALYZER, snapshot) == set()

    def test_whether_enabled_and_a_revision_agree_is_unknown_without_the_webhooks(self) -> None:
        labels = {INJECTION: "enabled", REV: "canary"}
        snapshot = installed(labelled("shop", labels), *app("ratings"), unread=[MUTATING_WEBHOOK])
        assert verdicts(ANALYZER, snapshot) == {("MD0302", "unknown", *SHOP)}

    def test_nobody_suffers_in_a_namespace_without_pods(self) -> None:
        snapshot = installed(labelled("shop", {INJECTION: "disabled", REV: "default"}))
        assert verdicts(ANALYZER, snapshot) == {("MD0302", "fail note", *SHOP)}

    def test_sidecars_and_ambient_mode_at_once_are_a_warning(self) -> None:
        labels = {INJECTION: "enabled", "istio.io/dataplane-mode": "ambient"}
        snapshot = installed(labelled("shop", labels), *app("web", proxy="native"))
        assert verdicts(ANALYZER, snapshot) == {("MD0309", "warn note", *SHOP)}
