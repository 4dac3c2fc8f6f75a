"""What was asked of the server, so that tests can prove that nothing was written."""

from __future__ import annotations

import json
import os
import re
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_READING = frozenset({"GET", "HEAD"})
_SELF_REVIEW = re.compile(
    r"/apis/(?:authorization|authentication)\.k8s\.io/[^/]+/selfsubject[a-z]*reviews?"
)
_POD_STREAM = re.compile(r"/api/v1/namespaces/[^/]+/pods/[^/]+/(exec|attach|portforward)")
_FIXED = (("pilot-agent", "request", "GET"), ("pilot-discovery", "request", "GET"))
"""The only commands that read; a fourth word is the path."""
_CHANGING_QUERIES = frozenset({"push", "clear"})
_CHANGING_PATHS = ("force_disconnect", "quitquitquit", "drain")


@dataclass(frozen=True, slots=True)
class AdminRequest:
    """One HTTP request made inside a port-forward."""

    port: int
    method: str
    path: str
    """With its query."""

    @property
    def is_write(self) -> bool:
        """Whether it may change the proxy or istiod; some of istiod's GETs do."""
        return self.method not in _READING or changes_something(self.path)


@dataclass(frozen=True, slots=True)
class AuditedRequest:
    """One request to the server. Never holds a header that carries a credential."""

    method: str
    path: str
    """Decoded, without the query."""
    query: tuple[tuple[str, str], ...]
    user_agent: str
    impersonate: tuple[tuple[str, str], ...]
    """The ``Impersonate-*`` headers."""
    status: int | None = None
    """Of the answer; 101 for a stream; None while there is none, and where none was sent."""
    command: tuple[str, ...] = ()
    """What was to be executed."""
    ports: tuple[int, ...] = ()
    """What a port-forward asked for."""
    admin: tuple[AdminRequest, ...] = ()
    """What was asked inside the port-forward."""

    @property
    def is_write(self) -> bool:
        """Whether it is anything but reading: an exec other than the two fixed ones is."""
        stream = _POD_STREAM.fullmatch(self.path)
        if stream is None:
            return self.method not in _READING and not _SELF_REVIEW.fullmatch(self.path)
        if stream[1] == "portforward":
            return any(request.is_write for request in self.admin)
        return stream[1] != "exec" or not reads_only(self.command)


def changes_something(path: str) -> bool:
    """Whether a GET of this admin path changes state (istiod's pilot/pkg/xds/debug.go has some)."""
    parts = urlsplit(path)
    return any(word in parts.path for word in _CHANGING_PATHS) or any(
        key in _CHANGING_QUERIES for key, _ in parse_qsl(parts.query, keep_blank_values=True)
    )


def reads_only(command: Sequence[str]) -> bool:
    """Whether a command is one of the two that only read."""
    return len(command) == 4 and tuple(command[:3]) in _FIXED and not changes_something(command[3])


class Audit:
    """Keeps every request in memory and, where a file is named, as JSON lines."""

    def __init__(self, file: Path | None = None, keep: int = 100_000) -> None:
        """Start empty.

        Args:
            file: appended to, mode 0600; a request's line is written when it has ended.
            keep: how many requests memory holds at most; the oldest are forgotten.

        Raises:
            OSError: the file cannot be opened.
        """
        self._lock = threading.Lock()
        self._requests: dict[int, AuditedRequest] = {}
        self._next = 0
        self._keep = keep
        self._file: int | None = None
        if file is not None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
            self._file = os.open(file, flags, 0o600)
            os.fchmod(self._file, 0o600)

    @property
    def requests(self) -> tuple[AuditedRequest, ...]:
        """All requests in the order they came, those that still run among them."""
        with self._lock:
            return tuple(self._requests.values())

    def writes(self) -> tuple[AuditedRequest, ...]:
        """Those that are more than reading."""
        return tuple(request for request in self.requests if request.is_write)

    def clear(self) -> None:
        """Forget all that was asked so far; the file keeps it."""
        with self._lock:
            self._requests = {}

    def begin(self, request: AuditedRequest) -> int:
        """Take note of a request; the number names it to ``update`` and ``end``."""
        with self._lock:
            self._next += 1
            self._requests[self._next] = request
            if len(self._requests) > self._keep:
                del self._requests[next(iter(self._requests))]
            return self._next

    def update(self, number: int, **changes: Any) -> None:
        """Change what is known of a request; ``admin`` is added to what is there."""
        with self._lock:
            request = self._requests.get(number)
            if request is None:
                return
            more = changes.pop("admin", None)
            values = {name: getattr(request, name) for name in AuditedRequest.__slots__} | changes
            if more is not None:
                values["admin"] = (*request.admin, more)
            self._requests[number] = AuditedRequest(**values)

    def end(self, number: int) -> None:
        """The request is over: write its line."""
        with self._lock:
            request = self._requests.get(number)
            if self._file is not None and request is not None:
                line = json.dumps(asdict(request) | {"write": request.is_write})
                os.write(self._file, line.encode() + b"\n")

    def close(self) -> None:
        """Close the file; what is in memory stays."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None
