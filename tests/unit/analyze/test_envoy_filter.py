from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest

from meshdoctor.analyze.envoy_filter import ANALYZER
from meshdoctor.model.finding import FactState, Finding, Outcome
from meshdoctor.model.kinds import ENVOY_FILTER, POD
from meshdoctor.model.proxy import Proxy
from meshdoctor.model.snapshot import Snapshot
from meshdoctor.parse.envoy import parse_config_dump
from tests.build import istio_object, mesh, proxy
from tests.unit.analyze.control_plane_build import (
    LDS,
    ago,
    found,
    injected,
    istiod_deployment,
    istiod_log,
    istiod_pod,
    knowing,
    one,
    proxy_log,
    refusal,
    sync,
)

BUFFER = "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer"
BUFFER_ERROR = (
    "Error adding/updating listener(s) 0.0.0.0_8080: Proto constraint validation failed "
    "(BufferValidationError.MaxRequestBytes: value is required and must not be nil.)\n"
)
JWKS_ERROR = (
    "Error adding/updating listener(s) virtualInbound: Provider 'origins-0' in jwt_authn config "
    "has invalid local jwks: Jwks doesn't have any valid public key\n"
)
BLAMED = ("MD0410", "proxy web.shop", ("EnvoyFilter shop/bad",))
UNEXPLAINED = ("MD0411", "proxy web.shop", ("Deployment shop/web",))
BESIDE_A_FILTER = ("MD0411", "proxy web.shop", ("Deployment shop/web", "EnvoyFilter shop/bad"))


def http_filter(name: str = "my.filter", url: str = BUFFER, **config: Any) -> dict[str, Any]:
    return {
        "applyTo": "HTTP_FILTER",
        "match": {"context": "SIDECAR_OUTBOUND"},
        "patch": {
            "operation": "INSERT_BEFORE",
            "value": {"name": name, "typed_config": {"@type": url, **config}},
        },
    }


def envoy_filter(
    *patches: dict[str, Any],
    name: str = "bad",
    where: str = "shop",
    created: str | None = None,
    **spec: Any,
) -> dict[str, Any]:
    item = istio_object(
        "EnvoyFilter", name, where, configPatches=list(patches or (http_filter(),)), **spec
    )
    item["metadata"]["creationTimestamp"] = created or ago(minutes=5)
    return item


def seen(
    *objects: dict[str, Any],
    error: str | None = BUFFER_ERROR,
    proxies: tuple[Proxy, ...] = (),
    kind: str = "sidecar",
    **how: Any,
) -> Snapshot:
    web = sync("web.shop", kind=kind)
    if error:
        web["resources"][LDS] = refusal(error, sent=ago(minutes=1), accepted=ago(minutes=2))
    knows = knowing(web, sync("other.shop"))
    standing = [istiod_deployment(), istiod_pod(), injected("web"), injected("other")]
    return mesh([*standing, *objects], istiods=[knows], proxies=proxies, **how)


def problems(snapshot: Snapshot) -> list[tuple[str, str, tuple[str, ...]]]:
    return found(ANALYZER, snapshot, Outcome.FAIL, Outcome.WARN)


def blamed(snapshot: Snapshot) -> Finding:
    return one(ANALYZER.analyze(snapshot), "MD0410", Outcome.FAIL)


def dump(details: str = "", at: str | None = None) -> Any:
    entry: dict[str, Any] = {
        "name": "0.0.0.0_8080",
        "active_state": {"listener": {"name": "0.0.0.0_8080"}},
    }
    if details:
        entry["error_state"] = {"details": details, "last_update_attempt": at or ago(minutes=1)}
    section = {
        "@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump",
        "dynamic_listeners": [entry],
    }
    return parse_config_dump(json.dumps({"configs": [section]}).encode())


class TestBlamed:
    def test_a_patch_whose_message_the_validator_names(self) -> None:
        assert problems(seen(envoy_filter())) == [BLAMED]

    def test_every_fact_that_its_cause_asks_for_holds_with_evidence(self) -> None:
        facts = blamed(seen(envoy_filter())).facts
        assert {fact.state for fact in facts} == {FactState.HOLDS}
        assert all(fact.evidence for fact in facts)

    def test_the_workloads_whose_proxies_refuse_are_affected(self) -> None:
        assert [item.source for item in blamed(seen(envoy_filter())).affected] == [
            "Deployment shop/web"
        ]

    @pytest.mark.parametrize(
        ("patch", "error"),
        [
            (http_filter("acme.quota"), "non-terminal filter named acme.quota of type x is last"),
            (
                http_filter("x", "type.googleapis.com/acme.v1.Quota"),
                "Didn't find a registered implementation for 'x' with type URL: 'acme.v1.Quota'",
            ),
            (
                http_filter(
                    "envoy.filters.http.lua",
                    "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
                    inline_code="function envoy_on_request(h",
                ),
                "script load error: [string \"function envoy_on_r...\"]:1: ')' expected",
            ),
            (
                {
                    "applyTo": "LISTENER",
                    "patch": {
                        "operation": "MERGE",
                        "value": {"stat_prefix": "x", "tcp_backlog": 0},
                    },
                },
                "ListenerValidationError.TcpBacklog: value must be greater than 0",
            ),
        ],
    )
    def test_a_patch_that_the_reason_names_by_name_type_script_or_field(
        self, patch: dict[str, Any], error: str
    ) -> None:
        assert problems(seen(envoy_filter(patch), error=error)) == [BLAMED]

    def test_a_filter_of_the_root_namespace_concerns_every_proxy(self) -> None:
        assert problems(seen(envoy_filter(where="istio-system"))) == [
            ("MD0410", "proxy web.shop", ("EnvoyFilter istio-system/bad",))
        ]

    def test_one_that_arrived_with_the_first_refused_push_is_the_likely_cause(self) -> None:
        created = ago(minutes=1, seconds=3)
        snapshot = seen(envoy_filter(created=created), error="listener 0.0.0.0_8080: no such thing")
        assert problems(snapshot) == [BLAMED]
        states = {fact.id: fact.state for fact in blamed(snapshot).facts}
        assert states["error-names-envoyfilter"] is FactState.SILENT
        assert states["envoyfilter-explains-rejection"] is FactState.HOLDS

    def test_two_that_the_reason_names_are_both_blamed(self) -> None:
        other = envoy_filter(http_filter("other.filter"), name="second")
        error = BUFFER_ERROR + "0.0.0.0_9090: other.filter is bad"
        assert problems(seen(envoy_filter(), other, error=error)) == [
            BLAMED,
            ("MD0410", "proxy web.shop", ("EnvoyFilter shop/second",)),
        ]


class TestNotBlamed:
    def test_nothing_is_wrong_where_every_proxy_takes_everything(self) -> None:
        snapshot = seen(envoy_filter(), error=None)
        assert problems(snapshot) == []
        assert found(ANALYZER, snapshot, Outcome.PASS) == [
            ("MD0410", "mesh", ()),
            ("MD0411", "mesh", ()),
        ]

    def test_a_rejection_without_any_envoyfilter_names_no_cause(self) -> None:
        snapshot = seen(error=JWKS_ERROR)
        assert problems(snapshot) == [UNEXPLAINED]
        assert one(ANALYZER.analyze(snapshot), "MD0410", Outcome.PASS).evidence

    def test_a_key_that_is_no_key_is_not_the_fault_of_an_envoyfilter_beside_it(self) -> None:
        created = ago(minutes=1, seconds=3)
        snapshot = seen(envoy_filter(created=created), error=JWKS_ERROR)
        assert problems(snapshot) == [UNEXPLAINED]

    def test_one_that_selects_other_workloads(self) -> None:
        other = {"labels": {"app": "other"}}
        assert problems(seen(envoy_filter(workloadSelector=other))) == [UNEXPLAINED]

    def test_one_in_another_namespace(self) -> None:
        assert problems(seen(envoy_filter(where="pay"))) == [UNEXPLAINED]

    def test_one_for_gateways(self) -> None:
        patch = http_filter() | {"match": {"context": "GATEWAY"}}
        assert problems(seen(envoy_filter(patch))) == [UNEXPLAINED]

    def test_one_for_other_proxy_versions(self) -> None:
        patch = http_filter()
        patch["match"]["proxy"] = {"proxyVersion": r"^1\.9.*"}
        assert problems(seen(envoy_filter(patch))) == [UNEXPLAINED]

    def test_one_for_clusters_when_listeners_are_refused(self) -> None:
        patch = http_filter() | {"applyTo": "CLUSTER"}
        assert problems(seen(envoy_filter(patch))) == [UNEXPLAINED]

    def test_one_that_is_younger_than_the_refused_push(self) -> None:
        assert problems(seen(envoy_filter(created=ago(seconds=10)))) == [UNEXPLAINED]

    def test_one_that_stood_long_before_the_first_refusal_and_is_not_named(self) -> None:
        error = "listener 0.0.0.0_8080: no such thing"
        assert problems(seen(envoy_filter(), error=error)) == [BESIDE_A_FILTER]

    def test_a_name_that_istiods_own_configuration_has_too_proves_nothing(self) -> None:
        patch = http_filter("envoy.filters.http.router", "type.googleapis.com/a.v1.Other")
        error = "terminal filter named envoy.filters.http.router must be the last filter"
        assert problems(seen(envoy_filter(patch), error=error)) == [BESIDE_A_FILTER]

    def test_a_waypoint_takes_only_filters_that_target_it(self) -> None:
        assert problems(seen(envoy_filter(), kind="waypoint")) == [UNEXPLAINED]
        patch = http_filter() | {"match": {"context": "WAYPOINT"}}
        target = [{"kind": "Service", "name": "web"}]
        snapshot = seen(envoy_filter(patch, targetRefs=target), kind="waypoint")
        assert problems(snapshot) == [BLAMED]


class TestOtherSources:
    LINE = f"{ago(seconds=59)}\twarn\tads\tADS:LDS: ACK ERROR web.shop-4 Internal:{BUFFER_ERROR}"
    FLAT: ClassVar[dict[str, Any]] = {
        "proxy": "web.shop",
        "istio_version": "1.22.5",
        "listener_sent": f"{ago(minutes=1)}/2",
        "listener_acked": f"{ago(minutes=2)}/1",
    }

    def old_istiod(self, entry: dict[str, Any], *lines: str, **how: Any) -> Snapshot:
        knows = knowing(entry, log=istiod_log(*lines), version="1.22.5-abc-Clean")
        standing = [istiod_deployment(), istiod_pod(), injected("web"), envoy_filter()]
        return mesh(standing, istiods=[knows], **how)

    def test_up_to_122_the_dump_tells_a_rejection_from_a_late_answer(self) -> None:
        snapshot = self.old_istiod(
            self.FLAT, proxies=[proxy("web", config=dump(BUFFER_ERROR.strip()))]
        )
        assert problems(snapshot) == [BLAMED]

    def test_up_to_122_a_line_of_istiods_log_after_the_stale_push_does_too(self) -> None:
        assert problems(self.old_istiod(self.FLAT, self.LINE)) == [BLAMED]

    def test_up_to_122_a_stale_push_alone_is_no_rejection(self) -> None:
        assert problems(self.old_istiod(self.FLAT)) == []

    def test_a_line_from_before_the_stale_push_is_of_another_fault(self) -> None:
        line = self.LINE.replace(ago(seconds=59), ago(minutes=2))
        assert problems(self.old_istiod(self.FLAT, line)) == []

    def test_a_rejection_in_the_log_that_was_accepted_since_is_mended(self) -> None:
        assert problems(self.old_istiod(sync("web.shop"), self.LINE)) == []

    def test_an_error_state_is_mended_when_istiod_has_the_last_push_accepted(self) -> None:
        config = dump(BUFFER_ERROR.strip(), at=ago(minutes=2))
        snapshot = self.old_istiod(sync("web.shop"), proxies=[proxy("web", config=config)])
        assert problems(snapshot) == []

    def unread_istiod(self, **parts: Any) -> Snapshot:
        standing = [istiod_deployment(), istiod_pod(), injected("web"), envoy_filter()]
        return mesh(standing, proxies=[proxy("web", **parts)])

    def test_without_istiod_the_dump_is_enough(self) -> None:
        snapshot = self.unread_istiod(config=dump(BUFFER_ERROR.strip()))
        assert problems(snapshot) == [BLAMED]

    def test_without_istiod_and_dump_a_fresh_line_makes_it_likely(self) -> None:
        line = (
            f"{ago(minutes=1)}\twarning\tenvoy config x.cc:1\tgRPC config for type.googleapis.com/"
            f"envoy.config.listener.v3.Listener rejected: {BUFFER_ERROR}"
        )
        snapshot = self.unread_istiod(log=proxy_log(line))
        assert problems(snapshot) == [BLAMED]
        states = {fact.id: fact.state for fact in blamed(snapshot).facts}
        assert states["proxy-rejects-configuration"] is FactState.UNREAD
        old = self.unread_istiod(log=proxy_log(line.replace(ago(minutes=1), ago(minutes=9))))
        assert problems(old) == []

    def test_without_istiod_a_dump_free_of_errors_contradicts_the_line(self) -> None:
        line = (
            f"{ago(minutes=1)}\twarning\tenvoy config x.cc:1\tgRPC config for type.googleapis.com/"
            f"envoy.config.listener.v3.Listener rejected: {BUFFER_ERROR}"
        )
        assert problems(self.unread_istiod(log=proxy_log(line), config=dump())) == []


class TestUnread:
    def test_without_envoyfilters_nobody_can_be_blamed(self) -> None:
        snapshot = seen(envoy_filter(), unread=[ENVOY_FILTER])
        assert problems(snapshot) == []
        for code in ("MD0410", "MD0411"):
            unknown = one(ANALYZER.analyze(snapshot), code, Outcome.UNKNOWN)
            assert unknown.needs == (ENVOY_FILTER.input,)

    def test_without_pods_the_bootstraps_labels_are_matched(self) -> None:
        assert problems(seen(envoy_filter(), unread=[POD])) == [BLAMED]

    def test_without_syncz_and_dumps_nothing_is_said_to_be_accepted(self) -> None:
        snapshot = mesh([istiod_deployment(), istiod_pod(), injected("web")])
        assert found(ANALYZER, snapshot, Outcome.PASS) == []
        assert found(ANALYZER, snapshot, Outcome.UNKNOWN) == [("MD0410", "mesh", ())]

    def test_without_syncz_dumps_free_of_errors_leave_nothing_open(self) -> None:
        standing = [istiod_deployment(), istiod_pod(), injected("web")]
        snapshot = mesh(standing, proxies=[proxy("web", config=dump())])
        assert list(ANALYZER.analyze(snapshot)) == []
