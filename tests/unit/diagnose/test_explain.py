"""Templates: words filled in, everything else left alone."""

from __future__ import annotations

import pytest

from meshdoctor.diagnose.explain import fill, placeholders
from meshdoctor.diagnose.library import causes, playbook_for, playbooks
from meshdoctor.diagnose.object_names import namespace_of, namespace_of_host, split_object


def test_json_jsonpath_and_kubectl_words_are_no_placeholders() -> None:
    text = """kubectl patch -p '{"spec": {"a": 1}}' -o jsonpath='{.spec}{range .items[*]}{end}'"""
    assert placeholders(text) == frozenset()
    assert fill(text, {"end": "x", "spec": "y"}) == text.replace("{end}", "x")


def test_known_words_are_filled_and_unknown_ones_stay_visible() -> None:
    assert fill("{name} in {namespace}, {what}", {"name": "web", "namespace": "shop"}) == (
        "web in shop, {what}"
    )


@pytest.mark.parametrize(
    ("text", "parts", "namespace"),
    [
        ("Service shop/ratings", ("Service", "shop", "ratings"), "shop"),
        ("Namespace shop", ("Namespace", "", "shop"), "shop"),
        ("MutatingWebhookConfiguration x", ("MutatingWebhookConfiguration", "", "x"), ""),
    ],
)
def test_object_texts_are_read_back(text: str, parts: tuple[str, ...], namespace: str) -> None:
    assert split_object(text) == parts
    assert namespace_of(text) == namespace


def test_a_hosts_namespace_is_its_second_label() -> None:
    assert namespace_of_host("ratings.shop.svc.cluster.local:8080") == "shop"
    assert namespace_of_host("api.example.com:443") == ""


@pytest.mark.parametrize(
    ("said", "playbook"),
    [
        ("503", "503"),
        ("missing-sidecar", "missing-sidecar"),
        ("no healthy upstream", "503"),
        ("WRONG_VERSION_NUMBER", "mtls-conflict"),
        ("STALE", "stale-proxy"),
        ("failed quota: must specify limits.cpu", "pods-do-not-appear"),
        ("CrashLoopBackOff", "proxy-not-ready"),
        ("the job never completes", "job-never-completes"),
    ],
)
def test_a_person_may_name_a_symptom_in_their_own_words(said: str, playbook: str) -> None:
    found = playbook_for(said)
    assert found is not None
    assert found.id == playbook


def test_every_cause_is_reached_by_a_playbook_and_every_playbook_ends_at_known_causes() -> None:
    reached = {cause for playbook in playbooks() for cause in playbook.causes}
    assert reached == set(causes())
