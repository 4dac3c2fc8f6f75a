from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.intent.peer_authentication import ServerMode, namespace_mode, peer_mode
from tests.build import istio_object, istiod, mesh

LABELS = {"app": "payments", "version": "v1"}
OLD, NEW = "2026-11-21T06:00:00Z", "2026-11-21T07:00:00Z"


def policy(
    name: str,
    namespace: str,
    mode: str | None = None,
    *,
    selector: dict[str, str] | None = None,
    ports: dict[str, str] | None = None,
    created: str = OLD,
) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    if mode is not None:
        spec["mtls"] = {"mode": mode}
    if selector is not None:
        spec["selector"] = {"matchLabels": selector}
    if ports is not None:
        spec["portLevelMtls"] = {port: {"mode": value} for port, value in ports.items()}
    found = istio_object("PeerAuthentication", name, namespace, **spec)
    found["metadata"]["creationTimestamp"] = created
    return found


def in_force(
    *policies: dict[str, Any],
    namespace: str = "pay",
    port: int | None = 8080,
    config: dict[str, Any] | None = None,
) -> tuple[str, str | None, str]:
    snapshot = mesh(policies, istiods=[istiod(mesh=config or {})])
    found = peer_mode(snapshot, namespace, LABELS, port)
    return found.mode.value, found.policy.name if found.policy else None, found.level


MESH = policy("mesh", "istio-system", "STRICT")
SPACE = policy("space", "pay", "DISABLE")
WORK = policy("work", "pay", "PERMISSIVE", selector={"app": "payments"})
PORT = policy("port", "pay", None, selector={"app": "payments"}, ports={"8080": "STRICT"})


class TestLevels:
    def test_without_policies_a_server_is_permissive(self) -> None:
        assert in_force() == ("PERMISSIVE", None, "default")

    @pytest.mark.parametrize("order", list(permutations([MESH, SPACE, WORK])))
    def test_the_narrowest_level_wins_in_whatever_order_they_are_read(
        self, order: tuple[dict[str, Any], ...]
    ) -> None:
        assert in_force(*order) == ("PERMISSIVE", "work", "workload")

    def test_namespace_wins_over_mesh(self) -> None:
        assert in_force(MESH, SPACE) == ("DISABLE", "space", "namespace")

    def test_mesh_reaches_namespaces_without_a_policy(self) -> None:
        assert in_force(MESH, SPACE, namespace="shop") == ("STRICT", "mesh", "mesh")

    def test_the_port_wins_and_other_ports_inherit(self) -> None:
        assert in_force(MESH, SPACE, PORT) == ("STRICT", "port", "port")
        assert in_force(MESH, SPACE, PORT, port=9090) == ("DISABLE", "space", "namespace")
        assert in_force(MESH, SPACE, PORT, port=None) == ("DISABLE", "space", "namespace")

    @pytest.mark.parametrize("unset", [None, "UNSET", "nonsense"])
    def test_an_unset_mode_inherits(self, unset: str | None) -> None:
        assert in_force(MESH, policy("space", "pay", unset)) == ("STRICT", "mesh", "mesh")

    def test_an_unset_port_inherits_from_the_workload(self) -> None:
        both = policy(
            "both", "pay", "STRICT", selector={"app": "payments"}, ports={"8080": "UNSET"}
        )
        assert in_force(both) == ("STRICT", "both", "workload")

    def test_a_selector_for_others_does_not_count(self) -> None:
        other = policy("other", "pay", "STRICT", selector={"app": "ledger"})
        assert in_force(other) == ("PERMISSIVE", None, "default")


class TestTraps:
    def test_the_oldest_of_a_level_stands_alone(self) -> None:
        old = policy("b-old", "pay", "PERMISSIVE")
        new = policy("a-new", "pay", "STRICT", created=NEW)
        assert in_force(old, new) == ("PERMISSIVE", "b-old", "namespace")

    def test_of_two_equally_old_the_first_by_name_stands(self) -> None:
        assert in_force(policy("b", "pay", "STRICT"), policy("a", "pay", "DISABLE")) == (
            "DISABLE",
            "a",
            "namespace",
        )

    def test_an_older_unset_policy_still_hides_a_newer_one(self) -> None:
        older = policy("older", "pay", None)
        newer = policy("newer", "pay", "STRICT", created=NEW)
        assert in_force(older, newer) == ("PERMISSIVE", None, "default")

    def test_a_selector_in_the_root_namespace_is_ignored(self) -> None:
        root = policy("root", "istio-system", "STRICT", selector={"app": "payments"})
        assert in_force(root) == ("PERMISSIVE", None, "default")
        assert in_force(root, namespace="istio-system") == ("PERMISSIVE", None, "default")

    def test_ports_of_a_policy_without_selector_are_ignored(self) -> None:
        wide = policy("wide", "pay", "PERMISSIVE", ports={"8080": "STRICT"})
        assert in_force(wide) == ("PERMISSIVE", "wide", "namespace")

    def test_an_empty_selector_is_none(self) -> None:
        assert in_force(policy("empty", "pay", "STRICT", selector={}))[2] == "namespace"

    def test_the_root_namespace_is_what_mesh_config_says(self) -> None:
        infra = {"rootNamespace": "infra"}
        wide = policy("m", "infra", "STRICT")
        assert in_force(wide, config=infra) == ("STRICT", "m", "mesh")
        assert in_force(MESH, config=infra) == ("PERMISSIVE", None, "default")

    def test_the_path_leads_to_the_mode(self) -> None:
        found = peer_mode(mesh([MESH, PORT]), "pay", LABELS, 8080)
        assert found.policy is not None
        assert found.policy.get(*found.path) == "STRICT"
        assert found.path == ("spec", "portLevelMtls", "8080", "mode")


MODES = st.sampled_from([None, "UNSET", "STRICT", "PERMISSIVE", "DISABLE"])


@given(MODES, MODES, MODES, MODES)
def test_the_last_level_that_is_set_decides(
    wide: str | None, space: str | None, work: str | None, port: str | None
) -> None:
    found = in_force(
        policy("m", "istio-system", wide),
        policy("s", "pay", space),
        policy(
            "w",
            "pay",
            work,
            selector={"app": "payments"},
            ports={"8080": port} if port is not None else None,
        ),
    )
    chosen = [mode for mode in (port, work, space, wide) if mode not in (None, "UNSET")]
    assert found[0] == (chosen[0] if chosen else "PERMISSIVE")


def test_namespace_mode_leaves_selectors_out() -> None:
    snapshot = mesh([MESH, WORK])
    assert namespace_mode(snapshot, "pay").mode is ServerMode.STRICT


@pytest.mark.parametrize("spec", [None, [], "x", {"mtls": "STRICT"}, {"selector": "app"}])
def test_a_garbled_policy_sets_nothing(spec: Any) -> None:
    garbled = policy("g", "pay")
    garbled["spec"] = spec
    assert in_force(garbled) == ("PERMISSIVE", None, "default")
