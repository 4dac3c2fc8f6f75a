"""The run: what stops it, what skips, and what it all comes to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from meshdoctor.check.outcome import joined
from meshdoctor.check.report import Category, Checked, Report
from meshdoctor.check.run import NOTHING_READ, RECORDED, check
from meshdoctor.collect.access_review import Review
from meshdoctor.collect.api import ReadError
from meshdoctor.collect.preflight import Preflight, Reached, Sampled, Server
from meshdoctor.collect.rights import RIGHTS, Use
from meshdoctor.collect.sample_pods import SamplePod
from meshdoctor.exit_codes import ExitCode
from meshdoctor.model.finding import Outcome
from meshdoctor.model.not_read import NotReadStatus
from tests.unit.check.whole_mesh import snapshot, whole

ISTIOD = SamplePod("istio-system", "istiod-0", "discovery", 15014)
PROXY = SamplePod("shop", "web", "istio-proxy", 15000)
REFUSED = ReadError(NotReadStatus.DENIED, "forbidden", 403)
PASS, WARN, FAIL, SKIP, UNKNOWN = Outcome


def reviews(*denied: tuple[Use, bool | None], unsaid: bool = False) -> tuple[Review, ...]:
    """Everything allowed, save these uses (of this neededness, None for any)."""

    def is_allowed(use: Use, needed: bool) -> bool | None:
        if any(use is item and wanted in (None, needed) for item, wanted in denied):
            return None if unsaid else False
        return True

    return tuple(
        Review(right, verb, "", is_allowed(right.use, right.needed), "said so")
        for right in RIGHTS
        if right.use is not Use.SELF
        for verb in right.verbs
    )


def fine(**parts: object) -> Preflight:
    base: dict[str, object] = {
        "server": Server("v1.33.0", timedelta(seconds=1)),
        "reviews": reviews(),
        "istiod": Sampled(ISTIOD, (Reached(ISTIOD, "port-forward"),)),
        "proxy": Sampled(PROXY, (Reached(PROXY, "port-forward"),)),
    }
    return Preflight(**(base | parts))  # type: ignore[arg-type]


def outcomes(preflight: Preflight) -> dict[str, Outcome]:
    found = check(snapshot(whole()), preflight)
    return {item.id: item.outcome for item in found.checks if item.outcome not in (PASS, SKIP)}


def message(preflight: Preflight, id: str) -> str:
    return {item.id: item.message for item in check(snapshot(whole()), preflight).checks}[id]


def test_a_cluster_where_all_is_well_passes_every_live_check() -> None:
    found = check(snapshot(whole()), fine())
    assert found.exit_code is ExitCode.OK
    assert RECORDED not in {item.message for item in found.checks}
    assert message(fine(), "proxy-answers") == "Pod shop/web answers by port-forward"


def test_an_unreachable_server_fails_once_and_all_else_is_skipped_with_the_reason() -> None:
    down = Server("", None, ReadError(NotReadStatus.FAILED, "connection refused"))
    gone = Preflight(down, (), Sampled(None), Sampled(None))
    found = check(None, gone)
    assert [(i.id, i.message) for i in found.with_outcome(FAIL)] == [
        ("api-reachable", "connection refused")
    ]
    rest = [item for item in found.checks if item.id != "api-reachable"]
    assert {item.outcome for item in rest} == {SKIP}
    assert {item.message for item in rest} == {
        "nothing can be said, because this does not hold: the API server answers"
    }
    assert found.exit_code is ExitCode.ROOT_CAUSE


def test_a_server_that_answers_with_a_refusal_says_its_status() -> None:
    denied = fine(server=Server("", None, REFUSED))
    assert message(denied, "api-reachable") == "it answered 403: forbidden"


def test_without_a_mesh_its_checks_are_skipped() -> None:
    found = check(None, fine())
    skipped = {item.message for item in found.with_outcome(SKIP)}
    assert NOTHING_READ in skipped
    assert found.with_outcome(FAIL) == ()


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (90, "the API server's clock is 90 s behind this machine's"),
        (-90, "the API server's clock is 90 s ahead of this machine's"),
    ],
)
def test_clocks_that_differ_are_a_warning(seconds: int, says: str) -> None:
    skewed = fine(server=Server("v1.33.0", timedelta(seconds=seconds)))
    assert outcomes(skewed) == {"api-clock": WARN}
    assert message(skewed, "api-clock").startswith(says)


def test_a_minute_is_no_difference_and_no_date_is_unknown_without_harm() -> None:
    assert outcomes(fine(server=Server("v1.33.0", timedelta(seconds=60)))) == {}
    dateless = fine(server=Server("v1.33.0", None))
    assert outcomes(dateless) == {"api-clock": UNKNOWN}
    assert check(snapshot(whole()), dateless).exit_code is ExitCode.OK


class TestRights:
    @pytest.mark.parametrize(
        ("denied", "expected"),
        [
            ((Use.OBJECTS, True), {"rights-needed-objects": FAIL}),
            ((Use.OBJECTS, False), {"rights-further-objects": WARN}),
            ((Use.WATCH, None), {"rights-watch": WARN}),
            ((Use.LOGS, None), {"rights-logs": FAIL}),
            ((Use.SECRETS, None), {"rights-secrets": WARN}),
            ((Use.METRICS, None), {"rights-metrics": WARN}),
            ((Use.PORT_FORWARD, None), {"rights-port-forward": WARN}),
            ((Use.EXEC, None), {}),
        ],
    )
    def test_a_denied_right_weighs_as_much_as_what_needs_it(
        self, denied: tuple[Use, bool | None], expected: dict[str, Outcome]
    ) -> None:
        assert outcomes(fine(reviews=reviews(denied))) == expected

    def test_without_any_way_into_pods_both_fail(self) -> None:
        neither = reviews((Use.PORT_FORWARD, None), (Use.EXEC, None))
        assert outcomes(fine(reviews=neither)) == {
            "rights-port-forward": FAIL,
            "rights-exec": FAIL,
        }

    def test_the_message_names_verb_resource_and_loss_and_how_to_get_it(self) -> None:
        said = message(fine(reviews=reviews((Use.LOGS, None))), "rights-logs")
        assert said.startswith("get pods/log is denied, which leaves unknown: causes that only")
        assert said.endswith("'meshdoctor rbac' prints the role that allows it")

    def test_a_server_that_cannot_say_leaves_it_unknown(self) -> None:
        vague = fine(reviews=reviews((Use.LOGS, None), unsaid=True))
        assert outcomes(vague) == {"rights-logs": UNKNOWN}
        assert check(snapshot(whole()), vague).exit_code is ExitCode.UNREAD


class TestReach:
    def test_the_second_way_alone_is_a_warning(self) -> None:
        tried = (Reached(PROXY, "port-forward", REFUSED), Reached(PROXY, "exec"))
        by_exec = fine(proxy=Sampled(PROXY, tried))
        assert outcomes(by_exec) == {"proxy-answers": WARN}
        assert message(by_exec, "proxy-answers") == (
            "Pod shop/web answers by exec only (port-forward: forbidden)"
        )

    def test_no_way_at_all_fails(self) -> None:
        tried = (Reached(ISTIOD, "port-forward", REFUSED), Reached(ISTIOD, "exec", REFUSED))
        assert outcomes(fine(istiod=Sampled(ISTIOD, tried))) == {"istiod-answers": FAIL}

    def test_no_pod_to_ask_is_skipped_and_pods_unread_are_unknown(self) -> None:
        assert outcomes(fine(proxy=Sampled(None))) == {}
        assert outcomes(fine(proxy=Sampled(None, error=REFUSED))) == {"proxy-answers": UNKNOWN}


def checked(outcome: Outcome, *, needed: bool = True) -> Checked:
    return Checked("x", "it holds", outcome, "", "docs/check.md#x", needed)


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ([checked(PASS), checked(SKIP)], ExitCode.OK),
        ([checked(WARN)], ExitCode.WARNINGS),
        ([checked(UNKNOWN, needed=False)], ExitCode.OK),
        ([checked(UNKNOWN), checked(WARN)], ExitCode.UNREAD),
        ([checked(FAIL), checked(UNKNOWN)], ExitCode.ROOT_CAUSE),
    ],
)
def test_the_worst_outcome_decides_the_exit_code(items: list[Checked], code: ExitCode) -> None:
    found = Report((Category("one", tuple(items)),))
    assert found.exit_code is code
    assert found.succeeded is (code in (ExitCode.OK, ExitCode.WARNINGS))


def test_many_problems_are_counted_rather_than_listed() -> None:
    assert joined(map(str, range(6))) == "0; 1; 2; 3; 4; 5"
    assert joined(map(str, range(8))) == "0; 1; 2; 3; 4; 5; and 2 more"
