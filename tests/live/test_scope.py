"""Only what a question needs is read, and what was left out is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.live.matrix import ROOT, Line, assert_lines

if TYPE_CHECKING:
    from tests.live.played import Played, Result

_SHOP = {"client", "ratings", "reviews-v1", "reviews-v2", "web"}
_ALL = {*_SHOP, "payments", "gateway"}
_NAMES = {
    "client-v1": "client",
    "ratings-v1": "ratings",
    "web-v1": "web",
    "payments-v1": "payments",
    "istio-ingressgateway": "gateway",
}


def _asked(played: Played) -> set[str]:
    """Short names of the pods that were asked, by whichever way."""
    workloads = {
        name.partition("/")[2].rsplit("-", 2)[0] for name in played.forwarded | played.executed
    }
    return {_NAMES.get(workload, workload) for workload in workloads}


@pytest.mark.parametrize(
    ("options", "proxies"),
    [
        ("", _ALL),
        ("-A", _ALL),
        ("-n shop", {*_SHOP, "gateway"}),
        ("-n pay", {"payments", "gateway"}),
        ("-n shop -n pay", _ALL),
        ("-l app=web", {"web"}),
        ("-l app=reviews,version=v2", {"reviews-v2"}),
        ("-l app=nosuch", set()),
        ("--from deploy/client-v1 --to reviews", {"client", "reviews-v1", "reviews-v2"}),
        ("--from deploy/web-v1 --to payments.pay:8080", {"web", "payments"}),
        # Any of them may be who calls.
        ("--to reviews", _ALL),
        # It may call any of them.
        ("--from deploy/client-v1", _ALL),
        ("--max-proxies 7", _ALL),
    ],
)
def test_diagnose_asks_the_proxies_that_matter_and_istiod(
    options: str, proxies: set[str], broken: Played
) -> None:
    result = broken.diagnose(*options.split())
    assert _asked(broken) == {*proxies, "istiod"}
    assert broken.executed == set()
    scope = result.diagnosis["scope"]
    assert (scope["proxies_read"], scope["proxies_total"]) == (len(proxies), 7)
    assert_lines(result, ())
    # The fault is in calls of reviews.
    elsewhere = options == "-n pay" or "payments" in options
    assert result.roots.keys() == (set() if elsewhere else {ROOT})


@pytest.mark.parametrize(
    ("options", "proxies"),
    [
        ("--from deploy/web-v1 --to payments.pay:8080", {"web", "payments"}),
        ("--from web-v1.shop --to svc/payments.pay:8080", {"web", "payments"}),
        ("--from deploy/client-v1.shop --to reviews", {"client", "reviews-v1", "reviews-v2"}),
        ("--from gateway --to shop.example.com", {"gateway", "web"}),
    ],
)
def test_trace_asks_both_ends_and_reads_no_log(
    options: str, proxies: set[str], healthy: Played
) -> None:
    result = healthy.run("trace", *options.split(), "-o", "json")
    assert result.code == 0, result.stderr
    assert _asked(healthy) - {"istiod"} == proxies
    assert not [path for path in healthy.asked if path.partition("?")[0].endswith("/log")]


def test_a_sample_is_spread_and_said_and_leaves_the_rest_unknown(
    broken: Played, healthy: Played
) -> None:
    line = Line("proxies", "failed", "a sample was read: 3 of 7 proxies (4 left out of the sample)")
    for played, code, roots in ((broken, 1, {ROOT}), (healthy, 4, set())):
        result = played.diagnose("--max-proxies", "3")
        assert _asked(played) == {"istiod", "gateway", "payments", "client"}
        assert_lines(result, (line,))
        assert result.code == code
        assert result.roots.keys() == roots
        assert "outlier-ejection" in result.unknown


@pytest.mark.parametrize("options", ["-i nosuch", "--revision nosuch", "-i nosuch --revision 1-2"])
def test_an_istiod_that_is_not_there_is_said(options: str, healthy: Played) -> None:
    result = healthy.diagnose(*options.split())
    assert _asked(healthy) == _ALL
    reason = "there is no istiod"
    assert_lines(result, (Line("istiod", "failed", reason),))
    assert "there is one in istio-system (revision default)" in result.not_read[0][2]
    assert result.code == 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("-n nosuch", "there is no namespace nosuch; there are default, istio-system, "),
        ("-l app=(", "'app=(' is no label selector"),
        ("--from deploy/nosuch --to reviews", "nothing called deploy/nosuch is in what was read"),
    ],
)
def test_a_scope_that_names_nothing_is_one_line(options: str, said: str, healthy: Played) -> None:
    result = healthy.diagnose(*options.split())
    assert result.code == 2
    assert result.stdout == ""
    assert result.told.startswith(f"meshdoctor: {said}")
    assert len(result.told.splitlines()) == 1


@pytest.mark.parametrize("kind", ["cluster", "listener", "route", "endpoint", "secret"])
def test_proxy_config_asks_the_one_pod(kind: str, healthy: Played) -> None:
    result = healthy.run("proxy-config", kind, "deploy/web-v1", "-n", "shop")
    assert result.code == 0
    assert _asked(healthy) <= {"web", "istiod"}
    assert "web" in _asked(healthy)
    assert len(result.stdout.splitlines()) > 1


@pytest.mark.parametrize("command", ["proxy-status", "istiod-logs", "webhooks", "namespaces"])
def test_what_is_not_about_proxies_asks_none(command: str, healthy: Played) -> None:
    assert healthy.run(command).code == 0
    assert _asked(healthy) <= {"istiod"}


def test_record_keeps_to_the_namespaces_that_are_named(broken: Played, tmp_path: object) -> None:
    wanted = f"{tmp_path}/pay.tar.gz"
    result = broken.run("record", "-n", "pay", "-o", wanted)
    assert result.stdout.strip() == wanted
    assert _asked(broken) == {"payments", "gateway", "istiod"}


_ONLY = "only those of shop, istio-system were read: "
"""Lists that a Role in these namespaces allows."""


def _of_namespaces(result: Result) -> set[str]:
    return {what for what, status, reason in result.not_read if reason.startswith(_ONLY)}


def test_rights_in_the_namespace_alone_are_enough_to_read_it(broken: Played) -> None:
    # To deny one namespace denies every list of all namespaces, and of what is in none.
    broken.server.faults.set("deny:list:*:pay")
    result = broken.diagnose("-n", "shop")
    assert _asked(broken) == {*_SHOP, "gateway", "istiod"}
    assert {
        "kubernetes/core/v1/pods.json",
        "kubernetes/core/v1/services.json",
        "kubernetes/networking.istio.io/v1/virtualservices.json",
    } <= _of_namespaces(result)
    assert {status for _, status, _ in result.not_read} == {"denied"}
    # What is at fault may lie in a namespace that was not read: failing calls may be seen alone.
    assert {finding["code"] for finding in result.diagnosis["findings"]} <= {"MD0190"}
    assert result.roots == {}
    assert ROOT in result.unknown
    assert result.code == 4


def test_rights_in_a_namespace_are_no_help_when_none_is_named(broken: Played) -> None:
    broken.server.faults.set("deny:list:*:pay")
    result = broken.diagnose()
    assert _asked(broken) == set()
    assert result.code == 4
    assert result.roots == {}
    assert _of_namespaces(result) == set()
    assert ("kubernetes/core/v1/pods.json", "denied") in {
        (what, status) for what, status, _ in result.not_read
    }


def test_one_list_that_is_denied_is_read_namespace_by_namespace(broken: Played) -> None:
    broken.server.faults.set("deny:list:pods:pay")
    result = broken.diagnose("-n", "shop")
    assert _of_namespaces(result) == {"kubernetes/core/v1/pods.json"}
    assert result.roots.keys() == {ROOT}
    assert result.code == 1
    paths = [one for one in broken.asked if one.endswith("/pods")]
    assert "GET /api/v1/namespaces/shop/pods" in paths
    assert "GET /api/v1/namespaces/pay/pods" not in paths
