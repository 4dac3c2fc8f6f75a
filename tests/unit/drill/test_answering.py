"""What a candidate types is judged by what it means."""

from __future__ import annotations

import pytest

from meshdoctor.drill.answering import is_right
from meshdoctor.drill.drill import Question, Topic


def question(*answers: str, choices: tuple[str, ...] = ()) -> Question:
    return Question(Topic.TOOL, "Which?", answers, choices, "It is so.")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("istioctl proxy-config listener", "istioctl pc listeners deploy/gw.istio-system"),
        ("istioctl proxy-config listener", "istioctl proxy-config listener gw -n istio-system"),
        (
            "kubectl get mutatingwebhookconfiguration -o yaml",
            "kubectl get mutatingwebhookconfigurations",
        ),
        ("kubectl get pod -o yaml", "`kubectl get po ratings -n shop -o yaml`"),
        ("kubectl get crd", "kubectl get customresourcedefinitions"),
        ("kubectl describe replicaset", "kubectl -n shop describe rs/ratings"),
        ("VirtualService shop/reviews", "virtualservice reviews"),
        ("VirtualService shop/reviews", "vs/reviews -n shop"),
        ("VirtualService shop/reviews", "VirtualService reviews in the namespace shop"),
        ("Namespace shop", "the namespace shop"),
        ("Namespace shop", "ns/shop"),
        ("NetworkPolicy shop/deny", "networkpolicies deny"),
        ("ServiceEntry", "serviceentries"),
        ("spec.http[0].route[0].destination.subset", ".spec.http.route.destination.subset"),
        ("spec.http[0].route[0].destination.subset", "subset"),
        ("metadata.labels.istio.io/rev", "metadata.labels['istio.io/rev']"),
        ("metadata.labels.istio.io/rev", "labels.istio.io/rev"),
    ],
)
def test_another_spelling_of_the_answer_is_right(wanted: str, said: str) -> None:
    assert is_right(question(wanted), said)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("istioctl proxy-config listener", "istioctl proxy-config route"),
        ("istioctl proxy-config listener", "istioctl proxy-config"),
        ("istioctl proxy-config listener", "kubectl proxy-config listener"),
        ("kubectl get pod -o yaml", "kubectl get -o pod yaml"),
        ("VirtualService shop/reviews", "VirtualService pay/reviews"),
        ("VirtualService shop/reviews", "vs reviews -n pay"),
        ("VirtualService shop/reviews", "DestinationRule reviews"),
        ("VirtualService shop/reviews", "VirtualService"),
        ("spec.http[0].route[0].destination.subset", "spec.http"),
        ("spec.http[0].timeout", "meout"),
        ("spec.selector", "spec.selector.istio"),
        ("istio-injection", "istio.io/rev"),
        ("UO", ""),
    ],
)
def test_another_answer_is_wrong(wanted: str, said: str) -> None:
    assert not is_right(question(wanted), said)


def test_of_choices_the_words_themselves_count() -> None:
    asked = question("the client's proxy", choices=("the client's proxy", "proxy"))
    assert is_right(asked, "The client's  proxy")
    assert not is_right(asked, "proxy")
