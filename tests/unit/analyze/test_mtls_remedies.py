from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from meshdoctor.analyze.mtls_remedies import (
    checks,
    emptied,
    joining,
    tls_removal,
    tls_to_istio_mutual,
)
from meshdoctor.intent.destination_rules import Setting
from tests.build import mesh, namespace, resources
from tests.unit.analyze.mtls_build import legacy_pod, rule

POOL = {"connectionPool": {"tcp": {"maxConnections": 1}}}
TLS = {"tls": {"mode": "DISABLE"}}
TOP = ("spec", "trafficPolicy")


def setting(path: tuple[str | int, ...], **spec: Any) -> Setting:
    found = resources([rule(mode=None, **spec)])[0]
    return Setting(found.get(*path, "tls"), found, (*path, "tls"))


@pytest.mark.parametrize(
    ("path", "spec", "taken"),
    [
        (TOP, {"trafficPolicy": TLS}, TOP),
        (TOP, {"trafficPolicy": {**TLS, **POOL}}, (*TOP, "tls")),
        (
            (*TOP, "portLevelSettings", 0),
            {"trafficPolicy": {"portLevelSettings": [{"port": {"number": 1}, **TLS}]}},
            TOP,
        ),
        (
            (*TOP, "portLevelSettings", 0),
            {"trafficPolicy": {**POOL, "portLevelSettings": [{"port": {"number": 1}, **TLS}]}},
            (*TOP, "portLevelSettings"),
        ),
        (
            (*TOP, "portLevelSettings", 1),
            {"trafficPolicy": {"portLevelSettings": [POOL, {"port": {"number": 1}, **TLS}]}},
            (*TOP, "portLevelSettings", 1),
        ),
        (
            (*TOP, "portLevelSettings", 0),
            {"trafficPolicy": {"portLevelSettings": [{"port": {"number": 1}, **TLS, **POOL}]}},
            (*TOP, "portLevelSettings", 0, "tls"),
        ),
        (
            ("spec", "subsets", 0, "trafficPolicy"),
            {"subsets": [{"name": "v1", "trafficPolicy": TLS}]},
            ("spec", "subsets", 0, "trafficPolicy"),
        ),
    ],
)
def test_what_is_taken_away_leaves_no_empty_policy(
    path: tuple[str | int, ...], spec: dict[str, Any], taken: tuple[str | int, ...]
) -> None:
    found = setting(path, **spec)
    assert emptied(found.rule, found.path) == taken


def patch_of(command: str) -> list[dict[str, Any]]:
    words = shlex.split(command)
    assert words[:3] == ["kubectl", "patch", "destinationrules.networking.istio.io"]
    found = json.loads(words[words.index("-p") + 1])
    assert isinstance(found, list)
    return found


def test_the_undo_puts_back_what_stood_there() -> None:
    forth, back = tls_removal(setting(TOP, trafficPolicy={**TLS, **POOL}))
    path = "/spec/trafficPolicy/tls"
    assert patch_of(forth) == [{"op": "remove", "path": path}]
    assert patch_of(back) == [{"op": "add", "path": path, "value": TLS["tls"]}]


def test_naming_istios_mode_replaces_the_whole_setting() -> None:
    forth, _ = tls_to_istio_mutual(setting(TOP, trafficPolicy=TLS))
    assert patch_of(forth)[0]["value"] == {"mode": "ISTIO_MUTUAL"}


def test_a_namespace_that_is_labelled_already_is_only_restarted() -> None:
    snapshot = mesh([namespace("legacy", istio_injection="enabled"), legacy_pod()])
    forth, back = joining(snapshot, snapshot.catalog.pods_matching("legacy", {"app": "legacy"}))
    assert forth == back == "kubectl rollout restart deployment/legacy-v1 -n legacy"


def test_a_namespace_that_was_not_read_is_labelled_all_the_same() -> None:
    snapshot = mesh([legacy_pod()])
    forth, back = joining(snapshot, snapshot.catalog.pods_matching("legacy", {"app": "legacy"}))
    assert forth.startswith("kubectl label namespace legacy istio-injection=enabled && ")
    assert back.startswith("kubectl label namespace legacy istio-injection- && ")


def test_checks_name_the_client_where_one_is_known() -> None:
    known, unknown = checks("client-1.shop", "h"), checks("", "h")
    assert known["check_cluster"] == "istioctl proxy-config cluster client-1.shop --fqdn h -o json"
    assert "client-1 -n shop" in known["check_log"]
    assert "POD" in unknown["check_log"]
