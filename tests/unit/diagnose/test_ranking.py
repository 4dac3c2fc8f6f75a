"""Merging, folding and ranking of hypotheses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from meshdoctor.diagnose.library import Cause, Explanation
from meshdoctor.diagnose.ranking import certainty_of, fold, merge, rank
from meshdoctor.diagnose.walker import Hypothesis
from meshdoctor.model.diagnosis import Certainty
from meshdoctor.model.finding import Affected, Fact, FactState, Finding, Outcome, Severity


def cause(name: str, *, severity: Severity = Severity.ERROR, **parts: Any) -> Cause:
    values: dict[str, Any] = {
        "id": name,
        "domain": "traffic",
        "exam_domain": "traffic-management",
        "severity": severity,
        "object_kinds": ("Service",),
        "title": name,
        "summary": name,
        "asks_for": ("decides", "confirms"),
        "inputs": ("kubernetes/core/services",),
        "symptoms": (),
        "explains": (),
        "fix": (),
        "verify": (),
        "docs": (),
    }
    return Cause(**values | parts)


def hypothesis(
    name: str,
    at_fault: str,
    *,
    to: tuple[str, ...] = (),
    source: str = "Deployment shop/client",
    facts: tuple[Fact, ...] = (),
    code: str = "MD0001",
    playbook: str = "503",
) -> Hypothesis:
    finding = Finding(
        code=code,
        subject="destination x",
        outcome=Outcome.FAIL,
        message="",
        resource=at_fault,
        objects=(at_fault, f"Also {name}"),
        facts=facts,
        affected=tuple(Affected(source, host) for host in to),
    )
    return Hypothesis(name, finding, playbook, (), ())


def test_the_same_fault_in_many_places_is_one_candidate_with_many_affected() -> None:
    causes = {"a": cause("a")}
    merged = merge(
        [
            hypothesis("a", "DestinationRule shop/x", to=("one:80",)),
            hypothesis("a", "DestinationRule shop/x", to=("two:80",)),
            hypothesis("a", "DestinationRule shop/y", to=("two:80",)),
        ],
        causes,
    )
    assert [(c.objects[0], len(c.affected)) for c in merged] == [
        ("DestinationRule shop/x", 2),
        ("DestinationRule shop/y", 1),
    ]


def test_a_cause_is_proven_likely_or_possible_by_the_facts_that_hold() -> None:
    wanted = cause("a")

    def with_facts(decides: FactState, confirms: FactState) -> Certainty:
        facts = (Fact("decides", decides, ""), Fact("confirms", confirms, ""))
        return certainty_of(hypothesis("a", "Service shop/x", facts=facts).finding, wanted)

    assert with_facts(FactState.HOLDS, FactState.HOLDS) is Certainty.PROVEN
    assert with_facts(FactState.HOLDS, FactState.UNREAD) is Certainty.LIKELY
    assert with_facts(FactState.HOLDS, FactState.SILENT) is Certainty.LIKELY
    assert with_facts(FactState.UNREAD, FactState.HOLDS) is Certainty.POSSIBLE


def test_a_cause_that_another_explains_at_the_same_destination_is_folded_beneath_it() -> None:
    rule = Explanation("plaintext", "same-destination")
    causes = {"dr": cause("dr", explains=(rule,)), "plaintext": cause("plaintext")}
    kept = fold(
        merge(
            [
                hypothesis("dr", "DestinationRule shop/x", to=("pay:80",)),
                hypothesis("plaintext", "Deployment legacy/c", to=("pay:80",), code="MD0009"),
            ],
            causes,
        )
    )
    assert [c.cause.id for c in kept] == ["dr"]
    assert kept[0].consequences == {"MD0009"}


def test_a_cause_that_reaches_further_than_its_explanation_stays() -> None:
    rule = Explanation("plaintext", "same-destination")
    causes = {"dr": cause("dr", explains=(rule,)), "plaintext": cause("plaintext")}
    kept = fold(
        merge(
            [
                hypothesis("dr", "DestinationRule shop/x", to=("pay:80",)),
                hypothesis("plaintext", "Deployment legacy/c", to=("pay:80", "reviews:80")),
            ],
            causes,
        )
    )
    assert {c.cause.id for c in kept} == {"dr", "plaintext"}


def opted_out(*clients: str) -> list[Hypothesis]:
    return [hypothesis("opted-out", client, source=client, code="MD0007") for client in clients]


def refused(*clients: str) -> list[Hypothesis]:
    """Clients that one policy turns away, each in a finding of its own."""
    found = [hypothesis("plaintext", "PeerAuthentication pay/default", source=c) for c in clients]
    return [
        replace(item, finding=replace(item.finding, objects=(item.finding.objects[0], client)))
        for item, client in zip(found, clients, strict=True)
    ]


def test_an_entry_of_many_workloads_is_folded_when_all_of_them_are_explained() -> None:
    rule = Explanation("plaintext", "same-workload")
    causes = {"opted-out": cause("opted-out", explains=(rule,)), "plaintext": cause("plaintext")}
    a, b = "Deployment x/a", "Deployment y/b"
    one = fold(merge([*opted_out(a), *refused(a)], causes))
    some = fold(merge([*opted_out(a), *refused(a, b)], causes))
    assert [c.cause.id for c in one] == ["opted-out"]
    assert [c.cause.id for c in some] == ["opted-out", "plaintext"]


def test_folding_reaches_through_several_causes_to_the_one_on_top() -> None:
    causes = {
        "top": cause("top", explains=(Explanation("middle", "mesh"),)),
        "middle": cause("middle", explains=(Explanation("bottom", "mesh"),)),
        "bottom": cause("bottom"),
    }
    kept = fold(
        merge(
            [
                hypothesis("top", "Deployment istio-system/istiod"),
                hypothesis("middle", "Namespace a", code="MD0002", playbook="stale-proxy"),
                hypothesis("bottom", "Namespace b", code="MD0003", playbook="missing-sidecar"),
            ],
            causes,
        )
    )
    assert [c.cause.id for c in kept] == ["top"]
    assert {"MD0002", "MD0003"} <= kept[0].consequences
    assert kept[0].playbooks == {"503", "stale-proxy", "missing-sidecar"}


def test_of_two_causes_that_explain_each_other_one_stays() -> None:
    causes = {
        "a": cause("a", explains=(Explanation("b", "mesh"),)),
        "b": cause("b", explains=(Explanation("a", "mesh"),)),
    }
    kept = fold(merge([hypothesis("a", "X x"), hypothesis("b", "Y y")], causes))
    assert [c.cause.id for c in kept] == ["a"]


def test_rank_is_by_severity_then_by_how_much_is_affected_then_by_id() -> None:
    causes = {
        "warn": cause("warn", severity=Severity.WARNING),
        "b": cause("b"),
        "a": cause("a"),
        "wide": cause("wide"),
    }
    merged = merge(
        [
            hypothesis("warn", "W w", to=("1", "2", "3")),
            hypothesis("b", "B b", to=("1",)),
            hypothesis("a", "A a", to=("1",)),
            hypothesis("wide", "C c", to=("1", "2")),
        ],
        causes,
    )
    assert [c.cause.id for c in rank(merged)] == ["wide", "a", "b", "warn"]


def test_at_most_six_objects_are_named() -> None:
    causes = {"a": cause("a")}
    hypotheses = []
    for number in range(9):
        found = hypothesis("a", "Namespace shop")
        changed = Finding(
            code="MD0001",
            subject=f"s{number}",
            outcome=Outcome.FAIL,
            message="",
            resource="Namespace shop",
            objects=("Namespace shop", f"Deployment shop/d{number}"),
        )
        hypotheses.append(Hypothesis("a", changed, found.playbook, (), ()))
    assert len(merge(hypotheses, causes)[0].objects) == 6


def test_a_cause_that_names_an_affected_workload_anywhere_is_folded_at_the_same_workload() -> None:
    rule = Explanation("mutual", "same-workload")
    causes = {"opted-out": cause("opted-out", explains=(rule,)), "mutual": cause("mutual")}
    opted_out = hypothesis("opted-out", "Deployment shop/ratings", playbook="missing-sidecar")
    mutual = hypothesis("mutual", "DestinationRule shop/ratings", to=("ratings:80",))
    elsewhere = hypothesis("mutual", "DestinationRule pay/other", to=("other:80",))
    named = Hypothesis(
        "mutual",
        replace(mutual.finding, objects=(*mutual.finding.objects, "Deployment shop/ratings")),
        "503",
        (),
        (),
    )
    kept = fold(merge([opted_out, named, elsewhere], causes))
    assert {(c.cause.id, c.objects[0]) for c in kept} == {
        ("opted-out", "Deployment shop/ratings"),
        ("mutual", "DestinationRule pay/other"),
    }
