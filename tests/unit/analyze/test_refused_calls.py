from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.refused_calls import ANALYZER
from tests.build import mesh, service
from tests.unit.analyze.injection_build import REV, control_plane, injector
from tests.unit.analyze.workload_build import (
    FORBIDDEN,
    MUST_SPECIFY,
    NO_ANSWER,
    NOT_TRUSTED,
    OWN_FAULT,
    REFUSED,
    market,
    named,
    refused,
)

TILL = "Deployment market/till-v2"
NO_ACCOUNT = 'pods "till-v2-abc-" is forbidden: error looking up service account market/till'
POLICY = 'admission webhook "validate.kyverno.svc-fail" denied the request: no latest tag'


def seen(text: str, *, ready: bool = True) -> Any:
    selector = {"app": "istiod", REV: "default"}
    istiod = service("istiod", "istio-system", selector=selector)
    return mesh([*control_plane(ready=ready), istiod, injector(), market(), *refused(text)])


@pytest.mark.parametrize(
    ("text", "code", "root"),
    [
        (NO_ANSWER, "MD0323", True),
        (REFUSED, "MD0323", False),
        (NO_ANSWER.replace("istiod.istio", "istiod-old.istio"), "MD0323", False),
        (NO_ACCOUNT, "MD0324", True),
        (POLICY, "MD0324", True),
        (OWN_FAULT, "MD0324", True),
    ],
    ids=["time-out", "refused a moment ago", "no Service", "no account", "policy", "privileged"],
)
def test_what_no_cause_stands_for_is_told_all_the_same(text: str, code: str, root: bool) -> None:
    assert named(ANALYZER, seen(text)) == [(code, f"workload {TILL}", TILL, root)]


@pytest.mark.parametrize("text", [FORBIDDEN, MUST_SPECIFY, NOT_TRUSTED])
def test_what_a_cause_stands_for_is_not_told_twice(text: str) -> None:
    assert named(ANALYZER, seen(text)) == []


def test_an_istiod_that_is_down_explains_its_silence() -> None:
    assert named(ANALYZER, seen(NO_ANSWER, ready=False)) == []
