from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.control_plane import ANALYZER
from meshdoctor.model.finding import FactState, Outcome
from meshdoctor.model.kinds import DEPLOYMENT, ENDPOINT_SLICE, NAMESPACE, POD
from meshdoctor.model.snapshot import Snapshot
from tests.build import mesh, namespace
from tests.unit.analyze.control_plane_build import (
    ago,
    endpoint_slice,
    found,
    injected,
    istiod_deployment,
    istiod_pod,
    istiod_service,
    one,
    webhook,
)

ISTIOD = ("Deployment istio-system/istiod",)
CRASHING = {"waiting": {"reason": "CrashLoopBackOff"}}
KILLED = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}


def installed(*parts: dict[str, Any], **how: Any) -> Snapshot:
    """A cluster with the default revision's Service and webhook, and one namespace using it."""
    return mesh(
        [
            namespace("shop", istio_injection="enabled"),
            istiod_service(),
            endpoint_slice(),
            webhook(),
            injected("web"),
            *parts,
        ],
        **how,
    )


def failing(seen: Snapshot) -> list[tuple[str, str, tuple[str, ...]]]:
    return found(ANALYZER, seen, Outcome.FAIL)


class TestDown:
    def test_scaled_to_zero(self) -> None:
        seen = installed(istiod_deployment(replicas=0))
        assert failing(seen) == [("MD0400", "mesh", ISTIOD)]

    def test_its_container_crashes(self) -> None:
        seen = installed(istiod_deployment(), istiod_pod(ready=False, state=CRASHING, restarts=4))
        assert failing(seen) == [("MD0400", "mesh", ISTIOD)]
        assert "CrashLoopBackOff" in one(ANALYZER.analyze(seen), "MD0400", Outcome.FAIL).message

    def test_it_runs_but_never_becomes_ready(self) -> None:
        seen = installed(istiod_deployment(), istiod_pod(ready=False))
        assert failing(seen) == [("MD0400", "mesh", ISTIOD)]

    def test_every_fact_that_its_cause_asks_for_holds(self) -> None:
        finding = one(
            ANALYZER.analyze(installed(istiod_deployment(replicas=0))), "MD0400", Outcome.FAIL
        )
        assert {fact.id: fact.state for fact in finding.facts} == dict.fromkeys(
            ["no-istiod-is-ready", "revision-is-in-use", "istiod-service-has-no-endpoint"],
            FactState.HOLDS,
        )
        assert all(fact.evidence for fact in finding.facts)

    def test_those_with_proxies_of_it_are_affected(self) -> None:
        finding = one(
            ANALYZER.analyze(installed(istiod_deployment(replicas=0))), "MD0400", Outcome.FAIL
        )
        assert [item.source for item in finding.affected] == ["Deployment shop/web"]

    def test_proxies_without_an_istiod_are_its_consequence_and_no_cause(self) -> None:
        seen = installed(istiod_deployment(replicas=0))
        assert one(ANALYZER.analyze(seen), "MD0402", Outcome.WARN).root is False

    def test_the_fix_of_one_scaled_to_zero_scales_it_up(self) -> None:
        finding = one(
            ANALYZER.analyze(installed(istiod_deployment(replicas=0))), "MD0400", Outcome.FAIL
        )
        assert finding.fills["mend_command"] == (
            "kubectl scale deployment/istiod -n istio-system --replicas=1"
        )


class TestLookAlikes:
    def test_a_ready_pod_rules_it_out(self) -> None:
        seen = installed(istiod_deployment(), istiod_pod())
        assert found(ANALYZER, seen, Outcome.FAIL, Outcome.WARN, Outcome.UNKNOWN) == []
        assert one(ANALYZER.analyze(seen), "MD0400", Outcome.PASS).evidence

    @pytest.mark.parametrize("where", ["state", "last"])
    def test_one_that_is_killed_for_memory_is_not_simply_down(self, where: str) -> None:
        states = {"state": KILLED} if where == "state" else {"state": CRASHING, "last": KILLED}
        seen = installed(istiod_deployment(), istiod_pod(ready=False, restarts=3, **states))
        assert failing(seen) == []
        assert "OOMKilled" in one(ANALYZER.analyze(seen), "MD0400", Outcome.PASS).message

    def test_one_that_has_just_started_is_given_time(self) -> None:
        seen = installed(istiod_deployment(), istiod_pod(ready=False, since=ago(seconds=20)))
        assert failing(seen) == []
        assert one(ANALYZER.analyze(seen), "MD0400", Outcome.WARN).root is False

    def test_a_pod_that_is_being_replaced_does_not_count_as_down(self) -> None:
        old = istiod_pod(ready=False)
        old["metadata"]["name"] = "istiod-old"
        seen = installed(istiod_deployment(), istiod_pod(), old)
        assert failing(seen) == []

    def test_a_cluster_without_istio_has_nothing_that_is_down(self) -> None:
        assert list(ANALYZER.analyze(mesh([namespace("shop")]))) == []


class TestTwoRevisions:
    def both(self, *more: dict[str, Any], canary: int = 0) -> Snapshot:
        return installed(
            istiod_deployment(),
            istiod_pod(),
            istiod_deployment("canary", replicas=canary),
            istiod_service("canary"),
            webhook("canary"),
            *more,
        )

    def test_a_down_one_that_nobody_uses_is_a_note(self) -> None:
        seen = self.both()
        assert failing(seen) == []
        note = one(ANALYZER.analyze(seen), "MD0400", Outcome.WARN)
        assert (note.root, note.objects) == (False, ("Deployment istio-system/istiod-canary",))

    def test_a_down_one_that_a_namespace_asks_for_is_a_fault(self) -> None:
        wanted = namespace("pay")
        wanted["metadata"]["labels"] = {"istio.io/rev": "canary"}
        seen = self.both(wanted)
        assert failing(seen) == [("MD0400", "mesh", ("Deployment istio-system/istiod-canary",))]

    def test_a_down_one_that_a_tag_names_is_a_fault(self) -> None:
        wanted = namespace("pay")
        wanted["metadata"]["labels"] = {"istio.io/rev": "prod"}
        seen = self.both(wanted, webhook("canary", tag="prod"))
        assert failing(seen) == [("MD0400", "mesh", ("Deployment istio-system/istiod-canary",))]

    def test_a_down_one_that_a_proxy_still_talks_to_is_a_fault(self) -> None:
        seen = self.both(injected("old", revision="canary"))
        assert failing(seen) == [("MD0400", "mesh", ("Deployment istio-system/istiod-canary",))]


class TestPodsThatCannotBeCreated:
    MESSAGE = (
        'Error creating: Internal error occurred: failed calling webhook "namespace.sidecar-'
        'injector.istio.io": failed to call webhook: Post "https://istiod.istio-system.svc:443/'
        'inject?timeout=10s": dial tcp 10.96.0.1:443: connect: connection refused'
    )

    def event(self) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": "web-abc.1", "namespace": "shop"},
            "involvedObject": {"kind": "ReplicaSet", "namespace": "shop", "name": "api-abc"},
            "reason": "FailedCreate",
            "message": self.MESSAGE,
            "lastTimestamp": "2026-11-21T07:58:00Z",
        }

    def replica_set(self, has: int) -> dict[str, Any]:
        owner = {"kind": "Deployment", "name": "api", "controller": True}
        return {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {"name": "api-abc", "namespace": "shop", "ownerReferences": [owner]},
            "spec": {"replicas": 1},
            "status": {"replicas": has},
        }

    def test_a_workload_that_still_lacks_pods_is_affected(self) -> None:
        seen = installed(istiod_deployment(replicas=0), self.event(), self.replica_set(0))
        finding = one(ANALYZER.analyze(seen), "MD0400", Outcome.FAIL)
        assert [item.source for item in finding.affected] == [
            "Deployment shop/api",
            "Deployment shop/web",
        ]
        assert one(ANALYZER.analyze(seen), "MD0401", Outcome.WARN).root is False

    def test_an_event_that_outlived_its_fault_says_nothing(self) -> None:
        seen = installed(istiod_deployment(replicas=0), self.event(), self.replica_set(1))
        assert "MD0401" not in {finding.code for finding in ANALYZER.analyze(seen)}


class TestUnread:
    def needs(self, seen: Snapshot) -> tuple[str, ...]:
        return one(ANALYZER.analyze(seen), "MD0400", Outcome.UNKNOWN).needs

    def test_without_deployments_a_missing_istiod_may_be_scaled_to_zero_or_gone(self) -> None:
        assert self.needs(installed(unread=[DEPLOYMENT])) == (DEPLOYMENT.input,)

    def test_without_deployments_a_pod_that_is_not_ready_is_enough(self) -> None:
        seen = installed(istiod_pod(ready=False), unread=[DEPLOYMENT])
        assert failing(seen) == [("MD0400", "mesh", ISTIOD)]

    def test_without_pods_zero_replicas_are_enough(self) -> None:
        seen = installed(istiod_deployment(replicas=0), unread=[POD])
        assert failing(seen) == [("MD0400", "mesh", ISTIOD)]

    def test_without_pods_one_that_is_not_ready_might_be_out_of_memory(self) -> None:
        down = istiod_deployment()
        down["status"] = {"replicas": 1, "unavailableReplicas": 1}
        assert self.needs(installed(down, unread=[POD])) == (POD.input,)

    def test_without_pods_a_ready_deployment_rules_it_out(self) -> None:
        seen = installed(istiod_deployment(), unread=[POD])
        assert one(ANALYZER.analyze(seen), "MD0400", Outcome.PASS).evidence

    def test_without_namespaces_an_idle_second_revision_may_be_in_use(self) -> None:
        seen = installed(
            istiod_deployment(),
            istiod_pod(),
            istiod_deployment("canary", replicas=0),
            unread=[NAMESPACE],
        )
        assert self.needs(seen) == (NAMESPACE.input,)

    def test_without_endpoint_slices_it_is_likely_no_longer_proven(self) -> None:
        seen = installed(istiod_deployment(replicas=0), unread=[ENDPOINT_SLICE])
        finding = one(ANALYZER.analyze(seen), "MD0400", Outcome.FAIL)
        states = {fact.id: fact.state for fact in finding.facts}
        assert states["istiod-service-has-no-endpoint"] is FactState.UNREAD


def test_the_namespace_of_istiod_may_be_any() -> None:
    away = istiod_deployment(replicas=0)
    away["metadata"]["namespace"] = "mesh-system"
    seen = mesh([away])
    assert failing(seen) == [("MD0400", "mesh", ("Deployment mesh-system/istiod",))]
