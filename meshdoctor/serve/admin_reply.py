"""The answer of an HTTP interface inside a pod."""

from __future__ import annotations

from dataclasses import dataclass

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class AdminReply:
    """One whole answer."""

    status: int
    body: bytes
    content_type: str
    unread: str | None = None
    """The recorder's reason, where it could not read this."""
