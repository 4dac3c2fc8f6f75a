"""Words for what could not be read: one line, whatever the other end said."""

from __future__ import annotations

from meshdoctor.collect.api import ReadError
from meshdoctor.model.not_read import NotReadStatus

_MOST = 400
"""Characters of somebody else's words that are kept."""


def one_line(words: str | bytes) -> str:
    """Somebody else's words in one line of bounded length.

    Args:
        words: text, or bytes that should be text.
    """
    text = words if isinstance(words, str) else words.decode("utf-8", errors="replace")
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _MOST else line[: _MOST - 1] + "…"


def failed(reason: str | bytes, http_status: int | None = None) -> ReadError:
    """It failed, and this is what was said of it."""
    return ReadError(NotReadStatus.FAILED, one_line(reason), http_status)


def timed_out(reason: str) -> ReadError:
    """The time was up."""
    return ReadError(NotReadStatus.TIMEOUT, one_line(reason))


def absent(reason: str) -> ReadError:
    """There is no such thing to read: a fact, and nothing becomes unknown by it."""
    return ReadError(NotReadStatus.NOT_INSTALLED, one_line(reason))


def of_status(http_status: int, reason: str | bytes) -> ReadError:
    """An answer came, and it was a refusal."""
    denied = http_status in (401, 403)
    status = NotReadStatus.DENIED if denied else NotReadStatus.FAILED
    return ReadError(status, one_line(reason), http_status)
