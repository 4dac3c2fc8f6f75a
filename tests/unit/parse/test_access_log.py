from __future__ import annotations

import json
import time
from dataclasses import fields
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.model.access_log import AccessLogEntry, host_port
from meshdoctor.model.response_flags import FLAGS, flag_meaning, short_flag
from meshdoctor.parse.access_log import TEXT_FORMAT, compile_format, parse_access_line
from meshdoctor.parse.access_log_entry import COLUMNS

TAIL = (
    '"-" "Python-urllib/3.11" "d9bade20-1c2d-4f41-a538-4d5147e141f3" "ratings:8080" '
    '"10.244.0.36:8080" outbound|8080|v1|ratings.shop.svc.cluster.local 10.244.0.33:55080 '
    "10.96.166.199:8080 10.244.0.33:41486 - default"
)
PLAIN = (
    f'[2026-11-21T07:36:28.676Z] "GET /a?b=c HTTP/1.1" 200 - via_upstream - "-" 0 358 2 1 {TAIL}'
)
REFUSED = (
    '[2026-11-21T07:29:41.776Z] "GET / HTTP/1.1" 503 URX,UF upstream_reset_before_response_started'
    "{remote_connection_failure|delayed_connect_error:_Connection_refused} - "
    '"delayed_connect_error:_Connection_refused" 0 121 67 - "-" "Python-urllib/3.11" '
    '"5e7c08c7-4ad6-456e-8403-cb572a4826df" "ratings:8080" "10.244.0.36:8080" inbound|8080|| - '
    "10.244.0.36:8080 10.244.0.33:50360 outbound_.8080_._.ratings.shop.svc.cluster.local default"
)
LISTENER = (
    '[2026-11-21T07:29:41.776Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 0 - "-" "-" "-" "-" '
    '"-" - - 10.244.0.36:8080 10.244.0.33:50360 - -'
)
RBAC = "rbac_access_denied_matched_policy[ns[pay]-policy[deny-shop]-rule[0]]"
NOT_ACCESS = [
    "",
    "[",
    "{}",
    "{",
    "[]",
    "null",
    "2026-11-21T08:08:21.787603Z\tinfo\tEnvoy proxy is ready",
    '{"level":"info","time":"2026-11-21T08:08:21Z","msg":"Envoy proxy is ready"}',
    "[2021-03-02 10:00:00.000][14][warning][config] [source/a.cc:1] gRPC config stream closed",
    PLAIN[: PLAIN.index("d9bade20")],
    PLAIN.replace(" 200 ", " two "),
    '{"start_time":"2026-11-21T08:08:21Z","response_code":200',
    '{"response_code":' + "[" * 100_000,
]


def read(text: str, line: int = 1) -> AccessLogEntry:
    entry = parse_access_line(text, line)
    assert entry is not None
    return entry


def test_every_column_of_the_default_format_lands_in_its_field() -> None:
    assert read(PLAIN, 7) == AccessLogEntry(
        line=7,
        time=datetime(2026, 11, 21, 7, 36, 28, 676000, tzinfo=UTC),
        method="GET",
        path="/a?b=c",
        protocol="HTTP/1.1",
        code=200,
        flags=(),
        details="via_upstream",
        termination=None,
        transport_failure=None,
        bytes_received=0,
        bytes_sent=358,
        duration=2,
        request_id="d9bade20-1c2d-4f41-a538-4d5147e141f3",
        authority="ratings:8080",
        upstream_host="10.244.0.36:8080",
        cluster="outbound|8080|v1|ratings.shop.svc.cluster.local",
        upstream_local="10.244.0.33:55080",
        downstream_local="10.96.166.199:8080",
        downstream_remote="10.244.0.33:41486",
        sni=None,
        route="default",
        text=PLAIN,
    )


def test_comma_joined_flags_and_both_reasons_are_read() -> None:
    entry = read(REFUSED)
    assert entry.flags == ("URX", "UF")
    assert entry.flagged("UF")
    assert not entry.flagged("UH")
    assert entry.details == (
        "upstream_reset_before_response_started"
        "{remote_connection_failure|delayed_connect_error:_Connection_refused}"
    )
    assert entry.transport_failure == "delayed_connect_error:_Connection_refused"
    assert entry.sni == "outbound_.8080_._.ratings.shop.svc.cluster.local"
    assert (entry.is_inbound, entry.is_outbound) == (True, False)


def test_a_line_without_a_request_is_a_listeners() -> None:
    entry = read(LISTENER)
    assert entry.is_listener_line
    assert (entry.method, entry.path, entry.protocol, entry.code) == (None, None, None, 0)
    assert (entry.is_inbound, entry.is_outbound, entry.cluster) == (False, False, None)
    assert (entry.local_port, entry.remote_ip) == (8080, "10.244.0.33")


def test_tcp_and_unparseable_requests_are_not_listener_lines() -> None:
    tcp = read(LISTENER.replace("NR filter_chain_not_found -", "- - " + RBAC))
    assert not tcp.is_listener_line
    assert tcp.termination == RBAC
    not_found = read(PLAIN.replace("200 - via_upstream", "404 NR route_not_found"))
    assert not not_found.is_listener_line


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        (RBAC, RBAC),
        ("jwt_authn_access_denied{Jwt_is_expired}", "jwt_authn_access_denied{Jwt_is_expired}"),
        (
            "upstream_reset_before_response_started{connection_failure,delayed_connect_error:_111}",
            "upstream_reset_before_response_started{connection_failure,delayed_connect_error:_111}",
        ),
        (
            "upstream_reset_before_response_started{connection failure,TLS error: 268435703}",
            "upstream_reset_before_response_started{connection_failure,TLS_error:_268435703}",
        ),
    ],
)
def test_details_of_every_age_read_alike(details: str, expected: str) -> None:
    entry = read(PLAIN.replace("via_upstream", details))
    assert entry.details == expected
    assert entry.route == "default"


def test_the_format_of_istio_1_6_has_no_details() -> None:
    entry = read(PLAIN.replace('via_upstream - "-"', '"-" "TLS error: 268435703"'))
    assert entry.details is None
    assert entry.transport_failure == "TLS_error:_268435703"
    assert (entry.bytes_sent, entry.cluster) == (
        358,
        "outbound|8080|v1|ratings.shop.svc.cluster.local",
    )


def test_envoys_own_default_format_is_read() -> None:
    text = PLAIN.replace('via_upstream - "-" ', "").partition(" outbound|")[0]
    entry = read(text)
    assert (entry.code, entry.duration, entry.upstream_host) == (200, 2, "10.244.0.36:8080")
    assert (entry.cluster, entry.route, entry.downstream_remote) == (None, None, None)


@pytest.mark.parametrize("missing", range(1, 7))
def test_columns_that_an_older_format_lacks_at_the_end_are_none(missing: int) -> None:
    entry = read(PLAIN.rsplit(" ", missing)[0])
    names = ["cluster", "upstream_local", "downstream_local", "downstream_remote", "sni", "route"]
    whole = read(PLAIN)
    expected = [getattr(whole, name) for name in names[: 6 - missing]] + [None] * missing
    assert [getattr(entry, name) for name in names] == expected


def test_a_quote_in_the_user_agent_does_not_shift_the_columns() -> None:
    entry = read(PLAIN.replace("Python-urllib/3.11", 'evil" 200 "agent" x'))
    assert entry.request_id == "d9bade20-1c2d-4f41-a538-4d5147e141f3"
    assert entry.authority == "ratings:8080"


def test_a_route_name_may_hold_blanks() -> None:
    assert read(PLAIN.removesuffix("default") + "my route").route == "my route"


@pytest.mark.parametrize("text", NOT_ACCESS)
def test_any_other_line_is_none(text: str) -> None:
    assert parse_access_line(text, 1) is None


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("10.0.0.1:8080", "10.0.0.1", 8080),
        ("[fd00::1]:8080", "fd00::1", 8080),
        ("fd00::1", "fd00::1", None),
        ("10.0.0.1", "10.0.0.1", None),
        ("10.0.0.1:http", "10.0.0.1", None),
        ("envoy://internal_client_address/", "envoy", None),
        ("[fd00::1", "fd00::1", None),
        (":", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_addresses_split_into_host_and_port(
    address: str | None, host: str | None, port: int | None
) -> None:
    assert host_port(address) == (host, port)


def test_special_clusters_have_a_direction() -> None:
    name = "outbound|8080|v1|ratings.shop.svc.cluster.local"
    assert read(PLAIN.replace(name, "InboundPassthroughCluster")).is_inbound
    assert read(PLAIN.replace(name, "PassthroughCluster")).is_outbound
    assert read(PLAIN.replace(name, "BlackHoleCluster")).is_outbound
    other = read(PLAIN.replace(name, "xds-grpc"))
    assert (other.is_inbound, other.is_outbound) == (False, False)


JSON_KEYS = {
    "time": "start_time",
    "code": "response_code",
    "flags": "response_flags",
    "details": "response_code_details",
    "termination": "connection_termination_details",
    "transport_failure": "upstream_transport_failure_reason",
    "cluster": "upstream_cluster",
    "upstream_local": "upstream_local_address",
    "downstream_local": "downstream_local_address",
    "downstream_remote": "downstream_remote_address",
    "sni": "requested_server_name",
    "route": "route_name",
}


def as_json(numbers: type, absent: str | None) -> str:
    """The plain line as Istio's JSON encoding writes it."""
    entry = read(PLAIN)
    line = {JSON_KEYS.get(name, name): getattr(entry, name) for name in COLUMNS}
    line |= {"start_time": "2026-11-21T07:36:28.676Z", "response_flags": "-", "user_agent": "x"}
    return json.dumps(
        {
            k: absent if v is None else numbers(v) if isinstance(v, int) else v
            for k, v in line.items()
        }
    )


@pytest.mark.parametrize("numbers", [int, str, float])
@pytest.mark.parametrize("absent", [None, "-", ""])
def test_json_lines_say_the_same_as_text_lines(numbers: type, absent: str | None) -> None:
    text = as_json(numbers, absent)
    assert read(text) == AccessLogEntry(
        **{f.name: getattr(read(PLAIN), f.name) for f in fields(AccessLogEntry)} | {"text": text}
    )


def test_json_values_of_the_wrong_kind_are_absent() -> None:
    entry = read('{"response_code":"200","method":{"a":1},"duration":true,"bytes_sent":1e30}')
    assert (entry.code, entry.method, entry.duration, entry.bytes_sent) == (200, None, None, None)


def test_a_custom_text_format_is_compiled() -> None:
    parse = compile_format(
        "%START_TIME(%s.%3f)% ip=%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT% %PROTOCOL% 100%% "
        '"%REQ(user-agent):60%" st=%RESPONSE_CODE%/%RESPONSE_FLAGS_LONG% %DURATION%ms '
        "to=%UPSTREAM_CLUSTER_RAW%|%RESP(grpc-status)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%\n"
    )
    assert parse is not None
    text = (
        '1795246588.676 ip=10.0.0.9 HTTP/2 100% "a "b"" st=503/NoHealthyUpstream,UpstreamOverflow '
        "12ms to=outbound|80||a.b|- /x y"
    )
    entry = parse(text, 3)
    assert entry is not None
    assert entry.time == datetime(2026, 11, 21, 7, 36, 28, 676000, tzinfo=UTC)
    assert (entry.remote_ip, entry.protocol, entry.code) == ("10.0.0.9", "HTTP/2", 503)
    assert (entry.flags, entry.duration, entry.path) == (("UH", "UO"), 12, "/x y")
    assert (entry.line, entry.text, entry.authority) == (3, text, None)
    assert parse("something else", 4) is None


def test_a_comma_separated_format_keeps_flags_and_details_apart() -> None:
    parse = compile_format("%RESPONSE_CODE%,%RESPONSE_FLAGS%,%RESPONSE_CODE_DETAILS%,%ROUTE_NAME%")
    assert parse is not None
    entry = parse("503,UH,no_healthy_upstream,default", 1)
    assert entry is not None
    assert (entry.flags, entry.details, entry.route) == (("UH",), "no_healthy_upstream", "default")


def test_the_usual_operator_wins_over_one_that_stands_in() -> None:
    parse = compile_format(
        "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %RESPONSE_CODE%"
    )
    assert parse is not None
    entry = parse("10.0.0.1:1 10.0.0.2:2 200", 1)
    assert entry is not None
    assert entry.downstream_remote == "10.0.0.2:2"


def test_a_custom_json_format_is_compiled() -> None:
    parse = compile_format(
        '{"ts":"%START_TIME%","http":{"status":"%RESPONSE_CODE%","verb":"%REQ(:METHOD)%"},'
        '"why":"%RESPONSE_CODE_DETAILS%","mixed":"%PROTOCOL% %ROUTE_NAME%"}'
    )
    assert parse is not None
    entry = parse(
        '{"ts":"2026-11-21T07:36:28Z","http":{"status":404,"verb":"PUT"},"why":"route_not_found",'
        '"mixed":"HTTP/1.1 default"}',
        1,
    )
    assert entry is not None
    assert (entry.code, entry.method, entry.details) == (404, "PUT", "route_not_found")
    assert (entry.protocol, entry.route) == (None, None)
    assert parse('{"level":"info","msg":"x"}', 2) is None


def test_a_text_format_that_looks_like_json_need_not_print_json() -> None:
    parse = compile_format('{"took": %DURATION%, "code": %RESPONSE_CODE%, "sni": "%ROUTE_NAME%"}\n')
    assert parse is not None
    entry = parse('{"took": -, "code": 200, "sni": "default"}', 1)
    assert entry is not None
    assert (entry.duration, entry.code, entry.route) == (None, 200, "default")


@pytest.mark.parametrize(
    "fmt",
    [
        "",
        "no operator at all",
        "%PROTOCOL% %ROUTE_NAME%",
        "%RESPONSE_CODE%%ROUTE_NAME%",
        "%RESPONSE_CODE%\n%ROUTE_NAME%",
        '{"a":"b"}',
        "{",
        "%",
    ],
)
def test_a_format_that_tells_nothing_is_not_compiled(fmt: str) -> None:
    assert compile_format(fmt) is None


def test_istios_default_format_compiles_to_the_same_parser() -> None:
    parse = compile_format(TEXT_FORMAT + "\n")
    assert parse is not None
    for text in (PLAIN, REFUSED, LISTENER):
        assert parse(text, 5) == parse_access_line(text, 5)


def test_the_vocabulary_holds_every_flag_of_envoys() -> None:
    listed = (
        "LH UH UT LR UR UF UC UO NR DI FI RL UAEX RLSE DC URX SI IH DPE UMSDR RFCF NFCF DT UPE NC "
        "OM DF DO DR UDO"
    )
    assert list(FLAGS) == listed.split()
    assert len({flag.name for flag in FLAGS.values()}) == len(FLAGS)
    assert short_flag("NoHealthyUpstream") == "UH"
    assert flag_meaning("UH") == FLAGS["UH"].meaning
    assert "extension" in flag_meaning("XYZ")


@pytest.mark.parametrize("filler", ['"', " ", '" "', '-" ', "{", "[", "a", '\\"'])
def test_a_hostile_line_costs_little(filler: str) -> None:
    head = PLAIN[: PLAIN.index("Python")]
    started = time.perf_counter()
    parse_access_line(head + filler * (65536 // len(filler)), 1)
    assert time.perf_counter() - started < 1


@given(st.text())
def test_arbitrary_text_never_raises(text: str) -> None:
    for candidate in (text, "[" + text, "{" + text, PLAIN[:60] + text):
        entry = parse_access_line(candidate, 1)
        assert entry is None or entry.text == candidate


@given(st.text())
def test_an_arbitrary_format_never_raises(fmt: str) -> None:
    parse = compile_format(fmt + "%RESPONSE_CODE%")
    if parse is not None:
        entry = parse(fmt.replace("%%", "%") + "200", 1)
        assert entry is None or entry.code == 200


words = st.from_regex(r"[A-Za-z0-9_.:/|?=&-]{1,20}", fullmatch=True).filter(lambda w: w != "-")
numbers = st.integers(min_value=0, max_value=10**18)


@given(
    st.fixed_dictionaries(
        dict.fromkeys(
            ("method", "path", "protocol", "termination", "transport_failure", "request_id"), words
        )
        | dict.fromkeys(("authority", "upstream_host", "cluster", "upstream_local"), words)
        | dict.fromkeys(("downstream_local", "downstream_remote", "sni", "details"), words)
        | dict.fromkeys(("bytes_received", "bytes_sent", "duration", "code"), numbers)
        | {"route": st.from_regex(r"[a-z]( ?[a-z]){0,9}", fullmatch=True)}
        | {"flags": st.lists(st.sampled_from(sorted(FLAGS)), max_size=3).map(tuple)}
        | {"time": st.datetimes(timezones=st.just(UTC))}
    ),
    st.integers(min_value=1),
)
def test_a_formatted_line_gives_back_its_fields(values: dict[str, object], line: int) -> None:
    v = dict(values)
    flags, started = values["flags"], values["time"]
    assert isinstance(flags, tuple)
    assert isinstance(started, datetime)
    v["flags"] = ",".join(flags) or "-"
    v["time"] = started.isoformat().replace("+00:00", "Z")
    text = (
        '[{time}] "{method} {path} {protocol}" {code} {flags} {details} {termination} '
        '"{transport_failure}" {bytes_received} {bytes_sent} {duration} - "-" "curl \\" x" '
        '"{request_id}" "{authority}" "{upstream_host}" {cluster} {upstream_local} '
        "{downstream_local} {downstream_remote} {sni} {route}"
    ).format(**v)
    entry = parse_access_line(text, line)
    assert entry is not None
    assert {name: getattr(entry, name) for name in COLUMNS} == values
    assert (entry.line, entry.text) == (line, text)
