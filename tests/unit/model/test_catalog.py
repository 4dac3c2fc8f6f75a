"""The catalog's indexes, and what it knows that it does not know."""

from __future__ import annotations

from meshdoctor.model.kinds import DESTINATION_RULE, ENVOY_FILTER, POD, SERVICE
from meshdoctor.model.not_read import ReadState
from tests.build import mesh, pod, service


def test_pods_are_found_by_all_their_labels_within_their_namespace() -> None:
    found = mesh(
        [
            pod("a", labels={"app": "web", "version": "v1"}),
            pod("b", labels={"app": "web", "version": "v2"}),
            pod("c", namespace="pay", labels={"app": "web", "version": "v1"}),
        ]
    ).catalog
    assert [p.name for p in found.pods_matching("shop", {"app": "web"})] == ["a", "b"]
    assert [p.name for p in found.pods_matching("shop", {"app": "web", "version": "v1"})] == ["a"]
    assert found.pods_matching("shop", {"app": "web", "version": "v3"}) == ()


def test_an_empty_selector_selects_nothing() -> None:
    assert mesh([pod("a")]).catalog.pods_matching("shop", {}) == ()


def test_not_installed_is_known_and_unread_is_not() -> None:
    catalog = mesh([], unread=[DESTINATION_RULE], not_installed=[ENVOY_FILTER]).catalog
    assert catalog.state(ENVOY_FILTER) is ReadState.NOT_INSTALLED
    assert catalog.known(POD, ENVOY_FILTER)
    assert not catalog.known(POD, DESTINATION_RULE)
    assert catalog.unread(POD, DESTINATION_RULE) == (DESTINATION_RULE.input,)


def test_objects_are_found_by_name_and_namespace() -> None:
    catalog = mesh([service("web"), service("web", "pay")]).catalog
    found = catalog.find(SERVICE, "pay", "web")
    assert found is not None
    assert str(found) == "Service pay/web"
    assert [str(item) for item in catalog.within(SERVICE, "shop")] == ["Service shop/web"]
    assert catalog.find(SERVICE, "pay", "nobody") is None
