"""One fault as it is written on the command line: ``deny:list:secrets``, ``latency:20ms``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class FaultError(ValueError):
    """A fault that cannot be understood; the message is one clear line."""


class FaultKind(StrEnum):
    """What goes wrong."""

    LATENCY = "latency"
    """Every answer comes later."""
    DENY = "deny"
    """403, and self-subject reviews say so."""
    STATUS = "status"
    """This HTTP status instead of the answer."""
    SILENT = "silent"
    """The request is taken and never answered."""
    RESET = "reset"
    """The connection is reset before the answer."""
    RESET_BODY = "reset-body"
    """The connection is reset in the middle of the body."""
    TRUNCATE = "truncate"
    """The connection ends before all that Content-Length promised."""
    CUT = "cut"
    """A whole HTTP answer whose body stops in the middle."""
    GARBAGE = "garbage"
    """A whole HTTP answer whose body is no JSON."""
    DRIP = "drip"
    """The body comes a few bytes at a time."""
    EXPIRE = "expire"
    """410 for a request with a continue token."""
    DROP = "drop"
    """A watch, a log that is followed or a stream ends before its time."""


BODY_KINDS = frozenset(
    {
        FaultKind.RESET_BODY,
        FaultKind.TRUNCATE,
        FaultKind.CUT,
        FaultKind.GARBAGE,
        FaultKind.DRIP,
    }
)
"""Faults of the body: the request is answered first."""

ADMIN_TARGETS = frozenset({"proxy", "istiod", "ztunnel"})
"""Targets that are requests inside a pod, through port-forward or exec."""
EVERYTHING = "**"
"""Target of a latency without a place: requests to the API and inside pods."""

VERBS = frozenset(
    {"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
)
_MARKED = {FaultKind.DENY: 2, FaultKind.STATUS: 2, FaultKind.LATENCY: 1}
"""How many words the kinds need that need more than a place."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_TARGET = re.compile(r"/[\w./*?-]*|[a-z0-9*?][a-z0-9.*?-]*(?:/[a-z*?]+)?", re.ASCII)
_PLACE = re.compile(r"[a-z0-9.*?-]*(?:/[a-z0-9.*?-]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; globs say where."""

    kind: FaultKind
    verb: str = "*"
    target: str = "*"
    """Resource, ``resource/subresource``, a path from ``/`` on, or proxy, istiod, ztunnel."""
    namespace: str = "*"
    name: str = "*"
    path: str = "*"
    """Admin path, for requests inside a pod."""
    times: int | None = None
    """Only the first so many requests; None for all."""
    code: int = 0
    """HTTP status of a status fault."""
    retry_after: int | None = None
    """Seconds in the Retry-After header."""
    seconds: float = 0.0
    """Latency, pause between drops of a drip, or life of what is dropped."""
    size: int = 64
    """Bytes a drop, for a drip."""
    text: str = ""
    """As it was written."""


def parse_fault(text: str) -> Fault:
    """Read one ``--fault``.

    Args:
        text: ``KIND[:ARGUMENT][:[VERB:]TARGET[:NAMESPACE[/NAME]]][:OPTION]...``

    Raises:
        FaultError: it cannot be understood.
    """
    word, *words = text.strip().split(":")
    try:
        kind = FaultKind(word)
    except ValueError:
        kinds = ", ".join(FaultKind)
        raise FaultError(f"fault {text!r}: {word!r} is no fault; there are: {kinds}") from None
    options = _take_options(text, words)
    if len(words) < _MARKED.get(kind, 1):
        raise FaultError(f"fault {text!r}: too short; for example {_EXAMPLES[kind]!r}")
    given: dict[str, Any] = {"text": text, **_argument(text, kind, words), **options}
    if kind is FaultKind.LATENCY and not words:
        given["target"] = EVERYTHING
    return Fault(kind, **given, **_place(text, kind, words))


def _argument(text: str, kind: FaultKind, words: list[str]) -> dict[str, object]:
    """The word that some kinds have before the place; it is taken off the words."""
    if kind is FaultKind.LATENCY:
        return {"seconds": _duration(text, words.pop(0))}
    if kind is FaultKind.STATUS:
        code = words.pop(0)
        if not re.fullmatch(r"[45]\d\d", code, re.ASCII):
            raise FaultError(f"fault {text!r}: {code!r} is no status from 400 to 599")
        return {"code": int(code)}
    if kind is FaultKind.DENY:
        verb = words.pop(0)
        if verb != "*" and verb not in VERBS:
            raise FaultError(f"fault {text!r}: {verb!r} is no verb; {_EXAMPLES[kind]!r} is right")
        return {"verb": verb}
    return {"seconds": 0.1 if kind is FaultKind.DRIP else 0.0}


def _place(text: str, kind: FaultKind, words: list[str]) -> dict[str, Any]:
    """Verb, target, namespace and name."""
    place: dict[str, Any] = {}
    if kind is not FaultKind.DENY and len(words) > 1 and words[0] in VERBS:
        place["verb"] = words.pop(0)
    if words:
        place["target"] = target = words.pop(0)
        if not _TARGET.fullmatch(target):
            raise FaultError(f"fault {text!r}: {target!r} is neither a resource nor a path")
        if target in ADMIN_TARGETS and (kind is FaultKind.DENY or "verb" in place):
            raise FaultError(f"fault {text!r}: requests inside a pod have no verb to deny")
    if words:
        where = words.pop(0)
        if not _PLACE.fullmatch(where):
            raise FaultError(f"fault {text!r}: {where!r} is no NAMESPACE or NAMESPACE/NAME")
        namespace, _, name = where.partition("/")
        place |= {"namespace": namespace or "*", "name": name or "*"}
    if words:
        raise FaultError(f"fault {text!r}: {':'.join(words)!r} is one word too many")
    return place


def _take_options(text: str, words: list[str]) -> dict[str, object]:
    """``key=value`` and a bare number at the end; they are taken off the words."""
    found: dict[str, object] = {}
    while len(words) > 1 and ("=" in words[-1] or words[-1].isdecimal()):
        key, _, value = words.pop().rpartition("=")
        match key:
            case "" | "times":
                found["times"] = _number(text, value)
            case "retry-after":
                found["retry_after"] = _number(text, value)
            case "bytes":
                found["size"] = max(1, _number(text, value))
            case "every" | "after":
                found["seconds"] = _duration(text, value)
            case "path":
                found["path"] = value
            case _:
                raise FaultError(f"fault {text!r}: {key!r} is no option")
    return found


def _number(text: str, value: str) -> int:
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII):
        raise FaultError(f"fault {text!r}: {value!r} is no number")
    return int(value)


def _duration(text: str, value: str) -> float:
    match = _DURATION.fullmatch(value)
    if match is None:
        raise FaultError(f"fault {text!r}: {value!r} is no duration such as 20ms or 2s")
    return float(match[1]) * _SECONDS[match[2]]


_EXAMPLES = {
    FaultKind.LATENCY: "latency:20ms",
    FaultKind.DENY: "deny:list:secrets",
    FaultKind.STATUS: "status:429:pods:2:retry-after=1",
    FaultKind.SILENT: "silent:proxy:shop/web-*",
    FaultKind.RESET: "reset:services",
    FaultKind.RESET_BODY: "reset-body:list:pods",
    FaultKind.TRUNCATE: "truncate:pods",
    FaultKind.CUT: "cut:endpointslices",
    FaultKind.GARBAGE: "garbage:istiod:istio-system",
    FaultKind.DRIP: "drip:configmaps:bytes=16:every=50ms",
    FaultKind.EXPIRE: "expire:pods:1",
    FaultKind.DROP: "drop:watch:pods:after=2s",
}

FAULTS_HELP = """\
Faults: KIND[:ARGUMENT]:[VERB:]TARGET[:NAMESPACE[/NAME]][:OPTION]...

TARGET is a resource (pods, pods/log, pods/exec, pods/portforward), a path (/version), * for every
request to the API, or proxy, istiod, ztunnel for the admin requests inside such pods, whether by
port-forward or exec. Names may hold * and ?. A bare number is how often (first N times).

\b
""" + "\n".join(
    f"  {example:<40}{meaning}"
    for example, meaning in (
        ("latency:20ms", "20 ms on every request, also inside pods"),
        ("latency:2s:proxy:shop", "2 s on admin requests to proxies of shop"),
        ("deny:list:secrets", "403, also for self-subject reviews"),
        ("deny:*:pods/portforward", "no port-forward anywhere, so exec is needed"),
        ("deny:*:pods/exec:shop", "no exec in namespace shop"),
        ("status:429:pods:2:retry-after=1", "two 429s with Retry-After, then answers"),
        ("status:401:*", "401 for everything"),
        ("status:400:pods/portforward", "port-forward refused with 400"),
        ("status:503:proxy:path=/stats*", "Envoy's admin answers 503 for stats"),
        ("silent:list:pods", "a list that is never answered"),
        ("silent:proxy:shop/web-*", "port-forward opens, Envoy's admin is silent; exec hangs"),
        ("reset:services", "connection reset before the answer"),
        ("reset-body:pods", "connection reset in the middle of the body"),
        ("truncate:pods", "less sent than Content-Length says"),
        ("cut:pods", "whole answer, JSON stops in the middle"),
        ("garbage:istiod", "whole answer that is no JSON"),
        ("drip:pods:bytes=16:every=50ms", "16 bytes each 50 ms"),
        ("expire:pods:1", "410 for the first continue token"),
        ("drop:watch:pods:after=2s", "a watch ends after 2 s"),
    )
)
"""What ``meshdoctor serve --help`` says of faults; the examples are parsed in the tests."""
