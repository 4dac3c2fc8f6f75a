from __future__ import annotations

from meshdoctor.parse.proxy_log import read_proxy_log

LINE = (
    '[2026-11-21T07:36:28.676Z] "GET /a HTTP/1.1" 200 - via_upstream - "-" 0 358 2 1 "-" "x" '
    '"d9bade20-1c2d-4f41-a538-4d5147e141f3" "ratings:8080" "10.244.0.36:8080" '
    "outbound|8080||ratings.shop.svc.cluster.local 10.244.0.33:55080 10.96.166.199:8080 "
    "10.244.0.33:41486 - default\n"
)
REPEATED = [
    "method",
    "path",
    "protocol",
    "details",
    "authority",
    "upstream_host",
    "cluster",
    "upstream_local",
    "downstream_local",
    "downstream_remote",
    "route",
]


def test_requests_on_one_connection_share_the_texts_that_they_repeat() -> None:
    first, second = read_proxy_log((LINE * 2).encode()).access
    for name in REPEATED:
        assert getattr(first, name) == getattr(second, name) != "-", name
        assert getattr(first, name) is getattr(second, name), name


def test_what_is_absent_stays_absent_in_shared_columns() -> None:
    line = LINE.replace("/a ", "- ").replace("10.244.0.33:55080", "-").replace(":41486", "")
    (entry,) = read_proxy_log(line.encode()).access
    assert (entry.path, entry.upstream_local) == (None, None)
    assert entry.downstream_remote == "10.244.0.33"
