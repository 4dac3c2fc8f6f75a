"""What a person means by ``--from``."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.diagnose.callers import find_workload
from meshdoctor.diagnose.scope import ScopeError
from meshdoctor.model.snapshot import Snapshot
from tests.build import deployment, istio_object, mesh, pod, service

EDGE = {"istio": "edge"}


def snapshot(*more: dict[str, Any]) -> Snapshot:
    proxy = [{"name": "istio-proxy"}]
    managed = {"gateway.networking.k8s.io/gateway-name": "inner"}
    return mesh(
        [
            deployment("client-v1"),
            pod("client-v1-abc-1", owner="client-v1"),
            deployment("edge", "istio-system", labels=EDGE, containers=proxy),
            service("edge", "istio-system", selector=EDGE),
            istio_object("Gateway", "public", selector=EDGE, servers=[]),
            deployment("inner-istio", labels=managed, containers=proxy),
            istio_object("Gateway", "inner", group="gateway.networking.k8s.io"),
            *more,
        ]
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("client-v1-abc-1", "Deployment shop/client-v1"),
        ("client-v1-abc-1.shop", "Deployment shop/client-v1"),
        ("pod/client-v1-abc-1", "Deployment shop/client-v1"),
        ("deploy/client-v1", "Deployment shop/client-v1"),
        ("Deployment/client-v1.shop", "Deployment shop/client-v1"),
        ("client-v1", "Deployment shop/client-v1"),
        ("edge.istio-system", "Deployment istio-system/edge"),
        ("svc/edge", "Deployment istio-system/edge"),
        ("gateway/public", "Deployment istio-system/edge"),
        ("gw/public.shop", "Deployment istio-system/edge"),
        ("public", "Deployment istio-system/edge"),
        ("gateway/inner", "Deployment shop/inner-istio"),
    ],
)
def test_pods_workloads_services_and_gateways_name_a_caller(text: str, name: str) -> None:
    assert str(find_workload(snapshot(), text)) == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("deploy/clientv1", "did you mean client-v1.shop"),
        ("gateway/publik", "did you mean public.shop"),
        ("sts/client-v1", "nothing called sts/client-v1"),
        ("zzz", "nothing called zzz is in what was read"),
    ],
)
def test_what_is_not_there_is_said_with_what_is_near(text: str, words: str) -> None:
    with pytest.raises(ScopeError, match=words):
        find_workload(snapshot(), text)


def test_a_name_in_two_namespaces_asks_for_one() -> None:
    seen = snapshot(deployment("client-v1", "pay"))
    with pytest.raises(ScopeError, match=r"more than one namespace \(pay, shop\)"):
        find_workload(seen, "deploy/client-v1")
    assert find_workload(seen, "deploy/client-v1", ("pay",)).namespace == "pay"


def test_a_service_of_several_workloads_asks_for_one_of_them() -> None:
    both = {"app": "reviews"}
    seen = snapshot(
        service("reviews"),
        deployment("reviews-v1", labels={**both, "version": "v1"}),
        deployment("reviews-v2", labels={**both, "version": "v2"}),
    )
    with pytest.raises(ScopeError, match="Deployment shop/reviews-v1, Deployment shop/reviews-v2"):
        find_workload(seen, "svc/reviews")
