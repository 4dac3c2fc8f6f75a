"""What meshdoctor may send to an API server; anything else is refused before a byte is sent.

Let through are GET and watch of objects, pod logs and discovery; POST of the reviews that ask what
oneself may do; WebSockets to ``portforward``; and WebSockets to ``exec`` of one of the two request
commands (allow_list_admin says for which paths). ``proxy`` and ``attach`` are GETs too, and are
not let through: what they do is up to whoever answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meshdoctor.collect.allow_list_admin import allow_command, allow_head
from meshdoctor.collect.allow_list_refusal import WriteRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["WriteRefused", "allow_frame", "allow_get", "allow_review", "allow_socket"]

_FIXED = re.compile(
    r"/(?:version|api|apis|openapi/v2|openapi/v3(?:/apis?/[a-z0-9./-]+)?"
    r"|(?:livez|readyz|healthz)(?:/[a-z0-9-]+)?)"
)
_GROUP = r"/(?:api/v1|apis/[a-z0-9.-]+(?:/v[0-9a-z]+)?)"
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_PLURAL = (
    r"(?!(?:proxy|redirect|watch|attach|exec|portforward|token|finalize)(?:/|$))[a-z][a-z0-9]*"
)
"""Old API servers took ``proxy``, ``redirect`` and ``watch`` where a resource stands."""
_NAME = r"[A-Za-z0-9][A-Za-z0-9._:~-]*"
_OBJECT = re.compile(
    rf"{_GROUP}(?:(?:/namespaces/{_LABEL})?/{_PLURAL}(?:/{_NAME}(?:/(?:log|status|scale))?)?)?"
)
_QUERY = frozenset(
    {
        "allowWatchBookmarks", "container", "continue", "fieldSelector", "follow",
        "labelSelector", "limit", "limitBytes", "previous", "resourceVersion",
        "resourceVersionMatch", "sendInitialEvents", "sinceSeconds", "sinceTime", "tailLines",
        "timeoutSeconds", "timestamps", "watch",
    }
)  # fmt: skip
_ACCEPT = re.compile(r"[A-Za-z0-9*/;=., _+-]+")
_REVIEWS = frozenset(
    {
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    }
)
_POD = re.compile(rf"/api/v1/namespaces/{_LABEL}/pods/[a-z0-9][a-z0-9.-]*/(?P<verb>[a-z]+)")
_PROTOCOLS = frozenset({"v4.channel.k8s.io", "v5.channel.k8s.io"})
_EXEC_KEYS = ("container", "stdout", "stderr", "command")
_DATA_CHANNEL = 0


def allow_get(path: str, query: Mapping[str, str], accept: str | None = None) -> None:
    """Let a GET pass that only reads.

    Args:
        path: from the slash on, without a query, nothing in it percent-encoded.
        query: what follows.
        accept: value of the ``Accept`` header.

    Raises:
        WriteRefused: it is not one of the reads that are known.
    """
    if ".." in path or not (_FIXED.fullmatch(path) or _OBJECT.fullmatch(path)):
        raise WriteRefused(f"GET {path}")
    for key, value in query.items():
        if key not in _QUERY or not isinstance(value, str):
            raise WriteRefused(f"GET {path} with the parameter {key}")
    if accept is not None and not _ACCEPT.fullmatch(accept):
        raise WriteRefused(f"GET {path} with an Accept header that is none")


def allow_review(path: str) -> None:
    """Let a POST pass that asks what oneself may do: it stores nothing.

    Args:
        path: from the slash on.

    Raises:
        WriteRefused: it is another POST.
    """
    if path not in _REVIEWS:
        raise WriteRefused(f"POST {path}")


def allow_socket(
    path: str, query: Sequence[tuple[str, str]], protocols: Sequence[str]
) -> frozenset[int]:
    """Let a WebSocket pass: to a forwarded port, or to one of the two request commands.

    Args:
        path: from the slash on, nothing in it percent-encoded.
        query: its parameters in order.
        protocols: subprotocols to offer.

    Returns:
        The ports that are forwarded; none for a command, which is sent nothing.

    Raises:
        WriteRefused: it is anything else.
    """
    found = _POD.fullmatch(path)
    if found is None or ".." in path:
        raise WriteRefused(f"a WebSocket to {path}")
    if not protocols or not set(protocols) <= _PROTOCOLS:
        raise WriteRefused(f"a WebSocket to {path} by {', '.join(protocols) or 'no protocol'}")
    match found["verb"]:
        case "portforward":
            return frozenset({_port(path, query)})
        case "exec":
            _allow_exec(path, query)
            return frozenset()
    raise WriteRefused(f"a WebSocket to {path}")


def _port(path: str, query: Sequence[tuple[str, str]]) -> int:
    match query:
        case [("ports", number)] if re.fullmatch(r"[1-9][0-9]{0,4}", number, re.ASCII):
            return int(number)
    raise WriteRefused(f"port-forward by {path} of other than one port")


def _allow_exec(path: str, query: Sequence[tuple[str, str]]) -> None:
    values: dict[str, list[str]] = {key: [] for key in _EXEC_KEYS}
    for key, value in query:
        if key not in values:
            raise WriteRefused(f"exec by {path} with the parameter {key}")
        values[key].append(value)
    if values["stdout"] != ["true"] or values["stderr"] not in ([], ["true"]):
        raise WriteRefused(f"exec by {path} that is not read")
    if len(values["container"]) != 1:
        raise WriteRefused(f"exec by {path} without one container")
    allow_command(values["container"][0], values["command"])


def allow_frame(ports: Iterable[int], data: bytes) -> None:
    """Let a message into a WebSocket pass: one whole GET on the data channel of a forwarded port.

    Args:
        ports: what allow_socket returned.
        data: the message with its channel byte.

    Raises:
        WriteRefused: it is not such a GET.
    """
    forwarded = tuple(ports)
    if not forwarded:
        raise WriteRefused("data for a command that reads none")
    if data[:1] != bytes((_DATA_CHANNEL,)):
        raise WriteRefused("data on another channel than that of the forwarded port")
    allow_head(forwarded[0], data[1:])
