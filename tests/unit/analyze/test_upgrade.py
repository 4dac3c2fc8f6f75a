from __future__ import annotations

import json
from typing import Any

import pytest

from meshdoctor.analyze.upgrade import ANALYZER
from meshdoctor.analyze.upgrade_version import image_tag, parse_version
from meshdoctor.model.finding import FactState, Finding, Outcome
from meshdoctor.model.kinds import DEPLOYMENT, MUTATING_WEBHOOK, NAMESPACE, POD
from meshdoctor.model.proxy import Proxy
from meshdoctor.model.snapshot import Snapshot
from meshdoctor.parse.envoy import parse_config_dump
from tests.build import deployment, mesh, namespace, proxy
from tests.unit.analyze.control_plane_build import (
    found,
    injected,
    istiod_deployment,
    istiod_pod,
    istiod_service,
    knowing,
    one,
    sync,
    webhook,
)

OLD_IMAGE = "docker.io/istio/proxyv2:1.28.1-distroless"
OLDER = ("MD0430", "namespace shop", ("Deployment shop/web",))


def labelled(name: str, **labels: str) -> dict[str, Any]:
    made = namespace(name)
    made["metadata"]["labels"] = {key.replace("_", "-"): value for key, value in labels.items()}
    return made


def by_revision(name: str, revision: str) -> dict[str, Any]:
    made = namespace(name)
    made["metadata"]["labels"] = {"istio.io/rev": revision}
    return made


def plane(revision: str = "default") -> list[dict[str, Any]]:
    return [
        istiod_deployment(revision),
        istiod_pod(revision),
        istiod_service(revision),
        webhook(revision),
    ]


def problems(seen: Snapshot) -> list[tuple[str, str, tuple[str, ...]]]:
    return found(ANALYZER, seen, Outcome.FAIL, Outcome.WARN)


def failure(seen: Snapshot, code: str) -> Finding:
    return one(ANALYZER.analyze(seen), code, Outcome.FAIL)


def one_plane(*more: dict[str, Any], versions: dict[str, str], **how: Any) -> Snapshot:
    """istiod 1.30.2 that knows proxies of shop with these versions."""
    knows = knowing(*(sync(f"{name}.shop", version) for name, version in versions.items()))
    pods = [injected(name) for name in versions]
    workloads = [deployment(name) for name in versions]
    shop = labelled("shop", istio_injection="enabled")
    return mesh([shop, *plane(), *pods, *workloads, *more], istiods=[knows], **how)


class TestOlderThanIstiod:
    def test_the_outdated_workloads_of_a_namespace_are_one_finding(self) -> None:
        seen = one_plane(versions={"web": "1.28.1", "api": "1.28.1", "new": "1.30.2"})
        assert problems(seen) == [
            ("MD0430", "namespace shop", ("Deployment shop/api", "Deployment shop/web"))
        ]
        assert {fact.state for fact in failure(seen, "MD0430").facts} == {FactState.HOLDS}

    def test_each_namespace_has_its_own(self) -> None:
        knows = knowing(sync("web.shop", "1.28.1"), sync("pay.pay", "1.28.1"))
        pods = [injected("web"), injected("pay", "pay")]
        seen = mesh([*plane(), *pods], istiods=[knows])
        assert [subject for _, subject, _ in problems(seen)] == ["namespace pay", "namespace shop"]

    def test_a_release_behind_in_the_patch_number_counts(self) -> None:
        assert problems(one_plane(versions={"web": "1.30.1"})) == [OLDER]

    def test_deployments_come_before_other_kinds(self) -> None:
        job = injected("batch")
        job["metadata"]["ownerReferences"] = [
            {"kind": "StatefulSet", "name": "a-first", "controller": True}
        ]
        knows = knowing(sync("web.shop", "1.28.1"), sync("batch.shop", "1.28.1"))
        seen = mesh([*plane(), injected("web"), job], istiods=[knows])
        assert failure(seen, "MD0430").objects == (
            "Deployment shop/web",
            "StatefulSet shop/a-first",
        )

    def test_the_fix_restarts_what_is_outdated_and_nothing_else(self) -> None:
        seen = one_plane(versions={"web": "1.28.1", "api": "1.28.1", "new": "1.30.2"})
        assert failure(seen, "MD0430").fills["restart_command"] == (
            "kubectl rollout restart deployment/api deployment/web -n shop"
        )

    def test_a_pinned_image_is_taken_off_because_a_restart_would_not_help(self) -> None:
        pinned = deployment("web")
        annotations = {"sidecar.istio.io/proxyImage": OLD_IMAGE}
        pinned["spec"]["template"]["metadata"]["annotations"] = annotations
        knows = knowing(sync("web.shop", "1.28.1"))
        seen = mesh([*plane(), injected("web"), pinned], istiods=[knows])
        finding = failure(seen, "MD0430")
        assert finding.fills["restart_command"] == (
            'kubectl patch deployment web -n shop --type=json -p=\'[{"op":"remove","path":'
            '"/spec/template/metadata/annotations/sidecar.istio.io~1proxyImage"}]\''
        )
        assert "proxy-image-is-pinned" in {fact.id for fact in finding.facts}

    def test_more_than_one_minor_release_is_said_to_be_unsupported(self) -> None:
        assert (
            "more than Istio supports"
            in failure(one_plane(versions={"web": "1.28.1"}), "MD0430").message
        )
        assert (
            "more than Istio supports"
            not in failure(one_plane(versions={"web": "1.29.0"}), "MD0430").message
        )


class TestSameVersion:
    @pytest.mark.parametrize("version", ["1.30.2", "1.30.2-dev", "1.30.2-alpha.8d6c", "latest", ""])
    def test_builds_of_one_release_and_names_without_numbers_are_no_lag(self, version: str) -> None:
        seen = one_plane(versions={"web": version})
        assert problems(seen) == []
        passed = found(ANALYZER, seen, Outcome.PASS)
        assert ("MD0430", "namespace shop", ()) in passed

    def test_a_proxy_is_held_against_the_istiod_it_is_connected_to(self) -> None:
        old = knowing(sync("web.shop", "1.28.1"), revision="old", version="1.28.1-abc-Clean")
        new = knowing(sync("api.shop"))
        seen = mesh(
            [*plane(), *plane("old"), injected("web", revision="old"), injected("api")],
            istiods=[old, new],
        )
        assert problems(seen) == []

    def test_a_newer_proxy_is_a_warning_of_its_own(self) -> None:
        seen = one_plane(versions={"web": "1.31.0"})
        assert problems(seen) == [("MD0432", "namespace shop", ("Deployment shop/web",))]
        assert one(ANALYZER.analyze(seen), "MD0432", Outcome.WARN).root is False


class TestWhereVersionsAreRead:
    def test_without_syncz_the_bootstrap_tells_the_proxys_version(self) -> None:
        node = {"id": "sidecar~10.0.0.1~web.shop~x", "metadata": {"ISTIO_VERSION": "1.28.1"}}
        section = {
            "@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump",
            "bootstrap": {"node": node},
        }
        config = parse_config_dump(json.dumps({"configs": [section]}).encode())
        read: list[Proxy] = [proxy("web", config=config)]
        seen = mesh([*plane(), injected("web")], proxies=read)
        assert problems(seen) == [OLDER]

    def test_without_syncz_and_dump_the_images_tell(self) -> None:
        assert problems(mesh([*plane(), injected("web", image=OLD_IMAGE)])) == [OLDER]

    def test_an_istiod_that_did_not_answer_is_known_by_its_image(self) -> None:
        knows = knowing(sync("web.shop", "1.28.1"), version=None)
        assert problems(mesh([*plane(), injected("web")], istiods=[knows])) == [OLDER]


class TestOtherRevision:
    def moved(self, *more: dict[str, Any], ask: str = "canary", **how: Any) -> Snapshot:
        shop = by_revision("shop", ask)
        return mesh(
            [shop, *plane(), *plane("canary"), injected("web"), injected("api"), *more], **how
        )

    FINDING = (
        "MD0431",
        "namespace shop",
        ("Namespace shop", "Deployment shop/api", "Deployment shop/web"),
    )

    def test_a_namespace_that_was_moved_is_one_finding_with_its_workloads(self) -> None:
        seen = self.moved()
        assert problems(seen) == [self.FINDING]
        finding = failure(seen, "MD0431")
        assert {fact.state for fact in finding.facts} == {FactState.HOLDS}
        assert [item.source for item in finding.affected] == [
            "Deployment shop/api",
            "Deployment shop/web",
        ]

    def test_pods_that_were_restarted_are_not_named(self) -> None:
        seen = self.moved(injected("done", revision="canary"))
        assert problems(seen) == [self.FINDING]

    def test_a_tag_is_resolved_to_the_revision_it_names(self) -> None:
        assert problems(self.moved(webhook("canary", tag="prod"), ask="prod")) == [self.FINDING]
        assert problems(self.moved(webhook("default", tag="prod"), ask="prod")) == []

    def test_a_default_tag_that_moved_is_found_too(self) -> None:
        shop = labelled("shop", istio_injection="enabled")
        tag = webhook("canary", tag="default")
        moved = [istiod_deployment(), istiod_pod(), istiod_service(), *plane("canary"), tag]
        assert problems(mesh([shop, *moved, injected("web")])) == [
            ("MD0431", "namespace shop", ("Namespace shop", "Deployment shop/web"))
        ]

    def test_an_old_version_of_a_moved_pod_is_not_told_twice(self) -> None:
        old = knowing(sync("web.shop", "1.28.1"), sync("api.shop", "1.28.1"))
        assert problems(self.moved(istiods=[old])) == [self.FINDING]

    def test_two_revisions_on_purpose_are_no_fault(self) -> None:
        seen = mesh(
            [
                labelled("shop", istio_injection="enabled"),
                by_revision("pay", "canary"),
                *plane(),
                *plane("canary"),
                injected("web"),
                injected("pay", "pay", revision="canary"),
            ]
        )
        assert problems(seen) == []

    def test_a_revision_without_a_webhook_is_not_asked_for_by_anyone(self) -> None:
        assert problems(self.moved(ask="gone")) == []

    def test_a_revision_that_is_down_cannot_be_moved_to(self) -> None:
        shop = by_revision("shop", "canary")
        down = [istiod_deployment("canary", replicas=0), webhook("canary")]
        assert problems(mesh([shop, *plane(), *down, injected("web")])) == []

    def test_a_pod_that_no_injector_made_stays_as_it_is(self) -> None:
        gateway = injected("gateway")
        gateway["metadata"]["annotations"] = {"istio.io/rev": "default"}
        shop = by_revision("shop", "canary")
        assert problems(mesh([shop, *plane(), *plane("canary"), gateway])) == []

    def test_a_workload_that_opts_out_would_lose_its_proxy_not_change_it(self) -> None:
        out = deployment("web", labels={"app": "web", "sidecar.istio.io/inject": "false"})
        shop = by_revision("shop", "canary")
        assert problems(mesh([shop, *plane(), *plane("canary"), injected("web"), out])) == []

    @pytest.mark.parametrize("kind", [NAMESPACE, MUTATING_WEBHOOK])
    def test_without_labels_or_webhooks_it_is_unknown(self, kind: Any) -> None:
        seen = self.moved(unread=[kind])
        assert problems(seen) == []
        assert one(ANALYZER.analyze(seen), "MD0431", Outcome.UNKNOWN).needs == (kind.input,)

    def test_without_deployments_the_pods_labels_are_asked(self) -> None:
        assert problems(self.moved(unread=[DEPLOYMENT])) == [self.FINDING]


def test_without_pods_both_are_unknown() -> None:
    seen = one_plane(versions={"web": "1.28.1"}, unread=[POD])
    assert problems(seen) == []
    assert found(ANALYZER, seen, Outcome.UNKNOWN) == [
        ("MD0430", "mesh", ()),
        ("MD0431", "mesh", ()),
    ]


class TestVersionText:
    @pytest.mark.parametrize(
        ("text", "numbers"),
        [
            ("1.30.2", (1, 30, 2)),
            ("1.32.0-dev-86c9f01fd735fb01d8192f5bcaf0d424afb7f14c-Clean", (1, 32, 0)),
            ("1.30.2-distroless", (1, 30, 2)),
            ("v1.29", (1, 29, 0)),
            ("1.31-alpha.16c5f2", (1, 31, 0)),
            ("latest", None),
            ("", None),
            ("86c9f01", None),
            ("1.2.3.4", None),
        ],
    )
    def test_numbers_are_read_where_there_are_any(
        self, text: str, numbers: tuple[int, int, int] | None
    ) -> None:
        version = parse_version(text)
        assert (version.numbers if version else None) == numbers

    @pytest.mark.parametrize(
        ("image", "tag"),
        [
            ("docker.io/istio/proxyv2:1.30.2", "1.30.2"),
            ("registry:5000/istio/proxyv2", ""),
            ("registry:5000/istio/proxyv2:1.30.2@sha256:00", "1.30.2"),
            ("proxyv2@sha256:00", ""),
        ],
    )
    def test_the_tag_is_what_follows_the_last_name(self, image: str, tag: str) -> None:
        assert image_tag(image) == tag
