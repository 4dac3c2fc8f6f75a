from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.collect.allow_list_admin import AGENT, ENVOY, ISTIOD, allow_admin
from meshdoctor.collect.allow_list_refusal import WriteRefused
from meshdoctor.collect.envoy import ENVOY_FILES
from meshdoctor.collect.envoy import RECORDED_ONLY as ENVOY_RECORDED
from meshdoctor.collect.istiod import ISTIOD_FILES
from meshdoctor.collect.istiod import RECORDED_ONLY as ISTIOD_RECORDED

READS = [
    (15000, "/config_dump"),
    (15000, "/config_dump?include_eds"),
    (15000, "/config_dump?include_eds=true"),
    (15000, "/config_dump?mask=bootstrap"),
    (15000, "/clusters?format=json"),
    (15000, "/stats?usedonly&filter=%5Ecluster%5C.outbound"),
    (15000, "/stats/prometheus"),
    (15001, "/config_dump"),
    (15014, "/debug/syncz"),
    (15014, "/debug/syncz?namespace=shop&pretty"),
    (15014, "/debug/edsz?proxyID=web-1.shop"),
    (8080, "/ready"),
    (9999, "/debug/registryz"),
    (15020, "/metrics"),
    (15021, "/healthz/ready"),
]

ACTS = [
    (15000, "/quitquitquit"),
    (15000, "/logging?level=debug"),
    (15000, "/healthcheck/fail"),
    (15000, "/drain_listeners?graceful"),
    (15000, "/reset_counters"),
    (15000, "/runtime_modify?a=b"),
    (15000, "/cpuprofiler?enable=y"),
    (15000, "/stats?reset"),
    (15000, "/debug/syncz"),
    (15020, "/quitquitquit"),
    (15020, "/app-health/app/livez"),
    (15020, "/drain"),
    (15014, "/debug/adsz?push=true"),
    (15014, "/debug/adsz?push"),
    (15014, "/debug/adsz?PUSH=true"),
    (15014, "/debug/adsz?proxyID=a&push=true"),
    (15014, "/debug/adsz?proxyID=a;push=true"),
    (15014, "/debug/adsz?p%75sh=true"),
    (15014, "/debug/adsz?proxyID=a%26push=true%0d%0a"),
    (15014, "/debug/cachez?clear=true"),
    (15014, "/debug/cachez?clear"),
    (15014, "/debug/force_disconnect"),
    (15014, "/debug/force_disconnect?proxyID=web-1.shop"),
    (15014, "/debug/Force_Disconnect"),
    (15014, "/debug/syncz/../force_disconnect"),
    (15014, "/debug%2fforce_disconnect"),
    (15014, "/debug/syncz?namespace=a&namespace=b"),
    (15014, "/debug/syncz?"),
    (15014, "/debug/syncz#x"),
    (15014, "/debug/"),
    (15014, "/debug/pprof/heap"),
    (15014, "//debug/syncz"),
    (15014, ""),
    (9999, "/debug/force_disconnect"),
    (9999, "/"),
]


@pytest.mark.parametrize(("port", "path"), READS)
def test_a_known_read_is_let_through(port: int, path: str) -> None:
    allow_admin("GET", port, path)


@pytest.mark.parametrize(("port", "path"), ACTS)
def test_any_other_path_is_refused(port: int, path: str) -> None:
    with pytest.raises(WriteRefused):
        allow_admin("GET", port, path)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "get", "HEAD", "", "GET "])
def test_any_other_method_is_refused(method: str) -> None:
    with pytest.raises(WriteRefused):
        allow_admin(method, 15000, "/config_dump")


def test_everything_that_is_collected_is_let_through() -> None:
    for file in (*ENVOY_FILES, *ENVOY_RECORDED):
        allow_admin("GET", 15000, file.target)
    for file in (*ISTIOD_FILES, *ISTIOD_RECORDED):
        allow_admin("GET", 15014, file.target)


@given(
    st.sampled_from([15000, 15014, 15020, 8080, 4711]),
    st.text(alphabet="/?&=;#%.abcdefghiklnpqrstuyzPUSH_025 \r\n", max_size=50),
)
def test_whatever_is_let_through_is_a_listed_path(port: int, tail: str) -> None:
    for base in ("", "/debug/adsz", "/debug/cachez?", "/config_dump"):
        path = base + tail
        try:
            allow_admin("GET", port, path)
        except WriteRefused:
            continue
        name, _, query = path.partition("?")
        assert name in {**ENVOY, **AGENT, **ISTIOD}
        assert "push" not in query.lower().split("=")[0]
        assert "clear" not in query
        assert path.isprintable()
