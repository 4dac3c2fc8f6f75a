"""The walk of a playbook, on findings made by hand."""

from __future__ import annotations

from meshdoctor.diagnose.library import Playbook, Step, StepOutcome
from meshdoctor.diagnose.walker import FindingIndex, walk
from meshdoctor.model.finding import Finding, Outcome

SUBJECT = "destination ratings.shop.svc.cluster.local:8080"


def playbook(*steps: tuple[str, str, str | None]) -> Playbook:
    return Playbook(
        id="503",
        title="503",
        symptom="503",
        words=("503",),
        subject="destination",
        order=1,
        steps=tuple(
            Step(name, name, "", (StepOutcome(code, cause, ""),)) for name, code, cause in steps
        ),
    )


def finding(code: str, outcome: Outcome, *, subject: str = SUBJECT, root: bool = True) -> Finding:
    return Finding(
        code=code,
        subject=subject,
        outcome=outcome,
        message=f"{code} {outcome}",
        resource="Service shop/ratings",
        objects=("Service shop/ratings",),
        root=root,
    )


BOOK = playbook(
    ("host-known", "MD0001", "host-not-found"),
    ("selects-pods", "MD0002", "selector-mismatch"),
    ("app-answers", "MD0003", "application-error"),
)


def test_the_first_step_that_fails_names_the_cause_and_later_failures_are_its_consequences() -> (
    None
):
    index = FindingIndex(
        [
            finding("MD0001", Outcome.PASS),
            finding("MD0002", Outcome.FAIL),
            finding("MD0003", Outcome.FAIL),
        ]
    )
    taken, hypotheses = walk(BOOK, SUBJECT, index)
    assert [h.cause for h in hypotheses] == ["selector-mismatch"]
    assert hypotheses[0].consequences == ("MD0003",)
    assert [(s.step, s.outcome) for s in hypotheses[0].path] == [
        ("host-known", Outcome.PASS),
        ("selects-pods", Outcome.FAIL),
    ]
    assert taken.cause == "selector-mismatch"
    assert len(taken.steps) == 3


def test_an_unknown_step_is_shown_and_does_not_end_the_walk() -> None:
    index = FindingIndex([finding("MD0001", Outcome.UNKNOWN), finding("MD0003", Outcome.FAIL)])
    taken, hypotheses = walk(BOOK, SUBJECT, index)
    assert [h.cause for h in hypotheses] == ["application-error"]
    assert [s.outcome for s in taken.steps] == [Outcome.UNKNOWN, Outcome.SKIP, Outcome.FAIL]


def test_a_note_names_no_cause_until_someone_asks_for_the_symptom() -> None:
    index = FindingIndex([finding("MD0002", Outcome.WARN, root=False)])
    taken, hypotheses = walk(BOOK, SUBJECT, index)
    assert hypotheses == ()
    assert taken.cause is None
    _, asked = walk(BOOK, SUBJECT, index, asked=True)
    assert [h.cause for h in asked] == ["selector-mismatch"]


def test_an_outcome_without_a_cause_ends_the_walk_without_one() -> None:
    book = playbook(
        ("selects-pods", "MD0002", None), ("app-answers", "MD0003", "application-error")
    )
    index = FindingIndex([finding("MD0002", Outcome.FAIL), finding("MD0003", Outcome.FAIL)])
    taken, hypotheses = walk(book, SUBJECT, index)
    assert hypotheses == ()
    assert taken.cause is None


def test_every_finding_of_the_failing_code_becomes_a_hypothesis() -> None:
    one, two = finding("MD0002", Outcome.FAIL), finding("MD0002", Outcome.FAIL, root=True)
    _, hypotheses = walk(BOOK, SUBJECT, FindingIndex([one, two]))
    assert [h.finding for h in hypotheses] == [one, two]


def test_a_playbook_is_walked_only_for_subjects_of_its_kind_that_it_asks_about() -> None:
    index = FindingIndex(
        [
            finding("MD0001", Outcome.PASS),
            finding("MD0001", Outcome.FAIL, subject="namespace shop"),
            finding("MD0099", Outcome.FAIL, subject="destination other:80"),
        ]
    )
    assert index.subjects(BOOK) == [SUBJECT]
