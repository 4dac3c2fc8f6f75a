from __future__ import annotations

import tarfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from meshdoctor.model.finding import Severity
from meshdoctor.model.istiod import Istiod
from meshdoctor.parse.log_lines import parse_log_line
from meshdoctor.parse.proxy_log import read_istiod_log, read_proxy_log
from meshdoctor.views.istiod_logs import (
    LineFilter,
    explain,
    istiod_logs,
    load_line_patterns,
    unexplained,
)
from meshdoctor.views.log_line_patterns import explaining

if TYPE_CHECKING:
    from pathlib import Path

    from meshdoctor.model.log_line import IstiodLog
    from meshdoctor.views.log_line_patterns import LinePattern

NACK = (
    "2026-11-21T08:02:30.816806Z\twarn\tdelta\tADS:LDS: ACK ERROR payments.pay-55 Internal:Error "
    "adding/updating listener(s) virtualInbound: no"
)
SECRET = (
    "2026-11-21T08:0{minute}:11.317885Z\twarn\tads\tfailed to fetch key and certificate for "
    "kubernetes://shop-cert: secret istio-system/shop-cert not found"
)
LEADER = "2026-11-21T08:01:00.000000Z\tinfo\tleader election lock obtained: istio-leader"
STRANGE = "2026-11-21T08:03:0{second}.000000Z\terror\tmodel\tsomething odd about 10.0.0.{second}"
LINES = [SECRET.format(minute=1), NACK, LEADER, SECRET.format(minute=3), SECRET.format(minute=2)]
PATTERNS = load_line_patterns()


def log(*lines: str) -> IstiodLog:
    return read_istiod_log("".join(line + "\n" for line in lines).encode())


def istiod(name: str, found: IstiodLog | None) -> Istiod:
    return Istiod("istio-system", name, f"istiod/istio-system/{name}", log=found)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.id)
def test_every_pattern_explains_its_example_and_no_earlier_one_takes_it(
    pattern: LinePattern,
) -> None:
    line = parse_log_line(f"2026-11-21T08:00:00.000000Z\tinfo\t{pattern.example}", 1)
    assert line is not None
    assert explaining(line, load_line_patterns(pattern.source)) is pattern


def test_patterns_are_told_apart_and_speak_in_sentences() -> None:
    assert len({pattern.id for pattern in PATTERNS}) == len(PATTERNS)
    assert {pattern.source for pattern in PATTERNS} == {"istiod", "agent", "ztunnel", "cni"}
    for pattern in PATTERNS:
        for text in (pattern.meaning, pattern.what_to_do):
            assert text.endswith("."), pattern.id
            assert "\n" not in text, pattern.id


def test_a_sources_patterns_keep_the_order_of_the_whole() -> None:
    ztunnel = load_line_patterns("ztunnel")
    assert ztunnel == tuple(item for item in PATTERNS if item.source == "ztunnel")


def test_repeated_lines_become_one_row_with_the_latest_as_example() -> None:
    rows = explain(log(*LINES).lines, load_line_patterns("istiod"))
    assert [(row.pattern.id, row.count) for row in rows] == [
        ("credential-not-found", 3),
        ("proxy-rejected-configuration", 1),
        ("leadership-taken", 1),
    ]
    secret = rows[0]
    assert secret.first == datetime(2026, 11, 21, 8, 1, 11, 317885, tzinfo=UTC)
    assert secret.last == datetime(2026, 11, 21, 8, 3, 11, 317885, tzinfo=UTC)
    assert (secret.example.line, secret.example.text) == (4, LINES[3])
    assert secret.pattern.severity is Severity.ERROR


def test_a_json_log_is_explained_like_a_text_log() -> None:
    line = '{"level":"info","scope":"ads","msg":"ADS: \\"a:1\\" w-1 terminated"}'
    (row,) = explain(log(line).lines, load_line_patterns("istiod"))
    assert row.pattern.id == "proxy-disconnected"


def test_what_a_record_says_on_further_lines_is_searched_too() -> None:
    lines = log(
        "2026-11-21T08:01:00.0Z\terror\tfailed:",
        "  the object has been modified; please apply your changes to the latest",
    ).lines
    (row,) = explain(lines, load_line_patterns("istiod"))
    assert row.pattern.id == "update-retried"


def test_warnings_that_nothing_explains_are_grouped_apart_from_numbers() -> None:
    lines = log(*(STRANGE.format(second=second) for second in (1, 2, 3)), LEADER).lines
    (row,) = unexplained(lines, load_line_patterns("istiod"))
    assert (row.level, row.scope, row.count, row.example.line) == ("error", "model", 3, 3)
    assert row.to_json() == {
        "level": "error",
        "scope": "model",
        "count": 3,
        "first": "2026-11-21T08:03:01Z",
        "last": "2026-11-21T08:03:03Z",
        "line": 3,
        "text": STRANGE.format(second=3),
    }


def test_the_view_counts_what_the_filter_admits() -> None:
    found = log(*LINES, STRANGE.format(second=1))
    (whole,) = istiod_logs([istiod("a", found)])
    assert whole.levels == (("error", 1), ("warn", 4), ("info", 1))
    assert whole.scopes == (("ads", 3), ("default", 1), ("delta", 1), ("model", 1))
    assert (whole.total, len(whole.lines), whole.read) == (6, 6, True)
    (warnings,) = istiod_logs([istiod("a", found)], LineFilter(level="warn"))
    assert (warnings.total, len(warnings.lines)) == (6, 5)
    assert [row.pattern.id for row in warnings.explained] == [
        "credential-not-found",
        "proxy-rejected-configuration",
    ]
    (ads,) = istiod_logs([istiod("a", found)], LineFilter(scope="ads"))
    assert ads.scopes == (("ads", 3),)
    (default,) = istiod_logs([istiod("a", found)], LineFilter(scope="default"))
    assert [line.text for line in default.lines] == [LEADER]
    since = datetime(2026, 11, 21, 8, 3, tzinfo=UTC)
    (late,) = istiod_logs([istiod("a", found)], LineFilter(since=since))
    assert [line.line for line in late.lines] == [4, 6]


def test_a_filter_by_time_leaves_out_records_without_one() -> None:
    found = log('{"level":"info","msg":"no time"}')
    since = datetime(2026, 11, 21, tzinfo=UTC)
    (view,) = istiod_logs([istiod("a", found)], LineFilter(since=since))
    assert (view.total, view.lines) == (1, ())


def test_replicas_are_in_order_and_an_unread_log_says_so() -> None:
    views = istiod_logs([istiod("b", None), istiod("a", log(LEADER))])
    assert [(view.istiod, view.read) for view in views] == [
        ("istio-system/a", True),
        ("istio-system/b", False),
    ]
    assert views[1].to_json() == {
        "istiod": "istio-system/b",
        "revision": "default",
        "source": "istiod/istio-system/b/discovery.log",
        "read": False,
        "total": 0,
        "unparsed": 0,
        "shown": 0,
        "levels": {},
        "scopes": {},
        "explained": [],
        "unexplained": [],
    }


def test_the_view_as_json_names_line_and_remedy() -> None:
    (view,) = istiod_logs([istiod("a", log(NACK))])
    (row,) = view.to_json()["explained"]
    assert row["text"] == NACK
    assert (row["id"], row["severity"], row["line"]) == ("proxy-rejected-configuration", "error", 1)
    assert row["first"] == row["last"] == "2026-11-21T08:02:30.816806Z"
    assert row["meaning"] == view.explained[0].pattern.meaning
    assert row["what_to_do"] == view.explained[0].pattern.what_to_do


def files_of(root: Path, name: str, file: str) -> dict[str, bytes]:
    """One file of every pod of a real capture, by path."""
    with tarfile.open(root / f"{name}.tar.gz") as tar:
        opened = {m.name: tar.extractfile(m) for m in tar if m.name.endswith("/" + file)}
        found = {path: part.read() for path, part in opened.items() if part}
    assert found
    return found


@pytest.mark.parametrize(
    ("capture", "expected"),
    [
        ("gateway-credential-missing", "credential-not-found"),
        ("envoyfilter-rejected", "proxy-rejected-configuration"),
        ("jwks-unreachable", "jwks-unavailable"),
        ("peerauth-conflict-two-namespace-wide", "peerauthentication-ignored"),
        ("gateway-mutual-without-ca", "credential-lacks-keys"),
        ("destination-port-not-on-service", "destination-port-unknown"),
    ],
)
def test_real_istiod_logs_explain_the_fault(
    captures_root: Path, capture: str, expected: str
) -> None:
    ids: set[str] = set()
    for data in files_of(captures_root, capture, "discovery.log").values():
        found = read_istiod_log(data)
        lines = data.decode().split("\n")
        assert all(lines[record.line - 1] == record.text for record in found.lines)
        assert found.unparsed <= 60
        (view,) = istiod_logs([istiod("a", found)], LineFilter(level="warn"))
        ids |= {row.pattern.id for row in view.explained}
    assert expected in ids


@pytest.mark.parametrize(
    ("capture", "expected"),
    [
        ("xds-blocked", "istiod-stream-broken"),
        ("root-ca-rotated-under-workloads", "istiod-certificate-not-trusted"),
        ("envoyfilter-rejected", "envoy-rejected-configuration"),
        ("pod-not-ready", "application-probe-failed"),
    ],
)
def test_real_proxy_logs_explain_the_fault(
    captures_root: Path, capture: str, expected: str
) -> None:
    ids: set[str] = set()
    for data in files_of(captures_root, capture, "istio-proxy.log").values():
        found = read_proxy_log(data)
        lines = data.decode().split("\n")
        assert all(lines[entry.line - 1] == entry.text for entry in found.access)
        assert all(lines[record.line - 1] == record.text for record in found.agent)
        assert len(found.access) == sum(line.startswith(("[2", "{")) for line in lines)
        rows = explain(found.agent, load_line_patterns("agent"))
        ids |= {row.pattern.id for row in rows}
    assert expected in ids


def test_real_ztunnel_logs_explain_the_fault(captures_root: Path) -> None:
    logs = files_of(captures_root, "ambient-hbone-blocked", "ztunnel.log")
    rows = [
        row
        for data in logs.values()
        for row in explain(read_istiod_log(data).lines, load_line_patterns("ztunnel"))
    ]
    assert "hbone-blocked" in {row.pattern.id for row in rows}
