"""What could not be read, and why: an absent CRD is a fact, a denied read is not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReadState(StrEnum):
    """Whether an input was read."""

    READ = "read"
    NOT_INSTALLED = "not-installed"
    """The API does not serve it: there are none, as a fact."""
    UNREAD = "unread"


class NotReadStatus(StrEnum):
    """Why something is missing (the JSON contract's words)."""

    DENIED = "denied"
    NOT_INSTALLED = "not-installed"
    TIMEOUT = "timeout"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, order=True)
class NotRead:
    """One thing that was wanted and not read."""

    what: str
    """Path within the recording, or a kind's path."""
    status: NotReadStatus
    reason: str
