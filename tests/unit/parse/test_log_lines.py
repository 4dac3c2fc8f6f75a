from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.model.log_line import LEVELS, LogLine, level_rank
from meshdoctor.parse.log_lines import SCOPES, parse_log_line

WHEN = datetime(2026, 11, 21, 8, 2, 57, 170592, tzinfo=UTC)
STAMP = "2026-11-21T08:02:57.170592Z"


def read(text: str, line: int = 1) -> LogLine:
    record = parse_log_line(text, line)
    assert record is not None
    assert record.text == text
    assert record.line == line
    return record


def test_a_line_of_the_default_scope_has_no_scope_column() -> None:
    record = read(f"{STAMP}\twarn\tbuildGatewayRoutes: no gateways for router gw.istio-system", 9)
    assert (record.time, record.level, record.scope) == (WHEN, "warn", None)
    assert record.message == "buildGatewayRoutes: no gateways for router gw.istio-system"
    assert record.fields == ()


def test_a_scope_column_is_told_from_a_message() -> None:
    record = read(f"{STAMP}\tinfo\tads\tXDS: Pushing Services:8 ConnectedEndpoints:0")
    assert (record.scope, record.message) == ("ads", "XDS: Pushing Services:8 ConnectedEndpoints:0")


def test_a_scope_that_nobody_listed_is_still_a_scope() -> None:
    assert "newthing" not in SCOPES
    assert read(f"{STAMP}\tinfo\tnewthing\tall is well").scope == "newthing"


@pytest.mark.parametrize(
    ("rest", "scope", "message", "fields"),
    [
        (
            "controllers\tstarting\tcontroller=healthcheck",
            "controllers",
            "starting",
            (("controller", "healthcheck"),),
        ),
        (
            "sync complete\tname=default revision attempt=4 time=14.336015ms",
            None,
            "sync complete",
            (("name", "default revision"), ("attempt", "4"), ("time", "14.336015ms")),
        ),
        (
            "starting\tcontroller=healthcheck",
            None,
            "starting",
            (("controller", "healthcheck"),),
        ),
        (
            "Skipping due to policy check\tpath=/inject pod=pay/x-** (actual name not yet known)",
            None,
            "Skipping due to policy check",
            (("path", "/inject"), ("pod", "pay/x-** (actual name not yet known)")),
        ),
        (
            'ads\tfailed\t{"node": "web.shop", "size": 3, "up": true, "no": null}',
            "ads",
            "failed",
            (("node", "web.shop"), ("size", "3"), ("up", "true")),
        ),
        (
            "ads\txds/ads.go:55\tsaid so",
            "ads",
            "said so",
            (("caller", "xds/ads.go:55"),),
        ),
        ("one\ttwo three\tfour", "one", "two three\tfour", ()),
    ],
)
def test_labels_are_split_from_the_message(
    rest: str, scope: str | None, message: str, fields: tuple[tuple[str, str], ...]
) -> None:
    record = read(f"{STAMP}\tinfo\t{rest}")
    assert (record.scope, record.message, record.fields) == (scope, message, fields)


def test_envoys_lines_name_their_component_and_place() -> None:
    record = read(
        f"{STAMP}\twarning\tenvoy upstream source/common/listener_manager/lds_api.cc:89"
        "\tlds: listener '0.0.0.0_80' config rejected: no\tthread=15"
    )
    assert (record.level, record.scope) == ("warn", "envoy upstream")
    assert record.message == "lds: listener '0.0.0.0_80' config rejected: no"
    assert record.field("caller") == "source/common/listener_manager/lds_api.cc:89"
    assert record.field("thread") == "15"
    assert record.field("absent") is None


def test_envoys_lines_of_older_istio_name_no_place() -> None:
    record = read(f"{STAMP}\tcritical\tenvoy main\tcaught signal")
    assert (record.level, record.scope, record.fields) == ("fatal", "envoy main", ())


def test_envoys_own_form_is_read() -> None:
    record = read(
        "[Envoy (Epoch 0)] [2020-03-02 10:00:00.250][14][warning][config] "
        "[external/envoy/grpc_stream.h:92] StreamListeners gRPC config stream closed: 14"
    )
    assert (record.level, record.scope) == ("warn", "envoy config")
    assert record.time == datetime(2020, 3, 2, 10, 0, 0, 250000, tzinfo=UTC)
    assert record.message == "StreamListeners gRPC config stream closed: 14"


def test_ztunnels_target_is_the_scope_and_its_span_a_label() -> None:
    record = read(
        f"{STAMP}\twarn\tproxy::h2::client:proxy{{wl=amb/caller}}:outbound{{id=5f}}"
        "\tHBONE ping timeout/error\t"
    )
    assert (record.scope, record.message) == ("proxy::h2::client", "HBONE ping timeout/error")
    assert record.fields == (("span", "proxy{wl=amb/caller}:outbound{id=5f}"),)


def test_ztunnels_connections_carry_quoted_labels() -> None:
    record = read(
        f"{STAMP}\terror\taccess\tconnection complete\tsrc.addr=10.0.0.1:3 "
        'dst.service="callee.amb" direction="outbound" bytes_sent=0 '
        'error="unknown waypoint: { namespace: \\"amb\\" } not found"'
    )
    assert (record.level, record.scope, record.message) == (
        "error",
        "access",
        "connection complete",
    )
    assert record.fields == (
        ("src.addr", "10.0.0.1:3"),
        ("dst.service", "callee.amb"),
        ("direction", "outbound"),
        ("bytes_sent", "0"),
        ("error", 'unknown waypoint: { namespace: "amb" } not found'),
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"level":"warn","time":"2026-11-21T08:02:57.170592Z","scope":"model","msg":"no","pod":"a"}',
        '{"severity":"Warning","timestamp":"2026-11-21T08:02:57.170592111Z","logger":"model",'
        '"message":"no","pod":"a"}',
        '{"level":"WARN","time":"2026-11-21T08:02:57.170592Z","scope":"model","message":"no",'
        '"pod":"a"}',
    ],
)
def test_all_json_forms_say_the_same(text: str) -> None:
    record = read(text)
    assert (record.time, record.level, record.scope) == (WHEN, "warn", "model")
    assert (record.message, record.fields) == ("no", (("pod", "a"),))


def test_envoys_json_scope_is_its_component() -> None:
    record = read('{"level":"error","time":"x","scope":"envoy config","msg":"m"}')
    assert (record.scope, record.time) == ("envoy config", None)


def test_gos_standard_logger_is_read() -> None:
    record = read("2026/11/21 08:02:57 INFO GOMEMLIMIT is updated package=memlimit")
    assert (record.level, record.time) == ("info", WHEN.replace(microsecond=0))
    assert record.message == "GOMEMLIMIT is updated package=memlimit"
    bare = read("2026/11/21 08:02:57 http: TLS handshake error from 10.0.0.1:1: EOF")
    assert bare.message == "http: TLS handshake error from 10.0.0.1:1: EOF"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  serviceCluster: istio-proxy",
        "\tthread=15",
        "goroutine 1 [running]:",
        f"{STAMP} info no tabs",
        f"{STAMP}\tshouting\tads\tx",
        '{"start_time":"2026-11-21T08:02:57Z","response_code":200}',
        '{"level":"info"}',
        '{"level":"odd","msg":"x"}',
        '{"level":"info","msg":"x"',
        '{"level":"info","msg":"x","deep":' + "[" * 100_000,
        "[]",
        '[2026-11-21T07:36:28.676Z] "GET / HTTP/1.1" 200',
    ],
)
def test_a_line_that_begins_no_record_is_none(text: str) -> None:
    assert parse_log_line(text, 1) is None


def test_a_time_that_is_none_does_not_lose_the_line() -> None:
    record = read("2026-13-45T08:02:57.1Z\tinfo\tads\tx")
    assert (record.time, record.message) == (None, "x")


def test_levels_are_ordered_and_unknown_ones_are_mild() -> None:
    assert sorted(LEVELS, key=level_rank) == list(LEVELS)
    assert level_rank("gossip") == level_rank("info")


@pytest.mark.parametrize("filler", ["a", "a=", 'a="', "a= ", '\\"', "\t", "x::", " ", "a b=\t"])
def test_a_hostile_line_costs_little(filler: str) -> None:
    started = time.perf_counter()
    read(f"{STAMP}\tinfo\tads\tmessage\tk={filler * (65536 // len(filler))}")
    assert time.perf_counter() - started < 1


@given(st.text())
def test_arbitrary_text_never_raises(text: str) -> None:
    candidates = (text, "{" + text, "[" + text, "2026/11/21 " + text)
    for candidate in (*candidates, *(f"{STAMP}\tinfo\t{rest}" for rest in candidates)):
        record = parse_log_line(candidate, 1)
        assert record is None or (record.text == candidate and record.level in LEVELS)


plain = st.from_regex(r"[A-Za-z][A-Za-z :./]{2,30}[a-z]", fullmatch=True)


@given(
    st.datetimes(timezones=st.just(UTC)),
    st.sampled_from(LEVELS),
    st.sampled_from(sorted(SCOPES)),
    plain,
    st.dictionaries(
        st.from_regex(r"[a-z][a-z.]{0,8}", fullmatch=True),
        st.from_regex(r"[a-z0-9:/.]{1,12}", fullmatch=True),
        max_size=4,
    ),
    st.integers(min_value=1),
)
def test_a_formatted_line_gives_back_its_parts(
    when: datetime, level: str, scope: str, message: str, labels: dict[str, str], line: int
) -> None:
    stamp = when.replace(tzinfo=None).isoformat(timespec="microseconds")
    text = f"{stamp}Z\t{level}\t{scope}\t{message}"
    if labels:
        text += "\t" + " ".join(f"{key}={value}" for key, value in labels.items())
    expected = (line, when, level, scope, message, tuple(labels.items()))
    record = read(text, line)
    assert (
        record.line,
        record.time,
        record.level,
        record.scope,
        record.message,
        record.fields,
    ) == (expected)
