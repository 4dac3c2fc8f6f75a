"""Checks in CEL: who is at fault, who is not, and what cannot be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.analyze.checks import CheckError, parse_check
from meshdoctor.model.finding import Outcome
from meshdoctor.model.kinds import DEPLOYMENT
from tests.build import deployment, mesh, service

if TYPE_CHECKING:
    from meshdoctor.model.snapshot import Snapshot


def check(**changes: Any) -> Any:
    document = {
        "code": "TEAM001",
        "title": "A Deployment has a single replica",
        "severity": "warning",
        "fix": "Ask for two.",
        "for": ["Deployment"],
        "fails": "object.spec.replicas < 2",
        "message": "{object} asks for {replicas}",
        "words": {"replicas": "string(object.spec.replicas)"},
        "evidence": [["spec", "replicas"], ["spec", "paused"]],
    }
    return parse_check({**document, **changes}, "checks/own.yaml")


def said(found: Any, snapshot: Snapshot) -> list[tuple[Outcome, str, str]]:
    return [(one.outcome, one.resource, one.message) for one in found.analyze(snapshot)]


def two() -> Snapshot:
    one, other = deployment("web", "shop"), deployment("api", "shop")
    one["spec"]["replicas"], other["spec"]["replicas"] = 1, 3
    return mesh(objects=[one, other])


def test_each_object_fails_or_passes_with_its_field_as_evidence() -> None:
    passing, failing = check().analyze(two())
    assert (failing.outcome, failing.subject) == (Outcome.FAIL, "workload Deployment shop/web")
    assert failing.message == "Deployment shop/web asks for 1"
    assert [item.pointer.rpartition("/spec")[2] for item in failing.evidence] == ["/replicas"]
    assert (passing.outcome, passing.resource) == (Outcome.PASS, "Deployment shop/api")


def test_where_leaves_objects_out() -> None:
    found = check(where="object.metadata.name.startsWith('w')")
    assert [one[1] for one in said(found, two())] == ["Deployment shop/web"]


def test_others_are_known_where_they_are_asked_for() -> None:
    one = deployment("web", "shop")
    found = check(
        reads=["Service"],
        fails="!others.Service.exists(s, s.metadata.name == object.metadata.name)",
        message="{object} has no Service",
        words={},
    )
    alone = mesh(objects=[one, service("other", "shop")])
    served = mesh(objects=[one, service("web", "shop")])
    assert [item[0] for item in said(found, alone)] == [Outcome.FAIL]
    assert [item[0] for item in said(found, served)] == [Outcome.PASS]


def test_a_field_that_is_not_there_makes_it_unknown_not_fine() -> None:
    one = deployment("web", "shop")
    one["spec"].pop("replicas", None)
    ((outcome, resource, text),) = said(check(), mesh(objects=[one]))
    assert (outcome, resource) == (Outcome.UNKNOWN, "Deployment shop/web")
    assert "replicas" in text
    assert "has() asks for a field" in text


def test_a_kind_that_was_not_read_makes_it_unknown_not_fine() -> None:
    unread = mesh(objects=[], unread=[DEPLOYMENT])
    (finding,) = check().analyze(unread)
    assert finding.outcome is Outcome.UNKNOWN
    assert finding.needs == ("kubernetes/apps/deployments",)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"fails": "object.spec."}, "checks/own.yaml: 'object.spec.' is not CEL"),
        ({"for": ["Deploiment"]}, "checks/own.yaml: no kind is called 'Deploiment'"),
    ],
)
def test_what_cannot_be_used_is_one_line_with_its_file(changes: Any, text: str) -> None:
    with pytest.raises(CheckError) as error:
        check(**changes)
    assert str(error.value).startswith(text)
    assert "\n" not in str(error.value)
