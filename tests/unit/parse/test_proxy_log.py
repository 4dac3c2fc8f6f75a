from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.model.access_log import ProxyLog
from meshdoctor.parse.proxy_log import MAX_LINE, read_istiod_log, read_proxy_log

ACCESS = (
    '[2026-11-21T08:00:{second:02}.000Z] "GET / HTTP/1.1" 200 - via_upstream - "-" 0 358 2 1 "-" '
    '"curl" "id-{second}" "ratings:8080" "10.0.0.1:8080" inbound|8080|| 127.0.0.6:1 10.0.0.1:8080 '
    "10.0.0.2:5 - default"
)
JSON_ACCESS = '{"start_time":"2026-11-21T08:00:30Z","response_code":503,"response_flags":"UH"}'
READY = "2026-11-21T08:00:05.000000Z\tinfo\tEnvoy proxy is ready"
NOT_READY = (
    "2026-11-21T08:00:04.000000Z\twarn\tEnvoy proxy is NOT ready: config not received from XDS "
    "server (is Istiod running?): cds updates: 0 successful, 0 rejected"
)
CONNECTED = (
    "2026-11-21T08:00:03.000000Z\tinfo\txdsproxy\tconnected to delta upstream XDS server: "
    "istiod.istio-system.svc:15012\tid=1"
)
FLAG = '2026-11-21T08:00:01.000000Z\tinfo\tFLAG: --concurrency="0"'
CONFIG = "2026-11-21T08:00:01.000000Z\tinfo\tEffective config: binaryPath: /usr/local/bin/envoy"
REJECTED = (
    "2026-11-21T08:00:06.000000Z\twarning\tenvoy upstream lds_api.cc:89\tlds: listener "
    "'0.0.0.0_80' config rejected: goo.gle/debugproto   "
)


def log(*lines: str) -> bytes:
    return "".join(line + "\n" for line in lines).encode()


def access(second: int) -> str:
    return ACCESS.format(second=second)


def test_three_forms_in_one_stream_are_told_apart() -> None:
    found = read_proxy_log(
        log(FLAG, CONNECTED, access(9), JSON_ACCESS, NOT_READY, READY, access(7))
    )
    assert [entry.line for entry in found.access] == [3, 4, 7]
    assert [entry.code for entry in found.access] == [200, 503, 200]
    assert [line.line for line in found.agent] == [2, 5, 6]
    assert (found.lines, found.unparsed) == (7, 0)
    assert found.first_time == datetime(2026, 11, 21, 8, 0, 1, tzinfo=UTC)
    assert found.last_time == datetime(2026, 11, 21, 8, 0, 30, tzinfo=UTC)


def test_further_lines_belong_to_the_record_above_them() -> None:
    found = read_proxy_log(log(REJECTED, ": Proto constraint failed", "\tthread=14", access(1)))
    (record,) = found.agent
    assert record.more == (": Proto constraint failed", "\tthread=14")
    assert record.full_message.startswith("lds: listener")
    assert record.full_message.endswith(": Proto constraint failed\n\tthread=14")
    assert record.text == REJECTED
    assert (len(found.access), found.unparsed) == (1, 0)


def test_further_lines_of_a_record_that_is_not_kept_go_with_it() -> None:
    found = read_proxy_log(log(READY, CONFIG, "concurrency: 2", "drainDuration: 45s"))
    assert [(line.text, line.more) for line in found.agent] == [(READY, ())]
    assert found.unparsed == 0


def test_a_foreign_line_after_a_request_is_counted() -> None:
    found = read_proxy_log(log("half of a line", access(1), "an application's word", REJECTED))
    assert found.unparsed == 2
    assert found.agent[0].more == ()


def test_the_previous_logs_banner_closes_a_record() -> None:
    banners = (
        "========= Previous log present (appended at the end) =========",
        "========= Previous log =========",
    )
    found = read_proxy_log(log(banners[0], "", REJECTED, "", banners[1], "", access(2)))
    assert found.agent[0].more == ()
    assert found.unparsed == 0
    assert found.access[0].line == 7


def test_windows_newlines_do_no_harm() -> None:
    found = read_proxy_log(log(READY, access(1)).replace(b"\n", b"\r\n"))
    assert found.access[0].route == "default"
    assert found.agent[0].message == "Envoy proxy is ready"


def test_a_line_beyond_the_bound_is_cut_and_numbers_stay_true() -> None:
    long = access(1) + "x" * (2 * MAX_LINE)
    found = read_proxy_log(log(long, access(2)))
    assert [len(entry.text) for entry in found.access] == [MAX_LINE, len(access(2))]
    assert [entry.line for entry in found.access] == [1, 2]


def test_line_numbers_go_on_from_where_the_head_was_left_out() -> None:
    data = log(READY, access(1))
    found = read_proxy_log(data, first_line=101)
    assert (found.agent[0].line, found.access[0].line, found.lines) == (101, 102, 102)
    assert read_istiod_log(data, 101).lines[0].line == 101


def test_the_meshs_own_format_is_read_beside_istios() -> None:
    fmt = "%RESPONSE_CODE% %RESPONSE_FLAGS% %UPSTREAM_CLUSTER%\n"
    found = read_proxy_log(log("503 UH outbound|80||a.b", READY, access(1), "what?"), fmt)
    assert [(entry.line, entry.code) for entry in found.access] == [(1, 503), (3, 200)]
    assert (len(found.agent), found.unparsed) == (1, 1)
    without = read_proxy_log(log("503 UH outbound|80||a.b", access(1)), "%PROTOCOL%")
    assert (len(without.access), without.unparsed) == (1, 1)


@pytest.mark.parametrize(("data", "lines"), [(b"", 0), (b"\n", 1), (b"x", 1), (b"x\n\n", 2)])
def test_lines_are_counted_as_a_file_has_them(data: bytes, lines: int) -> None:
    assert read_proxy_log(data).lines == lines


def test_an_empty_log_holds_nothing() -> None:
    assert read_proxy_log(b"") == ProxyLog((), (), 0, 0, None, None)


def test_istiods_log_is_counted_by_level_and_scope() -> None:
    found = read_istiod_log(
        log(
            "cut off",
            "2026-11-21T08:00:01.000000Z\tinfo\tads\tPush Status: {",
            '    "pilot_eds_no_instances": {',
            "}",
            "2026-11-21T08:00:02.000000Z\twarn\tno gateways for router",
            "2026-11-21T08:00:03.000000Z\tinfo\tads\tXDS: Pushing",
        )
    )
    assert dict(found.by_level) == {"warn": 1, "info": 2}
    assert list(found.by_level) == ["warn", "info"]
    assert dict(found.by_scope) == {"ads": 2, "default": 1}
    assert found.unparsed == 1
    assert found.lines[0].more == ('    "pilot_eds_no_instances": {', "}")


@given(st.binary())
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    found = read_proxy_log(data)
    assert found.lines == len(data.split(b"\n")) - (data.endswith(b"\n") or not data)
    assert read_istiod_log(data).unparsed <= found.lines


kinds = st.sampled_from(
    [access(1), JSON_ACCESS, READY, NOT_READY, REJECTED, FLAG, "junk", "", "\x0b"]
)


@given(st.lists(kinds, max_size=30), st.integers(min_value=1, max_value=10**6))
def test_every_line_number_leads_to_its_line(lines: list[str], first_line: int) -> None:
    data = log(*lines)
    found = read_proxy_log(data, first_line=first_line)
    for entry in found.access:
        assert lines[entry.line - first_line] == entry.text
    for record in (*found.agent, *read_istiod_log(data, first_line).lines):
        place = record.line - first_line
        assert lines[place] == record.text
        assert all(text in lines[place + 1 :] for text in record.more)
    assert len(found.access) == sum(line in (access(1), JSON_ACCESS) for line in lines)
