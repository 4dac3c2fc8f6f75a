"""Faults of what the API server itself answers: lists, discovery, version, Secrets, ConfigMaps."""

from __future__ import annotations

from tests.live.matrix import Line, Row

_SERVICES = "kubernetes/core/v1/services.json"
_PODS = "kubernetes/core/v1/pods.json"
_POD_USAGE = "kubernetes/metrics.k8s.io/v1beta1/pods.json"
_RULES = "kubernetes/networking.istio.io/v1/destinationrules.json"
_EVENTS = "kubernetes/core/v1/events.json"
_FIRST_SECRET = "kubernetes/core/v1/secrets.json"
_SHORT = "--request-timeout 2500ms"
_CUT = "was cut short"
_CLOSED = "closed the connection before it had answered"
_LATE = "no whole answer from https://127.0.0.1"
_UP = "not read to the end: the time was up (2s)"
_IMPATIENT = "--timeout 2s --request-timeout 30s"
_MANY = ("service-selector-mismatch", "subset-not-defined", "pods-not-ready")
"""Some of the causes that cannot be told without pods."""


def _services(status: str, reason: str) -> tuple[Line, ...]:
    return (Line(_SERVICES, status, reason),)


def _pods(status: str, reason: str) -> tuple[Line, ...]:
    return (Line(_PODS, status, reason), Line(_POD_USAGE, status, reason))


NEEDED = (
    Row("deny:list:services", _services("denied", "forbidden"), root=None, healthy=4),
    Row("status:401:list:services", _services("denied", "log in again"), root=None, healthy=4),
    Row(
        "status:404:list:services",
        (Line("kubernetes/core/services", "failed", "does not serve services"),),
        root=None,
        healthy=4,
    ),
    Row("status:429:list:services:2:retry-after=1"),
    Row("status:429:list:services", _services("failed", "Too many requests"), None, 4),
    Row("status:500:list:services:2"),
    Row("status:500:list:services", _services("failed", "request timed out"), None, 4),
    Row("status:503:list:services:3"),
    Row("status:503:list:services", _services("failed", "currently unable"), None, 4),
    Row("reset:list:services:2"),
    Row("reset:list:services", _services("failed", _CLOSED), None, 4),
    Row("reset-body:list:services:1"),
    Row("reset-body:list:services", _services("failed", _CUT), None, 4),
    Row("truncate:list:services:1"),
    Row("truncate:list:services", _services("failed", _CUT), None, 4),
    Row("cut:list:services", _services("failed", "is no list: Input data was truncated"), None, 4),
    Row("garbage:list:services", _services("failed", "is no list: JSON is malformed"), None, 4),
    Row("silent:list:services", _services("timeout", _LATE), None, 4, _SHORT),
    Row("drip:list:services", _services("timeout", _LATE), None, 4, _SHORT),
    Row("latency:5s:list:services", _services("timeout", _LATE), None, 4, _SHORT),
    Row(
        "silent:list:services",
        (Line("kubernetes/core/services", "timeout", _UP),),
        root=None,
        healthy=4,
        options=_IMPATIENT,
    ),
    Row(
        "status:429:list:services:retry-after=30",
        (Line("kubernetes/core/services", "timeout", _UP),),
        root=None,
        healthy=4,
        options=_IMPATIENT,
    ),
    Row(
        "deny:list:namespaces",
        (Line("kubernetes/core/v1/namespaces.json", "denied", "forbidden"),),
        healthy=4,
        unknown=("namespace-not-labelled-for-injection",),
    ),
    Row(
        "deny:list:mutatingwebhookconfigurations",
        (Line("kubernetes/*/v1/mutatingwebhookconfigurations.json", "denied", "forbidden"),),
        healthy=4,
        unknown=("injection-webhook-missing",),
    ),
)
"""Lists of kinds that every verdict needs."""

PODS = (
    # Pods of the metrics API are called pods, too.
    Row("deny:list:pods", _pods("denied", "forbidden"), "likely", 4, unknown=_MANY[:1]),
    Row("status:429:list:pods:2:retry-after=1"),
    Row("status:500:list:pods", _pods("failed", "request timed out"), "likely", 4),
    Row("reset:list:pods", _pods("failed", _CLOSED), "likely", 4),
    Row("reset-body:list:pods", _pods("failed", _CUT), "likely", 4),
    Row("silent:list:pods", _pods("timeout", _LATE), "likely", 4, _SHORT),
    Row("cut:list:pods", (Line(_PODS, "failed", "truncated"),), "likely", 4),
    Row("garbage:list:pods", (Line(_PODS, "failed", "malformed"),), "likely", 4),
    Row(
        "status:404:list:pods",
        (Line("kubernetes/core/pods", "failed", "does not serve pods"),),
        "likely",
        4,
    ),
)
"""Without them no proxy and no istiod is known."""

OPTIONAL = (
    Row("deny:list:destinationrules", (Line(_RULES, "denied", "forbidden"),), None, 4),
    Row(
        # Discovery and the CRD say that it is served: that there are none is not a fact.
        "status:404:list:destinationrules",
        (Line("kubernetes/networking.istio.io/destinationrules", "failed", "answers 404"),),
        None,
        4,
    ),
    Row("garbage:list:destinationrules", (Line(_RULES, "failed", "is no list"),), None, 4),
    Row("deny:list:events", (Line(_EVENTS, "denied", "forbidden"),), healthy=4),
    Row(
        "silent:list:events",
        (Line("kubernetes/core/events", "timeout", _UP),),
        healthy=4,
        options=_IMPATIENT,
    ),
    Row("deny:list:serviceaccounts", (Line("kubernetes/core/v1/serviceaccounts.json", "denied"),)),
    Row(
        "silent:list:nodes",
        (Line("kubernetes/core/v1/nodes.json", "timeout", _LATE),),
        options=_SHORT,
    ),
    Row(
        "status:500:customresourcedefinitions",
        (Line("kubernetes/*/v1/customresourcedefinitions.json", "failed"),),
    ),
    Row("status:403:pods.metrics.k8s.io", (Line(_POD_USAGE, "denied", "forbidden"),)),
    Row("status:500:pods.metrics.k8s.io", (Line(_POD_USAGE, "failed", "request timed out"),)),
    Row("status:404:pods.metrics.k8s.io"),
    Row("status:503:pods.metrics.k8s.io"),
)
"""Lists of which a verdict needs some, or none."""

SERVER = (
    Row("status:403:/apis"),
    Row("status:404:/apis"),
    Row("status:500:/apis"),
    Row("garbage:/apis"),
    Row("silent:/apis", options=_SHORT),
    Row("status:403:/version", (Line("kubernetes/version.json", "denied", "forbidden"),)),
    Row("status:404:/version", (Line("kubernetes/version.json", "failed", "could not find"),)),
    Row("garbage:/version", (Line("kubernetes/version.json", "failed", "no version"),)),
    Row("status:503:/version:2"),
    Row("latency:50ms"),
)
"""Discovery, whose place the usual versions take, and the version."""

NAMED = (
    Row("deny:get:secrets", (Line(_FIRST_SECRET, "denied", 'secrets "cacerts" is forbidden'),)),
    Row("status:500:secrets", (Line(_FIRST_SECRET, "failed", "request timed out"),)),
    Row("silent:secrets", (Line(_FIRST_SECRET, "timeout", _LATE),), options=_SHORT),
    Row(
        "deny:list:configmaps",
        (Line("kubernetes/core/v1/configmaps.json", "denied", "forbidden"),),
        healthy=4,
    ),
    Row(
        "deny:list:configmaps:istio-system",
        (Line("kubernetes/core/v1/configmaps.json", "denied"),),
        healthy=4,
    ),
)
"""Secrets and ConfigMaps, of which only what mesh objects name is read."""

ROWS = (*NEEDED, *PODS, *OPTIONAL, *SERVER, *NAMED)
