from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.serve.faults_spec import (
    FAULTS_HELP,
    VERBS,
    FaultError,
    FaultKind,
    parse_fault,
)


def test_a_denial_names_verb_resource_and_place() -> None:
    fault = parse_fault("deny:list:secrets:shop/web-*")
    assert (fault.kind, fault.verb, fault.target) == (FaultKind.DENY, "list", "secrets")
    assert (fault.namespace, fault.name) == ("shop", "web-*")


def test_a_status_has_a_number_of_times_and_retry_after() -> None:
    fault = parse_fault("status:429:pods:2:retry-after=1")
    assert (fault.code, fault.target, fault.times, fault.retry_after) == (429, "pods", 2, 1)


def test_a_latency_without_a_place_is_everywhere_in_seconds() -> None:
    fault = parse_fault("latency:20ms")
    assert (fault.target, fault.seconds) == ("**", 0.02)
    assert parse_fault("latency:2s:list:pods").verb == "list"


def test_a_drip_has_a_size_and_a_pause() -> None:
    fault = parse_fault("drip:pods:bytes=16:every=50ms")
    assert (fault.size, fault.seconds) == (16, 0.05)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("", "'' is no fault"),
        ("explode:pods", "'explode' is no fault; there are: latency, deny"),
        ("deny:secrets", "too short; for example 'deny:list:secrets'"),
        ("deny:lst:secrets", "'lst' is no verb"),
        ("latency:fast", "'fast' is no duration"),
        ("status:200:pods", "'200' is no status from 400 to 599"),
        ("status:429", "too short"),
        ("reset", "too short"),
        ("reset:list:pods:shop:web", "'web' is one word too many"),
        ("reset:Pods", "'Pods' is neither a resource nor a path"),
        ("reset:pods:Shop/x", "'Shop/x' is no NAMESPACE"),
        ("reset:pods:retry=1", "'retry' is no option"),
        ("reset:pods:times=x", "'x' is no number"),
        ("deny:get:proxy", "requests inside a pod have no verb"),
    ],
)
def test_what_cannot_be_understood_is_said_in_one_line(spec: str, said: str) -> None:
    with pytest.raises(FaultError, match=re.escape(said)) as caught:
        parse_fault(spec)
    assert "\n" not in str(caught.value)


def test_every_example_of_the_help_is_understood() -> None:
    examples = re.findall(r"^  (\S+:\S+)", FAULTS_HELP, re.MULTILINE)
    assert len(examples) > 15
    kinds = {parse_fault(example).kind for example in examples}
    assert kinds == set(FaultKind)


@given(st.text(alphabet="abdelnpsty*/:=0123456789ms?.", max_size=40))
def test_any_text_is_either_a_fault_or_one_line(text: str) -> None:
    for spec in (text, f"deny:{text}", f"status:429:{text}", f"reset:{text}"):
        with suppress(FaultError):
            fault = parse_fault(spec)
            assert fault.text == spec
            assert fault.verb == "*" or fault.verb in VERBS
