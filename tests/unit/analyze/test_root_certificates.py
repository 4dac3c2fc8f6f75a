"""Roots that differ, that overlap, that are signed anew; and certificates that ran out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from meshdoctor.analyze.certificate_expiry import ANALYZER as EXPIRY
from meshdoctor.analyze.remote_roots import ANALYZER as REMOTE
from meshdoctor.analyze.root_config_maps import ANALYZER as NAMESPACES
from meshdoctor.analyze.root_mismatch import ANALYZER as ROOTS
from meshdoctor.model.finding import FactState, Finding, Outcome
from meshdoctor.model.kinds import CONFIG_MAP, SECRET
from meshdoctor.model.proxy import Proxy
from meshdoctor.model.snapshot import Snapshot
from tests.build import NOW, mesh, namespace, pod, resources
from tests.unit.analyze.certificate_build import (
    ca_secret,
    config_map,
    holding,
    intermediate,
    leaf,
    root,
)
from tests.unit.analyze.traffic_build import log, passed, problems, unknowns

OLD = root("old", begin=NOW - timedelta(days=100))
NEW = root("new", begin=NOW - timedelta(minutes=5))
MIDDLE = intermediate(NEW, "middle")
OTHER_MIDDLE = intermediate(NEW, "other-middle")
OLD_POD, NEW_POD = "cart-v1-abc-1", "store-v1-abc-1"
OLD_OWNER, NEW_OWNER = "Deployment shop/cart-v1", "Deployment shop/store-v1"
REFUSED = (
    "2026-11-21T07:59:58.000000Z\twarning\tenvoy config\tDeltaAggregatedResources gRPC config "
    "stream to xds-grpc closed since 30s ago: 14, connection error: desc = "
    '"x509: certificate signed by unknown authority"'
)


def old_leaf(**more: Any) -> str:
    return leaf(OLD, begin=NOW - timedelta(hours=3), **more)


def shop(*proxies: Proxy, objects: Any = (), **options: Any) -> Snapshot:
    pods = [
        pod(OLD_POD, owner="cart-v1", ip="10.244.0.5"),
        pod(NEW_POD, owner="store-v1", ip="10.244.0.6"),
    ]
    return mesh([namespace("shop"), *pods, *objects], proxies=proxies, **options)


def only(found: list[Finding]) -> Finding:
    assert len(found) == 1
    return found[0]


def rotated(*objects: Any, **options: Any) -> Snapshot:
    return shop(
        holding(OLD_POD, old_leaf(), OLD, log=log(REFUSED)),
        holding(NEW_POD, leaf(NEW), NEW, log=log()),
        objects=objects or [config_map("istio-system", NEW), ca_secret(NEW, NEW)],
        **options,
    )


class TestRootsDiffer:
    def test_a_replaced_ca_is_the_object_and_who_holds_the_old_root_follows(self) -> None:
        found = only(problems(ROOTS, rotated()))
        assert found.objects == ("Secret istio-system/cacerts", OLD_OWNER)
        assert found.outcome is Outcome.FAIL
        assert [fact.state for fact in found.facts] == [FactState.HOLDS, FactState.HOLDS]
        assert "deployment/cart-v1 -n shop" in found.fills["mend_command"]

    def test_without_secrets_the_workload_is_the_object(self) -> None:
        found = only(problems(ROOTS, rotated(unread=[SECRET])))
        assert found.objects == (OLD_OWNER,)

    def test_without_secrets_and_config_maps_the_newest_certificate_tells_who_is_left(self) -> None:
        found = only(problems(ROOTS, rotated(unread=[SECRET, CONFIG_MAP])))
        assert found.objects == (OLD_OWNER,)

    def test_a_proxy_that_never_had_the_root_is_the_object_itself(self) -> None:
        secret = ca_secret(NEW, NEW, created="2026-01-01T00:00:00Z")
        late = leaf(OLD, begin=NOW - timedelta(minutes=1))
        found = only(
            problems(
                ROOTS,
                shop(
                    holding(OLD_POD, late, OLD),
                    holding(NEW_POD, leaf(NEW), NEW),
                    objects=[config_map("istio-system", NEW), secret],
                ),
            )
        )
        assert found.objects[0] == OLD_OWNER

    def test_an_old_root_that_was_dropped_too_soon_is_found_by_the_certificates(self) -> None:
        both = holding(OLD_POD, old_leaf(), OLD, NEW)
        mesh = shop(
            both, holding(NEW_POD, leaf(NEW), NEW), objects=[config_map("istio-system", NEW)]
        )
        assert only(problems(ROOTS, mesh)).objects[0] == OLD_OWNER


class TestAllHoldAnotherRoot:
    def everybody(self, *lines: str) -> Snapshot:
        held = [holding(name, old_leaf(), OLD, log=log(*lines)) for name in (OLD_POD, NEW_POD)]
        return shop(*held, objects=[config_map("istio-system", NEW), ca_secret(NEW, NEW)])

    def test_a_ca_that_was_replaced_under_all_of_them_is_told_by_their_logs(self) -> None:
        found = only(problems(ROOTS, self.everybody(REFUSED)))
        assert (found.root, found.objects[0]) == (True, "Secret istio-system/cacerts")

    def test_a_ca_of_their_own_from_which_nobody_suffers_is_a_note(self) -> None:
        found = only(problems(ROOTS, self.everybody()))
        assert (found.outcome, found.root) == (Outcome.WARN, False)


class TestRootsAgree:
    def test_one_root_everywhere(self) -> None:
        mesh = shop(
            holding(OLD_POD, leaf(NEW), NEW),
            holding(NEW_POD, leaf(NEW), NEW),
            objects=[config_map("istio-system", NEW), ca_secret(NEW, NEW)],
        )
        assert problems(ROOTS, mesh) == []
        assert passed(ROOTS, mesh) == {("MD0210", "mesh")}

    def test_another_intermediate_below_the_same_root_is_fine(self) -> None:
        mesh = shop(
            holding(OLD_POD, leaf(MIDDLE) + MIDDLE.pem, NEW),
            holding(NEW_POD, leaf(OTHER_MIDDLE) + OTHER_MIDDLE.pem + NEW.pem, NEW),
            objects=[config_map("istio-system", NEW), ca_secret(OTHER_MIDDLE, NEW)],
        )
        assert problems(ROOTS, mesh) == []

    def test_two_roots_in_every_bundle_are_a_rotation_under_way(self) -> None:
        mesh = shop(
            holding(OLD_POD, old_leaf(), OLD, NEW),
            holding(NEW_POD, leaf(NEW), OLD, NEW),
            objects=[config_map("istio-system", OLD, NEW), ca_secret(NEW, OLD, NEW)],
        )
        assert problems(ROOTS, mesh) == []

    def test_a_root_that_is_signed_anew_with_the_same_key_is_the_same(self) -> None:
        again = root("old", end=NOW + timedelta(days=7000))
        mesh = shop(
            holding(OLD_POD, old_leaf(), OLD),
            holding(NEW_POD, leaf(again), again),
            objects=[config_map("istio-system", again), ca_secret(again, again)],
        )
        assert problems(ROOTS, mesh) == []

    def test_a_proxy_that_was_not_read_leaves_it_unknown(self) -> None:
        mesh = shop(holding(OLD_POD, leaf(NEW), NEW))
        assert unknowns(ROOTS, mesh) == {"MD0210": ("proxies/config_dump.json",)}

    def test_a_secret_that_istiod_has_not_read_yet_is_a_note(self) -> None:
        mesh = shop(
            holding(OLD_POD, old_leaf(), OLD),
            holding(NEW_POD, old_leaf(), OLD),
            objects=[config_map("istio-system", OLD), ca_secret(NEW, NEW)],
        )
        found = only(problems(ROOTS, mesh))
        assert (found.code, found.root) == ("MD0211", False)


class TestNamespaces:
    def test_a_namespace_with_another_root_is_found(self) -> None:
        maps = [config_map("istio-system", NEW), config_map("shop", OLD)]
        found = only(problems(NAMESPACES, shop(objects=maps)))
        assert found.objects == (
            "ConfigMap shop/istio-ca-root-cert",
            "ConfigMap istio-system/istio-ca-root-cert",
        )

    def test_proxies_that_hold_another_root_come_first(self) -> None:
        maps = [config_map("istio-system", NEW), config_map("shop", OLD)]
        mesh = rotated(*maps, ca_secret(NEW, NEW))
        assert only(problems(ROOTS, mesh)).root
        assert not only(problems(NAMESPACES, mesh)).root

    def test_one_root_in_common_is_enough_and_a_namespace_without_proxies_does_not_matter(
        self,
    ) -> None:
        maps = [
            config_map("istio-system", NEW),
            config_map("shop", OLD, NEW),
            config_map("batch", OLD),
        ]
        assert problems(NAMESPACES, shop(objects=maps)) == []


class TestExpiry:
    def test_a_workload_whose_certificate_ran_out_is_named(self) -> None:
        spent = leaf(NEW, begin=NOW - timedelta(days=2), end=NOW - timedelta(minutes=1))
        mesh = shop(holding(OLD_POD, spent, NEW), holding(NEW_POD, leaf(NEW), NEW))
        found = only(problems(EXPIRY, mesh))
        assert (found.code, found.objects) == ("MD0214", (OLD_OWNER,))

    def test_a_ca_that_ran_out_is_named_before_what_it_signed(self) -> None:
        dead = root("dead", begin=NOW - timedelta(days=99), end=NOW - timedelta(hours=1))
        mesh = shop(
            holding(NEW_POD, leaf(dead), dead),
            objects=[ca_secret(dead, dead), config_map("istio-system", dead)],
        )
        found = only(problems(EXPIRY, mesh))
        assert found.objects == ("Secret istio-system/cacerts",)
        assert [item.source for item in found.affected] == [NEW_OWNER]

    def test_a_root_that_soon_runs_out_is_a_note_and_not_beside_a_newer_one(self) -> None:
        near = root("near", end=NOW + timedelta(days=9, hours=1))
        found = only(problems(EXPIRY, shop(objects=[ca_secret(near, near)])))
        assert (found.code, found.root) == ("MD0215", False)
        assert "expires in 9 days" in found.message
        assert problems(EXPIRY, shop(objects=[config_map("istio-system", near, NEW)])) == []

    def test_valid_certificates_rule_it_out(self) -> None:
        mesh = shop(holding(NEW_POD, leaf(NEW), NEW), objects=[ca_secret(NEW, NEW)])
        assert problems(EXPIRY, mesh) == []
        assert passed(EXPIRY, mesh) == {("MD0214", "mesh")}


def local(*roots: Any) -> Snapshot:
    held = [
        holding(OLD_POD, leaf(NEW), NEW, log=log()),
        holding(NEW_POD, leaf(NEW), NEW, log=log()),
    ]
    further = {"west": tuple(resources([config_map("istio-system", *roots)]))}
    return shop(
        *held, objects=[config_map("istio-system", NEW), ca_secret(NEW, NEW)], further=further
    )


class TestClusters:
    def test_two_clusters_without_a_root_in_common(self) -> None:
        found = only(problems(REMOTE, local(OLD)))
        assert (found.code, found.objects) == ("MD0213", ("Secret istio-system/cacerts",))
        assert "cluster west" in found.fills["claim"]

    def test_one_root_in_common_is_enough(self) -> None:
        assert problems(REMOTE, local(OLD, NEW)) == []
        assert passed(REMOTE, local(OLD, NEW)) == {("MD0213", "mesh")}

    def test_one_cluster_alone_says_nothing(self) -> None:
        assert list(REMOTE.analyze(rotated())) == []

    def test_roots_that_part_along_clusters_are_no_forgotten_restart(self) -> None:
        mesh = shop(
            holding(OLD_POD, old_leaf(), OLD, cluster="east", log=log(REFUSED)),
            holding(NEW_POD, leaf(NEW), NEW, cluster="west", log=log()),
            objects=[config_map("istio-system", NEW), ca_secret(NEW, NEW)],
        )
        assert problems(ROOTS, mesh) == []
        assert "cluster east" in only(problems(REMOTE, mesh)).message
