"""A request that is refused with a Status object, in the words a cluster uses."""

from __future__ import annotations

import json
import re
from typing import Any

from aiohttp import web

_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Expired",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
_CODES = {reason: code for code, reason in _REASONS.items()}
_FROM_SERVER = re.compile(r"Error from server(?: \((\w+)\))?: (.*)", re.DOTALL)


def status_object(
    code: int, message: str, reason: str = "", details: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A ``Status`` of failure.

    Args:
        code: the HTTP status.
        message: one sentence.
        reason: the machine's word; the usual one of the code when empty.
        details: what it is about.
    """
    status: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason or _REASONS.get(code, "Unknown"),
    }
    if details:
        status["details"] = details
    status["code"] = code
    return status


def status_response(status: dict[str, Any]) -> web.Response:
    """A Status as the answer to a request, with ``Retry-After`` where it says so."""
    seconds = status.get("details", {}).get("retryAfterSeconds")
    return web.Response(
        status=status["code"],
        body=json.dumps(status).encode() + b"\n",
        content_type="application/json",
        headers={"Retry-After": str(seconds)} if seconds is not None else None,
    )


class RefusedError(Exception):
    """What the API server answers instead of what was asked."""

    def __init__(self, code: int, message: str, reason: str = "") -> None:
        """Say why.

        Args:
            code: the HTTP status.
            message: one sentence, in the cluster's words.
            reason: the machine's word; the usual one of the code when empty.
        """
        super().__init__(message)
        self.status = status_object(code, message, reason)


def recorded_refusal(reason: str) -> RefusedError:
    """The refusal that a recorder wrote down: kubectl's line turned back into a Status.

    Args:
        reason: such as ``Error from server (BadRequest): pod web does not have a host assigned``.
    """
    text = " ".join(reason.split())
    match = _FROM_SERVER.fullmatch(text)
    if match is None:
        return RefusedError(500, text.removeprefix("error: "))
    word = match[1] or "InternalError"
    return RefusedError(_CODES.get(word, 500), match[2], word)
