"""Pods that keep the sidecar out themselves."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.injection_pods import ANALYZER
from meshdoctor.model.kinds import MUTATING_WEBHOOK, NAMESPACE, POD
from meshdoctor.model.snapshot import Snapshot
from tests.build import mesh
from tests.unit.analyze.injection_build import (
    INJECT,
    INJECTION,
    app,
    control_plane,
    facts,
    failing,
    injector,
    injector_values,
    labelled,
    passes,
    verdicts,
)

TARGET = "Deployment shop/ratings"
WORKLOAD = f"workload {TARGET}"
OPTED_OUT = {("MD0304", "fail", WORKLOAD, TARGET)}
HOST_NETWORK = {("MD0306", "fail", WORKLOAD, TARGET)}


def enabled(*objects: dict[str, Any], **more: Any) -> Snapshot:
    shop = labelled("shop", {INJECTION: "enabled"})
    return mesh([*control_plane(), injector(), shop, *objects], **more)


class TestOptOut:
    def test_the_label_false_opts_out(self) -> None:
        snapshot = enabled(*app("ratings", pod_labels={INJECT: "false"}))
        assert verdicts(ANALYZER, snapshot) == OPTED_OUT
        finding = failing(ANALYZER, snapshot, "MD0304")[0]
        assert set(facts(finding).values()) == {"holds"}
        assert finding.fills["command"] == (
            "kubectl patch deployment ratings -n shop --type json -p "
            '\'[{"op": "remove", '
            '"path": "/spec/template/metadata/labels/sidecar.istio.io~1inject"}]\''
        )
        assert '"op": "add"' in finding.fills["undo"]

    def test_the_annotation_false_opts_out_too(self) -> None:
        snapshot = enabled(*app("ratings", annotations={INJECT: "false"}))
        assert verdicts(ANALYZER, snapshot) == OPTED_OUT
        finding = failing(ANALYZER, snapshot, "MD0304")[0]
        assert finding.fills["place"] == "annotation"
        assert "/spec/template/metadata/annotations/" in finding.fills["command"]

    def test_the_label_beats_the_annotation(self) -> None:
        snapshot = enabled(
            *app("ratings", pod_labels={INJECT: "true"}, annotations={INJECT: "false"})
        )
        assert verdicts(ANALYZER, snapshot) == set()

    def test_a_pod_without_a_word_passes(self) -> None:
        snapshot = enabled(*app("ratings"))
        assert verdicts(ANALYZER, snapshot) == set()
        assert passes(ANALYZER, snapshot) == {
            ("MD0304", WORKLOAD),
            ("MD0306", WORKLOAD),
            ("MD0304", "namespace shop"),
            ("MD0306", "namespace shop"),
        }

    def test_opting_out_changes_nothing_where_nobody_asks(self) -> None:
        snapshot = mesh(
            [
                *control_plane(),
                injector(),
                labelled("shop"),
                *app("ratings", pod_labels={INJECT: "false"}),
            ]
        )
        assert verdicts(ANALYZER, snapshot) == set()

    @pytest.mark.parametrize(
        ("containers", "labels"),
        [
            ([{"name": "istio-proxy"}], {}),
            ([{"name": "discovery"}], {"app": "istiod"}),
            ([{"name": "istio-proxy"}], {"app": "ztunnel"}),
            ([{"name": "install-cni"}], {}),
        ],
        ids=["gateway", "istiod", "ztunnel", "cni"],
    )
    def test_parts_of_istio_opt_out_rightly(
        self, containers: list[dict[str, Any]], labels: dict[str, str]
    ) -> None:
        objects = app("ratings", pod_labels={INJECT: "false", **labels})
        objects[0]["spec"]["template"]["spec"]["containers"] = containers
        objects[1]["spec"]["containers"] = containers
        assert verdicts(ANALYZER, enabled(*objects)) == set()

    def test_it_is_told_even_where_the_webhooks_are_unread(self) -> None:
        snapshot = enabled(*app("ratings", pod_labels={INJECT: "false"}), unread=[MUTATING_WEBHOOK])
        assert verdicts(ANALYZER, snapshot) == OPTED_OUT

    @pytest.mark.parametrize("kind", [NAMESPACE, POD])
    def test_it_is_unknown_where_namespaces_or_pods_are_unread(self, kind: Any) -> None:
        snapshot = enabled(*app("ratings", pod_labels={INJECT: "false"}), unread=[kind])
        assert verdicts(ANALYZER, snapshot) == {
            ("MD0304", "unknown", "mesh", "mesh"),
            ("MD0306", "unknown", "mesh", "mesh"),
        }


class TestHostNetwork:
    def test_a_pod_on_the_hosts_network_is_never_injected(self) -> None:
        snapshot = enabled(*app("ratings", hostNetwork=True))
        assert verdicts(ANALYZER, snapshot) == HOST_NETWORK
        finding = failing(ANALYZER, snapshot, "MD0306")[0]
        assert set(facts(finding).values()) == {"holds"}
        assert '"path": "/spec/template/spec/hostNetwork"' in finding.fills["command"]

    def test_an_explicit_opt_out_beside_it_shows_that_somebody_knows(self) -> None:
        snapshot = enabled(*app("ratings", hostNetwork=True, pod_labels={INJECT: "false"}))
        assert verdicts(ANALYZER, snapshot) == {("MD0306", "fail note", WORKLOAD, TARGET)}

    def test_it_is_no_fault_where_nobody_asks_for_injection(self) -> None:
        snapshot = mesh(
            [*control_plane(), injector(), labelled("shop"), *app("ratings", hostNetwork=True)]
        )
        assert verdicts(ANALYZER, snapshot) == set()


class TestPolicy:
    CONFIG = "ConfigMap istio-system/istio-sidecar-injector"

    def test_injection_switched_off_in_the_values_is_told_without_a_cause(self) -> None:
        snapshot = enabled(*app("ratings"), injector_values(autoInject="disabled"))
        assert verdicts(ANALYZER, snapshot) == {("MD0307", "warn", WORKLOAD, self.CONFIG)}

    def test_a_never_inject_selector_that_matches_is_told(self) -> None:
        values = injector_values(never=[{"matchLabels": {"app": "ratings"}}])
        assert verdicts(ANALYZER, enabled(*app("ratings"), values)) == {
            ("MD0307", "warn", WORKLOAD, self.CONFIG)
        }

    @pytest.mark.parametrize(
        "values",
        [
            injector_values(never=[{}]),
            injector_values(never=[{"matchLabels": {"app": "other"}}]),
            injector_values(autoInject="disabled", always=[{"matchLabels": {"app": "ratings"}}]),
        ],
        ids=["an empty selector", "another selector", "always injected"],
    )
    def test_policies_that_inject_the_pod_pass(self, values: dict[str, Any]) -> None:
        assert verdicts(ANALYZER, enabled(*app("ratings"), values)) == set()

    def test_garbled_values_are_no_policy(self) -> None:
        values = injector_values()
        values["data"]["values"] = "{"
        assert verdicts(ANALYZER, enabled(*app("ratings"), values)) == set()
