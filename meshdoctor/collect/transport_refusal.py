"""What an API server's refusal means: its Status (meta/v1) in the contract's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.read_reasons import one_line
from meshdoctor.collect.retry import TransientError, retry_after
from meshdoctor.collect.transport_clock import read_date
from meshdoctor.model.not_read import NotReadStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

_ETCD = ("etcdserver: ", "leader changed", "request timed out")
"""What API servers say with status 500 while etcd is busy; it passes."""
_MOST_TEXT = 200
"""Characters of an answer that is no Status: enough for ``404 page not found``."""
_NAMES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    410: "Gone",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class _Details(msgspec.Struct):
    name: str = ""
    seconds: float = msgspec.field(default=0.0, name="retryAfterSeconds")


class _Metadata(msgspec.Struct):
    token: str = msgspec.field(default="", name="continue")


class _Status(msgspec.Struct):
    kind: str = ""
    message: str = ""
    reason: str = ""
    details: _Details | None = None
    metadata: _Metadata | None = None


class ExpiredError(ReadError):
    """The token of the next page is too old."""

    def __init__(self, reason: str, token: str) -> None:
        """Say why.

        Args:
            reason: one line.
            token: goes on where the old one was, in today's objects; empty when there is none.
        """
        super().__init__(NotReadStatus.FAILED, reason, 410)
        self.token = token


def _read(body: bytes) -> _Status | None:
    try:
        found = msgspec.json.decode(body, type=_Status)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if found.kind == "Status" else None


def _words(http_status: int, content_type: str, body: bytes, status: _Status | None) -> str:
    if status is not None and status.message:
        return one_line(status.message)
    head = f"HTTP {http_status} {_NAMES.get(http_status, '')}".strip()
    if not content_type.startswith("text/plain"):
        return head
    text = one_line(body[:_MOST_TEXT])
    if not text:
        return head
    return text if text.startswith(str(http_status)) else f"{head}: {text}"


def refusal(http_status: int, headers: Mapping[str, str], body: bytes) -> ReadError:
    """The error for an answer that is no success.

    Args:
        http_status: its code.
        headers: of the answer, by any case.
        body: the beginning of its body.
    """
    status = _read(body)
    reason = _words(http_status, headers.get("Content-Type", ""), body, status)
    details = (status.details if status else None) or _Details()
    match http_status:
        case 401 | 403:
            return ReadError(NotReadStatus.DENIED, reason, http_status)
        case 404 if not details.name:
            # A missing object is named; without a name it is the resource that is not there.
            return ReadError(NotReadStatus.NOT_INSTALLED, reason, http_status)
        case 410:
            token = status.metadata.token if status and status.metadata else ""
            return ExpiredError(reason, token)
        case 300 | 301 | 302 | 303 | 307 | 308:
            reason = f"{reason}: a redirect is not followed; is the server's URL right?"
            return ReadError(NotReadStatus.FAILED, reason, http_status)
    passes = http_status in (429, 502, 503, 504) or (
        http_status == 500 and (details.seconds > 0 or any(word in reason for word in _ETCD))
    )
    kind = NotReadStatus.TIMEOUT if http_status == 504 else NotReadStatus.FAILED
    if not passes:
        return ReadError(kind, reason, http_status)
    asked = retry_after(headers.get("Retry-After"), read_date(headers.get("Date")))
    return TransientError(kind, reason, http_status, wait=asked or details.seconds or None)
