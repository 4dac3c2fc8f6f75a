"""Faults of what pods answer: port-forward, exec, proxies, istiod, and their logs."""

from __future__ import annotations

from tests.live.matrix import Line, Row

_SHORT = "--request-timeout 2500ms"
_BOTH = "deny:*:pods/portforward deny:*:pods/exec"
_DUMP = "no answer to /config_dump?include_eds=true within 2.5s"
_SYNCZ = "no answer to /debug/syncz within 2.5s"
_UP = "the time was up (2s)"
_IMPATIENT = "--timeout 2s --request-timeout 30s"
_LATE = "no whole answer from https://127.0.0.1"
_FILES = 5
"""Files of a proxy that are JSON."""
_PROXIES = 7


def _proxies(status: str, reason: str = "") -> Line:
    return Line("proxies/*/*", status, reason, _PROXIES)


def _files(name: str, status: str, reason: str, times: int = _PROXIES) -> Line:
    return Line(f"proxies/*/*/{name}", status, reason, times)


def _istiod(status: str, reason: str = "") -> Line:
    return Line("istiod/istio-system/istiod-*", status, reason)


def _debug(name: str, status: str, reason: str) -> Line:
    return Line(f"istiod/istio-system/istiod-*/debug/{name}.json", status, reason)


def _debugs(status: str, reason: str) -> tuple[Line, ...]:
    return tuple(_debug(name, status, reason) for name in ("syncz", "mesh", "connections"))


def _logs(status: str, reason: str) -> tuple[Line, ...]:
    own = Line("istiod/istio-system/istiod-*/discovery.log", status, reason)
    return (own, _files("istio-proxy.log", status, reason))


WAYS = (
    Row("deny:*:pods/portforward"),
    Row("status:400:pods/portforward"),
    Row("status:500:pods/portforward"),
    Row("reset:pods/portforward"),
    Row("deny:*:pods/portforward:shop"),
    Row("deny:*:pods/exec"),
    Row(
        _BOTH,
        (_istiod("denied", "exec: "), _proxies("denied", "port-forward: ")),
        "likely",
        4,
    ),
    Row(
        "deny:*:pods/portforward:shop deny:*:pods/exec:shop",
        (Line("proxies/shop/*", "denied", "exec: ", 5),),
        "likely",
        4,
    ),
    Row(
        "status:400:pods/portforward deny:*:pods/exec",
        (_istiod("failed", "a fault on demand: status:400"), _proxies("failed", "port-forward: ")),
        "likely",
        4,
    ),
    Row("silent:pods/portforward", (_istiod("timeout"), _proxies("timeout")), "likely", 4, _SHORT),
    Row(
        "status:404:pods/portforward:shop/web-*",
        (Line("proxies/shop/web-*", "failed", "not found"),),
        healthy=4,
    ),
    Row("", options="--no-port-forward"),
    Row(
        "deny:*:pods/exec",
        (_istiod("denied", "pods/exec"), _proxies("denied")),
        "likely",
        4,
        "--no-port-forward",
    ),
    Row(
        "silent:pods/exec",
        (_istiod("timeout"), _proxies("timeout")),
        "likely",
        4,
        f"--no-port-forward {_SHORT}",
    ),
)
"""The two ways to a pod."""

PROXIES = (
    Row("silent:proxy", (_proxies("timeout", _DUMP),), "likely", 4, _SHORT),
    Row(
        "silent:proxy:shop/web-*",
        (Line("proxies/shop/web-*", "timeout", _DUMP),),
        healthy=4,
        options=_SHORT,
    ),
    Row(
        "silent:proxy:shop/web-*",
        (Line("proxies/shop/web-*", "timeout", _DUMP),),
        healthy=4,
        options=f"--no-port-forward {_SHORT}",
    ),
    Row("drip:proxy", (_proxies("timeout", _DUMP),), "likely", 4, _SHORT),
    Row("latency:5s:proxy", (_proxies("timeout", _DUMP),), "likely", 4, _SHORT),
    Row(
        "silent:proxy",
        (
            Line("proxies", "timeout", f"7 of 7 were not read to the end: {_UP}"),
            _files("config_dump.json", "timeout", _UP),
            _files("clusters.json", "timeout", _UP),
        ),
        "likely",
        4,
        _IMPATIENT,
    ),
    Row("truncate:proxy", (_proxies("failed", "the answer was cut short"),), "likely", 4),
    Row("reset-body:proxy", (_proxies("failed", "connection reset by peer"),), "likely", 4),
    Row("reset:proxy", (_proxies("failed", "connection reset by peer"),), "likely", 4),
    Row("reset:proxy:1"),
    Row("cut:proxy", (_files("*.json", "failed", "truncated", _PROXIES * _FILES),), "likely", 4),
    Row("garbage:proxy", (_files("*.json", "failed", "JSON", _PROXIES * _FILES),), "likely", 4),
    Row(
        "status:500:proxy:path=/config_dump*",
        (_files("config_dump.json", "failed", "it answered 500"),),
        "likely",
        4,
    ),
    Row("status:503:proxy:path=/stats*", (_files("stats.txt", "failed", "it answered 503"),)),
    Row(
        "silent:proxy:path=/stats",
        (_proxies("timeout", "after it 1 more were not asked"),),
        healthy=4,
        options=_SHORT,
    ),
)
"""Envoy's admin interface."""

ISTIOD = (
    Row("silent:istiod", (_istiod("timeout", _SYNCZ),), healthy=4, options=_SHORT),
    Row("drip:istiod", (_istiod("timeout", _SYNCZ),), healthy=4, options=_SHORT),
    Row(
        "silent:istiod silent:proxy",
        (_istiod("timeout", _SYNCZ), _proxies("timeout", _DUMP)),
        "likely",
        4,
        _SHORT,
    ),
    Row("reset:istiod", (_istiod("failed", "connection reset by peer"),), healthy=4),
    Row("truncate:istiod", (_istiod("failed", "cut short"),), healthy=4),
    Row("garbage:istiod", _debugs("failed", "not valid JSON"), healthy=4),
    Row("cut:istiod", _debugs("failed", "not valid JSON"), healthy=4),
    Row("status:403:istiod:path=/debug/*", _debugs("denied", "it answered 403"), healthy=4),
    Row(
        "status:500:istiod:path=/debug/syncz",
        (_debug("syncz", "failed", "it answered 500"),),
        healthy=4,
        unknown=("proxy-cannot-reach-istiod",),
    ),
    Row(
        "status:404:istiod:path=/debug/syncz",
        (_debug("syncz", "failed", "it was not there"),),
        healthy=4,
    ),
)
"""istiod's debug endpoints."""

LOGS = (
    Row("deny:get:pods/log", _logs("denied", "forbidden"), "likely", 4),
    Row("status:500:pods/log", _logs("failed", "request timed out"), "likely", 4),
    Row("status:503:pods/log:3"),
    Row("reset-body:pods/log", _logs("failed", "was cut short"), "likely", 4),
    Row("truncate:pods/log", _logs("failed", "was cut short"), "likely", 4),
    Row("silent:pods/log", _logs("timeout", _LATE), "likely", 4, _SHORT),
    Row(
        "silent:pods/log",
        (
            Line("logs", "timeout", f"8 of 8 were not read to the end: {_UP}"),
            *_logs("timeout", _UP),
        ),
        "likely",
        4,
        _IMPATIENT,
    ),
    Row(
        "drip:pods/log:shop/client*",
        (Line("proxies/shop/client-*/istio-proxy.log", "timeout", _LATE),),
        "likely",
        4,
        _SHORT,
    ),
    Row(
        "status:404:pods/log:shop/web-*",
        (Line("proxies/shop/web-*/istio-proxy.log", "failed", "not found"),),
        healthy=4,
    ),
    Row(
        "deny:get:pods/log:istio-system",
        (
            Line("istiod/istio-system/istiod-*/discovery.log", "denied", "forbidden"),
            Line("proxies/istio-system/*/istio-proxy.log", "denied", "forbidden"),
        ),
        healthy=4,
    ),
    Row("", _logs("failed", "logs were not asked for"), "likely", 4, "--no-logs"),
)
"""Logs come from the kubelet: a proxy that is silent has one all the same."""

ROWS = (*WAYS, *PROXIES, *ISTIOD, *LOGS)
