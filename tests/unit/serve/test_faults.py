from __future__ import annotations

import pytest

from meshdoctor.serve.faults import Effect, FaultError, FaultKind, Faults
from meshdoctor.serve.request_info import request_info


def befalls(faults: Faults, path: str, method: str = "GET", **query: str) -> Effect:
    continues = "continue" in query
    return faults.for_request(request_info(method, path, query), continues=continues)


def test_a_fault_befalls_only_what_it_names() -> None:
    faults = Faults("reset:list:services:shop")
    assert befalls(faults, "/api/v1/namespaces/shop/services").kind is FaultKind.RESET
    assert not befalls(faults, "/api/v1/namespaces/pay/services")
    assert not befalls(faults, "/api/v1/namespaces/shop/services/web")
    assert not befalls(faults, "/api/v1/namespaces/shop/pods")


def test_a_resource_is_not_its_subresources() -> None:
    faults = Faults("status:500:pods")
    assert befalls(faults, "/api/v1/namespaces/shop/pods/web")
    assert not befalls(faults, "/api/v1/namespaces/shop/pods/web/log")
    assert befalls(Faults("status:500:pods/*"), "/api/v1/namespaces/shop/pods/web/log")


def test_first_n_times_are_counted_and_then_it_is_over() -> None:
    faults = Faults("status:429:pods:2:retry-after=1")
    kinds = [befalls(faults, "/api/v1/pods").kind for _ in range(3)]
    assert kinds == [FaultKind.STATUS, FaultKind.STATUS, None]


def test_latencies_add_up_and_the_first_other_fault_wins() -> None:
    faults = Faults("latency:20ms", "reset:pods", "latency:30ms:pods", "status:500:pods")
    effect = befalls(faults, "/api/v1/pods")
    assert effect.delay == pytest.approx(0.05)
    assert effect.kind is FaultKind.RESET


def test_only_a_request_that_continues_finds_its_token_expired() -> None:
    faults = Faults("expire:pods")
    assert not befalls(faults, "/api/v1/pods")
    assert befalls(faults, "/api/v1/pods", **{"continue": "x"}).kind is FaultKind.EXPIRE


def test_a_star_is_every_request_to_the_api_and_none_inside_a_pod() -> None:
    faults = Faults("status:401:*")
    assert befalls(faults, "/version")
    assert befalls(faults, "/api/v1/pods")
    assert not faults.for_admin("proxy", "shop", "web", "/stats")


def test_a_latency_without_a_place_is_also_inside_pods() -> None:
    assert Faults("latency:1s").for_admin("istiod", "i", "istiod-1", "/version").delay == 1.0


def test_an_admin_fault_names_role_pod_and_path() -> None:
    faults = Faults("silent:proxy:shop/web-*:path=/stats*")
    assert faults.for_admin("proxy", "shop", "web-1", "/stats?usedonly")
    assert not faults.for_admin("proxy", "shop", "web-1", "/certs")
    assert not faults.for_admin("proxy", "shop", "reviews-1", "/stats")
    assert not faults.for_admin("istiod", "shop", "web-1", "/stats")
    assert not befalls(faults, "/api/v1/namespaces/shop/pods/web-1")


def test_a_denial_is_told_to_reviews_and_befalls_requests_alike() -> None:
    faults = Faults("deny:list:secrets", "deny:*:virtualservices.networking.istio.io:pay")
    assert faults.denial("list", "", "secrets") == "deny:list:secrets"
    assert faults.denial("get", "", "secrets") is None
    assert befalls(faults, "/api/v1/namespaces/x/secrets").kind is FaultKind.DENY
    group = "networking.istio.io"
    assert faults.denial("watch", group, "virtualservices", namespace="pay")
    assert faults.denial("watch", group, "virtualservices", namespace="shop") is None


def test_who_may_not_list_one_namespace_may_not_list_all_at_once() -> None:
    faults = Faults("deny:list:pods:shop")
    assert faults.denial("list", "", "pods")
    assert befalls(faults, "/api/v1/pods").kind is FaultKind.DENY
    assert not befalls(faults, "/api/v1/namespaces/pay/pods")


def test_a_stream_is_denied_by_either_of_its_verbs() -> None:
    path = "/api/v1/namespaces/shop/pods/web/portforward"
    for verb in ("get", "create"):
        faults = Faults(f"deny:{verb}:pods/portforward")
        assert befalls(faults, path).kind is FaultKind.DENY
        assert befalls(faults, path, "POST").kind is FaultKind.DENY
        assert faults.denial("create", "", "pods", "portforward", "shop")
    assert Faults("deny:list:pods/portforward").denial("create", "", "pods", "portforward") is None


def test_faults_change_while_they_are_in_force_and_a_bad_spec_changes_nothing() -> None:
    faults = Faults("reset:pods")
    faults.add("status:500:services")
    assert befalls(faults, "/api/v1/services").kind is FaultKind.STATUS
    with pytest.raises(FaultError):
        faults.set("nonsense")
    assert befalls(faults, "/api/v1/pods").kind is FaultKind.RESET
    faults.clear()
    assert not befalls(faults, "/api/v1/pods")
