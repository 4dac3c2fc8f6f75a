from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.collect.plan import Question, plan_proxies
from meshdoctor.collect.plan_names import host_of
from meshdoctor.model.kinds import POD, SERVICE, VIRTUAL_SERVICE, Kind
from meshdoctor.model.resource import Resource
from tests.unit.collect.stand_in import gateway, istiod, pod, thing

if TYPE_CHECKING:
    from collections.abc import Sequence


def resources(kind: Kind, items: Sequence[dict[str, Any]]) -> list[Resource]:
    return [
        Resource(
            kind,
            item["metadata"].get("namespace", ""),
            item["metadata"]["name"],
            item,
            kind.input,
            f"/items/{index}",
        )
        for index, item in enumerate(items)
    ]


def replica(name: str, namespace: str, number: int, **labels: str) -> dict[str, Any]:
    hashed = {"pod-template-hash": "abc", "app": name, **labels}
    owner = ("ReplicaSet", f"{name}-abc")
    return pod(f"{name}-abc-{number}", namespace, labels=hashed, owner=owner)


PODS = resources(
    POD,
    [
        replica("web", "shop", 1, tier="front"),
        replica("web", "shop", 2, tier="front"),
        replica("reviews", "shop", 1),
        replica("reviews-v2", "shop", 1),
        replica("payments", "pay", 1),
        gateway("gw-1"),
        istiod(),
        pod("plain", "shop", init=()),
    ],
)
SERVICES = resources(
    SERVICE,
    [
        thing("reviews", "shop", selector={"app": "reviews"}),
        thing("reviews-v2", "shop", selector={"app": "reviews-v2"}),
        thing("payments", "pay", selector={"app": "payments"}),
        thing("outside", "pay"),
    ],
)
ROUTES = resources(
    VIRTUAL_SERVICE,
    [
        thing(
            "reviews",
            "shop",
            hosts=["reviews"],
            http=[{"route": [{"destination": {"host": "reviews-v2"}}]}],
        )
    ],
)


def chosen(**question: Any) -> list[str]:
    plan = plan_proxies(Question(**question), PODS, SERVICES)
    return [pod.name for pod in plan.pods]


ALL = ["gw-1", "payments-abc-1", "reviews-abc-1", "reviews-v2-abc-1", "web-abc-1", "web-abc-2"]


def test_a_question_about_nothing_reads_everything_gateways_first() -> None:
    names = chosen()
    assert sorted(names) == ALL
    assert names[0] == "gw-1"
    assert names[-1] == "web-abc-2"


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ({"namespaces": ("pay",)}, ["gw-1", "payments-abc-1"]),
        ({"selector": "tier=front"}, ["web-abc-1", "web-abc-2"]),
        ({"selector": "app in (web, payments),!tier"}, ["payments-abc-1"]),
        ({"namespaces": ("shop",), "selector": "app=payments"}, []),
        ({"pod": "web-abc-1"}, ["web-abc-1", "web-abc-2"]),
        ({"pod": "web-abc-1.shop"}, ["web-abc-1", "web-abc-2"]),
        ({"pod": "deploy/payments"}, ["payments-abc-1"]),
        ({"pod": "deploy/payments", "namespaces": ("shop",)}, []),
        ({"source": "deploy/web"}, ALL),
        ({"source": "web-abc-1", "to": "reviews"}, ["reviews-abc-1", "web-abc-1", "web-abc-2"]),
        (
            {"source": "deploy/payments", "to": "reviews.shop:8080"},
            ["payments-abc-1", "reviews-abc-1"],
        ),
        (
            {"source": "deploy/payments", "to": "http://reviews.shop.svc.cluster.local:8080/x"},
            ["payments-abc-1", "reviews-abc-1"],
        ),
        ({"source": "gw-1", "to": "payments.pay"}, ["gw-1", "payments-abc-1"]),
        ({"source": "deploy/payments", "to": "shop.example.com"}, ["gw-1", "payments-abc-1"]),
        ({"source": "deploy/payments", "to": "outside"}, ["gw-1", "payments-abc-1"]),
        (
            {"source": "payments", "to": "svc/reviews.shop:8080"},
            ["payments-abc-1", "reviews-abc-1"],
        ),
        ({"source": "deploy/payments.pay", "to": "svc/payments"}, ["payments-abc-1"]),
        ({"source": "deploy/payments.shop", "to": "svc/payments"}, ["payments-abc-1"]),
        ({"source": "svc/payments", "to": "reviews.shop"}, ["payments-abc-1", "reviews-abc-1"]),
        ({"source": "gateway", "to": "payments.pay"}, ["gw-1", "payments-abc-1"]),
        ({"source": "gateway/front", "to": "reviews.shop"}, ["gw-1", "reviews-abc-1"]),
        ({"source": "nobody"}, []),
    ],
)
def test_only_the_proxies_that_matter_are_read(question: dict[str, Any], names: list[str]) -> None:
    assert sorted(chosen(**question)) == names


def test_a_destination_alone_leaves_no_caller_out() -> None:
    assert sorted(chosen(to="reviews")) == ALL
    assert sorted(chosen(to="reviews.shop", namespaces=("pay",))) == [
        "gw-1",
        "payments-abc-1",
        "reviews-abc-1",
    ]


def test_a_virtual_service_leads_to_the_pods_of_another_service() -> None:
    question = Question(source="deploy/payments", to="reviews.shop")
    plan = plan_proxies(question, PODS, SERVICES, ROUTES)
    assert sorted(pod.name for pod in plan.pods) == [
        "payments-abc-1",
        "reviews-abc-1",
        "reviews-v2-abc-1",
    ]


def test_a_plan_says_how_many_of_how_many_and_why() -> None:
    assert str(plan_proxies(Question(namespaces=("pay",)), PODS)) == "2 of 6 proxies (4 not in pay)"
    assert str(plan_proxies(Question(max_proxies=2), PODS)) == (
        "2 of 6 proxies (4 left out of the sample)"
    )
    assert str(plan_proxies(Question(), PODS)) == "6 of 6 proxies"


def test_a_sample_takes_every_workload_before_any_second_pod() -> None:
    many = resources(
        POD,
        [replica(name, space, n) for space in "ab" for name in ("x", "y", "z") for n in range(9)],
    )
    sample = plan_proxies(Question(max_proxies=6), many).pods
    assert len({(pod.namespace, pod.labels["app"]) for pod in sample}) == 6
    fewer = plan_proxies(Question(max_proxies=2), many).pods
    assert {pod.namespace for pod in fewer} == {"a", "b"}
    assert plan_proxies(Question(max_proxies=6), list(reversed(many))).pods == sample


def test_what_cannot_be_asked_is_named_with_its_reason() -> None:
    waiting = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 4}
    gone = {"state": {"terminated": {"reason": "Completed"}}}
    grpc = pod("grpc", annotations={"inject.istio.io/templates": "grpc-agent"})
    pods = resources(
        POD,
        [
            pod("crashes", states={"istio-proxy": waiting}),
            pod("pending", phase="Pending", states={"istio-proxy": {"state": {}}}),
            grpc,
            pod("job", phase="Succeeded", states={"istio-proxy": gone}),
            pod("leaving", deletionTimestamp="2026-11-21T08:00:00Z"),
        ],
    )
    plan = plan_proxies(Question(), pods)
    assert not plan.pods
    assert {pod.name: why for pod, why in plan.idle} == {
        "crashes": "the pod is Running, its istio-proxy waiting: CrashLoopBackOff",
        "pending": "the pod is Pending: its istio-proxy does not run",
        "grpc": "proxyless gRPC: there is no Envoy in the pod",
    }


def test_ztunnels_and_istiods_are_no_proxies() -> None:
    ztunnel = pod("z", containers=("istio-proxy",), init=(), labels={"app": "ztunnel"})
    assert plan_proxies(Question(), resources(POD, [ztunnel, istiod()])).total == 0


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("reviews", "reviews"),
        ("reviews:8080", "reviews"),
        ("reviews.shop:8080/a/b", "reviews.shop"),
        ("https://user@Shop.Example.com:8443/x?y=z", "shop.example.com"),
        ("http://[fd00::1]:80/", "fd00::1"),
        ("reviews.shop.svc.cluster.local.", "reviews.shop.svc.cluster.local"),
    ],
)
def test_a_destination_may_be_written_in_many_ways(text: str, host: str) -> None:
    assert host_of(text) == host
