from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.intent.client_tls import ClientMode, auto_mtls, client_tls, sets_tls
from tests.build import istio_object, istiod, mesh, resources, service

HOST = "payments.pay.svc.cluster.local"


def rule(namespace: str = "shop", **spec: Any) -> dict[str, Any]:
    return istio_object("DestinationRule", "r", namespace, **{"host": HOST, **spec})


def mode(*rules: dict[str, Any], **options: Any) -> ClientMode:
    snapshot = mesh([service("payments", "pay"), *rules], **options)
    return client_tls(snapshot, HOST, 8080, "", "shop").mode


class TestMode:
    def test_without_a_rule_automatic_mtls_decides(self) -> None:
        assert mode() is ClientMode.AUTO
        assert mode(istiods=[istiod(mesh=None)]) is ClientMode.AUTO

    def test_without_automatic_mtls_it_is_plaintext(self) -> None:
        assert mode(istiods=[istiod(mesh={"enableAutoMtls": False})]) is ClientMode.DISABLE

    @pytest.mark.parametrize("written", ["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"])
    def test_a_rule_says_so_itself(self, written: str) -> None:
        assert mode(rule(trafficPolicy={"tls": {"mode": written}})) is ClientMode(written)

    @pytest.mark.parametrize("written", [{}, {"sni": "x"}, {"mode": 7}])
    def test_tls_without_a_mode_is_disable(self, written: dict[str, Any]) -> None:
        assert mode(rule(trafficPolicy={"tls": written})) is ClientMode.DISABLE

    @pytest.mark.parametrize("written", [None, [], "DISABLE"])
    def test_tls_that_is_no_object_sets_nothing(self, written: Any) -> None:
        assert mode(rule(trafficPolicy={"tls": written})) is ClientMode.AUTO

    def test_the_path_leads_to_the_mode(self) -> None:
        snapshot = mesh(
            [service("payments", "pay"), rule(trafficPolicy={"tls": {"mode": "SIMPLE"}})]
        )
        found = client_tls(snapshot, HOST, 8080, "", "shop")
        assert found.setting is not None
        assert found.setting.rule.get(*found.mode_path) == "SIMPLE"


@pytest.mark.parametrize(
    ("spec", "sets"),
    [
        ({"trafficPolicy": {"tls": {"mode": "DISABLE"}}}, True),
        ({"trafficPolicy": {"portLevelSettings": [{"port": {"number": 1}, "tls": {}}]}}, True),
        ({"subsets": [{"name": "v1", "trafficPolicy": {"tls": {"mode": "SIMPLE"}}}]}, True),
        ({"trafficPolicy": {"connectionPool": {"tcp": {"maxConnections": 1}}}}, False),
        ({"subsets": [{"name": "tls"}]}, False),
        ({}, False),
    ],
)
def test_a_rule_sets_tls_at_any_level(spec: dict[str, Any], sets: bool) -> None:
    assert sets_tls(resources([rule(**spec)])[0]) is sets


def test_any_istiod_that_switches_automatic_mtls_off_counts() -> None:
    on, off = (
        istiod("a", mesh={"enableAutoMtls": True}),
        istiod("b", mesh={"enableAutoMtls": False}),
    )
    assert auto_mtls(mesh(istiods=[on]))
    assert not auto_mtls(mesh(istiods=[on, off]))
