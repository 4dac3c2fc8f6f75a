"""Hosts of Services and ServiceEntries, and what short names mean."""

from __future__ import annotations

from typing import Any

import pytest

from tests.build import istio_object, mesh, service


def test_a_service_is_found_by_its_full_name() -> None:
    registry = mesh([service("ratings")]).registry
    (found,) = registry.find("ratings.shop.svc.cluster.local")
    assert (found.namespace, found.is_kubernetes, found.selector) == (
        "shop",
        True,
        {"app": "ratings"},
    )


@pytest.mark.parametrize(
    ("host", "meant"),
    [
        ("ratings", "ratings.shop.svc.cluster.local"),
        ("ratings.pay", "ratings.pay"),
        ("ratings.pay.svc.cluster.local", "ratings.pay.svc.cluster.local"),
        ("*", "*"),
        ("*.example.com", "*.example.com"),
    ],
)
def test_a_name_without_a_dot_is_completed_with_the_rules_own_namespace(
    host: str, meant: str
) -> None:
    assert mesh([]).registry.resolve(host, "shop") == meant


def test_the_longest_wildcard_entry_answers_for_a_host() -> None:
    entries = [
        istio_object("ServiceEntry", "wide", hosts=["*.com"]),
        istio_object("ServiceEntry", "near", hosts=["*.example.com"]),
    ]
    registry = mesh(entries).registry
    assert [item.resource.name for item in registry.find("api.example.com")] == ["near"]
    assert [item.resource.name for item in registry.find("other.com")] == ["wide"]
    assert registry.find("other.org") == ()


def test_a_port_without_a_target_means_the_same_number() -> None:
    ports = [{"port": 80, "name": "http"}, {"port": 443, "targetPort": "tls"}]
    (found,) = mesh([service("web", ports=ports)]).registry.hosts
    assert [(port.number, port.target) for port in found.ports] == [(80, 80), (443, "tls")]


@pytest.mark.parametrize(
    ("spec", "headless", "alias"),
    [
        ({"clusterIP": "None"}, True, False),
        ({"type": "ExternalName", "externalName": "x.org"}, False, True),
        ({}, False, False),
    ],
)
def test_headless_services_and_aliases_are_told_apart(
    spec: dict[str, Any], headless: bool, alias: bool
) -> None:
    (found,) = mesh([service("web", **spec)]).registry.hosts
    assert (found.is_headless, found.is_external_name) == (headless, alias)
