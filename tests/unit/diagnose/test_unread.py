"""What is missing, held against what is needed."""

from __future__ import annotations

import pytest

from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.diagnose.unread import missing_of
from meshdoctor.model.diagnosis import Scope
from meshdoctor.model.kinds import ENVOY_FILTER, NAMESPACE, POD, TELEMETRY
from meshdoctor.model.not_read import NotRead, NotReadStatus
from tests.build import mesh, namespace

FAILED = NotReadStatus.FAILED


@pytest.mark.parametrize(
    ("path", "wanted", "is_missing"),
    [
        ("kubernetes/core/pods", "kubernetes/core/pods", True),
        ("kubernetes/core/v1/pods.json", "kubernetes/core/pods", True),
        ("kubernetes/core/v1/pods.json", "kubernetes/core/services", False),
        ("proxies/shop/web-1", "proxies/config_dump.json", True),
        ("proxies/shop/web-1/config_dump.json", "proxies/config_dump.json", True),
        ("proxies/shop/web-1/config_dump.json", "proxies/istio-proxy.log", False),
        ("proxies/shop/web-1/ready.txt", "proxies/config_dump.json", False),
        ("istiod/istio-system/istiod-0/debug/syncz.json", "istiod/debug/syncz.json", True),
        ("istiod/istio-system/istiod-0", "istiod/discovery.log", True),
        ("logs/shop/web-1/app.log", "proxies/istio-proxy.log", False),
    ],
)
def test_a_missing_path_is_part_of_an_input_or_not(
    path: str, wanted: str, is_missing: bool
) -> None:
    found = mesh([], not_read=[NotRead(path, FAILED, "")])
    assert bool(missing_of(found, Scope(), wanted)) is is_missing


def test_what_is_not_installed_is_no_gap() -> None:
    told = NotRead(ENVOY_FILTER.input, NotReadStatus.NOT_INSTALLED, "no matches for kind")
    assert missing_of(mesh([], not_read=[told]), Scope(), ENVOY_FILTER.input) == []


def test_a_proxy_of_another_namespace_is_no_gap_in_this_scope() -> None:
    found = mesh([], not_read=[NotRead("proxies/pay/x/config_dump.json", FAILED, "")])
    assert missing_of(found, Scope(namespaces=("shop",)), "proxies/config_dump.json") == []
    assert missing_of(found, Scope(namespaces=("pay",)), "proxies/config_dump.json") != []


def test_a_denied_list_makes_the_causes_that_need_it_unknown_and_says_why() -> None:
    found = diagnose(mesh([namespace("shop")], unread=[POD]))
    gaps = {gap.id: gap for gap in found.unknown}
    assert "service-selector-mismatch" in gaps
    assert POD.input in gaps["service-selector-mismatch"].needs
    assert "denied (forbidden)" in gaps["service-selector-mismatch"].why_missing
    assert [item.what for item in found.required_unread] == [POD.input]


def test_a_list_that_nothing_needs_leaves_the_answer_whole() -> None:
    found = diagnose(mesh([namespace("shop")], unread=[TELEMETRY]))
    assert (found.unknown, found.required_unread) == ((), ())


def test_an_unread_namespace_list_is_required() -> None:
    found = diagnose(mesh([], unread=[NAMESPACE]))
    assert [item.what for item in found.required_unread] == [NAMESPACE.input]
