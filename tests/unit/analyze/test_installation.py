from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze import control_plane, installation, istio_crds_missing
from meshdoctor.analyze.istio_crds import wanted
from meshdoctor.model.finding import FactState, Finding, Outcome
from meshdoctor.model.kinds import (
    CRD,
    DEPLOYMENT,
    MUTATING_WEBHOOK,
    NAMESPACE,
    POD,
    SERVICE,
    VIRTUAL_SERVICE,
    WASM_PLUGIN,
    Kind,
)
from meshdoctor.model.snapshot import Snapshot
from tests.build import deployment, mesh, namespace, service
from tests.unit.analyze.control_plane_build import (
    endpoint_slice,
    found,
    injected,
    istiod_deployment,
    istiod_log,
    istiod_pod,
    istiod_service,
    knowing,
    one,
    webhook,
)

SHOP = namespace("shop", istio_injection="enabled")
ROOT = namespace("istio-system")


def definition(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
    }


def definitions(*without: str) -> list[dict[str, Any]]:
    return [definition(name) for name in wanted(30) if name not in without]


def labelled(item: dict[str, Any], **labels: str) -> dict[str, Any]:
    item["metadata"]["labels"] = labels
    return item


class TestNotInstalled:
    def fault(self, seen: Snapshot) -> Finding:
        return one(installation.ANALYZER.analyze(seen), "MD0450", Outcome.FAIL)

    def test_a_labelled_namespace_and_no_istio(self) -> None:
        finding = self.fault(mesh([SHOP, ROOT, deployment("web"), definition("foos.example.com")]))
        assert finding.objects == ("Namespace istio-system", "Namespace shop")
        assert {fact.state for fact in finding.facts} == {FactState.HOLDS}

    def test_proxies_that_are_left_suffer(self) -> None:
        finding = self.fault(mesh([namespace("shop"), injected("web")]))
        assert [item.source for item in finding.affected] == ["Deployment shop/web"]

    def test_crds_that_are_left_are_said(self) -> None:
        finding = self.fault(mesh([SHOP, ROOT, *definitions()]))
        assert "left of an earlier installation" in finding.message

    def test_a_cluster_that_never_had_istio(self) -> None:
        finding = self.fault(mesh([namespace("shop"), deployment("web")]))
        assert finding.affected == ()
        assert "Nothing in the cluster asks" in finding.message

    def test_an_istiod_that_is_there_rules_it_out(self) -> None:
        seen = mesh([SHOP, istiod_deployment(replicas=0)])
        assert found(installation.ANALYZER, seen, Outcome.FAIL) == []
        assert one(installation.ANALYZER.analyze(seen), "MD0450", Outcome.PASS).evidence

    def test_a_webhook_that_calls_another_cluster_rules_it_out(self) -> None:
        hook = webhook()
        for entry in hook["webhooks"]:
            entry["clientConfig"] = {"url": "https://istiod.example.com/inject"}
        assert list(installation.ANALYZER.analyze(mesh([SHOP, hook]))) == []

    def test_a_service_with_endpoints_of_another_cluster_rules_it_out(self) -> None:
        remote = labelled(istiod_service(), app="istiod")
        del remote["spec"]["selector"]
        assert list(installation.ANALYZER.analyze(mesh([SHOP, remote]))) == []

    @pytest.mark.parametrize(
        "kind",
        [DEPLOYMENT, POD, SERVICE, MUTATING_WEBHOOK, NAMESPACE],
        ids=lambda kind: kind.plural,
    )
    def test_what_was_not_read_may_hold_an_istiod(self, kind: Kind) -> None:
        seen = mesh([SHOP], unread=[kind])
        unknown = one(installation.ANALYZER.analyze(seen), "MD0450", Outcome.UNKNOWN)
        assert unknown.needs == (kind.input,)

    def test_unread_crds_leave_it_but_one_fact(self) -> None:
        states = {
            fact.id: fact.state for fact in self.fault(mesh([SHOP, ROOT], unread=[CRD])).facts
        }
        assert states["istio-crds-absent-too"] is FactState.UNREAD


class TestGone:
    def seen(self, *more: dict[str, Any]) -> Snapshot:
        own = labelled(istiod_service(), app="istiod")
        return mesh([SHOP, ROOT, own, endpoint_slice(), webhook(), injected("web"), *more])

    def test_a_deleted_deployment_is_an_istiod_that_is_down(self) -> None:
        seen = self.seen()
        finding = one(control_plane.ANALYZER.analyze(seen), "MD0400", Outcome.FAIL)
        assert finding.objects[0] == "Deployment istio-system/istiod"
        assert {fact.state for fact in finding.facts} == {FactState.HOLDS}
        assert found(installation.ANALYZER, seen, Outcome.FAIL) == []

    def test_helms_release_brings_it_back(self) -> None:
        own = labelled(istiod_service(), app="istiod")
        own["metadata"]["annotations"] = {"meta.helm.sh/release-name": "base-istiod"}
        seen = mesh([SHOP, own, webhook()])
        finding = one(control_plane.ANALYZER.analyze(seen), "MD0400", Outcome.FAIL)
        assert finding.fills["mend_command"].startswith("helm upgrade base-istiod ")

    def test_another_service_is_no_sign_of_istiod(self) -> None:
        seen = mesh([SHOP, service("web"), webhook()])
        assert found(control_plane.ANALYZER, seen, Outcome.FAIL) == []
        assert found(installation.ANALYZER, seen, Outcome.FAIL) != []

    def test_an_istiod_that_runs_is_not_gone(self) -> None:
        seen = self.seen(istiod_deployment(), istiod_pod())
        assert found(control_plane.ANALYZER, seen, Outcome.FAIL) == []


class TestCrdsMissing:
    VS = "virtualservices.networking.istio.io"

    def seen(self, *objects: dict[str, Any], **how: Any) -> Snapshot:
        return mesh([istiod_deployment(), istiod_pod(), *objects], **how)

    def faults(self, seen: Snapshot) -> list[tuple[str, ...]]:
        return [item[2] for item in found(istio_crds_missing.ANALYZER, seen, Outcome.FAIL)]

    def test_one_that_is_not_there(self) -> None:
        seen = self.seen(*definitions(self.VS))
        assert self.faults(seen) == [(f"CustomResourceDefinition {self.VS}",)]

    def test_all_that_are_not_there(self) -> None:
        seen = self.seen(definition("foos.example.com"))
        finding = one(istio_crds_missing.ANALYZER.analyze(seen), "MD0452", Outcome.FAIL)
        assert len(finding.objects) == 6
        assert "VirtualService" in finding.fills["kinds"]

    def test_all_that_are_there(self) -> None:
        seen = self.seen(*definitions())
        assert self.faults(seen) == []
        assert one(istio_crds_missing.ANALYZER.analyze(seen), "MD0452", Outcome.PASS).evidence

    def test_one_that_little_depends_on_is_a_note(self) -> None:
        seen = self.seen(*definitions(WASM_PLUGIN.crd))
        assert self.faults(seen) == []
        assert one(istio_crds_missing.ANALYZER.analyze(seen), "MD0452", Outcome.WARN).root is False

    def test_istiods_own_words_are_quoted(self) -> None:
        line = "2026-11-21T07:59:00Z\twarn\tkube\tSkipping CRD VirtualServices as it is not present"
        seen = self.seen(*definitions(self.VS), istiods=[knowing(log=istiod_log(line))])
        finding = one(istio_crds_missing.ANALYZER.analyze(seen), "MD0452", Outcome.FAIL)
        assert finding.facts[-1].state is FactState.HOLDS

    def test_without_istiod_it_is_another_matter(self) -> None:
        assert list(istio_crds_missing.ANALYZER.analyze(mesh(definitions(self.VS)))) == []

    def test_without_the_list_the_api_server_may_say_so(self) -> None:
        absent = self.seen(unread=[CRD], not_installed=[VIRTUAL_SERVICE])
        assert self.faults(absent) == [(f"CustomResourceDefinition {self.VS}",)]
        there = self.seen(unread=[CRD])
        assert self.faults(there) == []

    def test_without_either_it_is_not_known(self) -> None:
        seen = self.seen(unread=[CRD, VIRTUAL_SERVICE])
        unknown = one(istio_crds_missing.ANALYZER.analyze(seen), "MD0452", Outcome.UNKNOWN)
        assert unknown.needs == (CRD.input,)
