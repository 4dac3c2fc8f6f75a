"""A stand-in for the transport: answers by path, and remembers what it was asked."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meshdoctor.collect.api import Answer, ReadError
from meshdoctor.model.not_read import NotReadStatus
from tests.build import NOW

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from datetime import datetime

    from meshdoctor.collect.api import Socket


def denied(reason: str = "forbidden") -> ReadError:
    return ReadError(NotReadStatus.DENIED, reason, 403)


@dataclass
class StandInApi:
    """Answers what it was told to answer; anything else does not exist."""

    answers: dict[str, Any] = field(default_factory=dict)
    """By path, the body as plain values, raw bytes, or the error to raise."""
    allowed: Callable[[dict[str, Any]], object] = lambda _: True
    """What a review says of its attributes; bytes are the whole answer."""
    date: datetime | None = NOW
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    reviewed: list[dict[str, Any]] = field(default_factory=list)

    def now(self) -> datetime:
        return NOW

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, *, accept: str | None = None
    ) -> Answer:
        self.asked.append((path, dict(query or {})))
        found = self.answers.get(path, ReadError(NotReadStatus.FAILED, "not found", 404))
        if isinstance(found, ReadError):
            raise found
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        return Answer(body, self.date)

    async def review(self, path: str, body: bytes) -> Answer:
        assert path.endswith("/selfsubjectaccessreviews")
        attributes = json.loads(body)["spec"]["resourceAttributes"]
        self.reviewed.append(attributes)
        said = self.allowed(attributes)
        if isinstance(said, ReadError):
            raise said
        if isinstance(said, bytes):
            return Answer(said, self.date)
        return Answer(json.dumps({"status": {"allowed": said, "reason": "r\nr"}}).encode(), NOW)

    def lines(self, path: str, query: Mapping[str, str]) -> AsyncIterator[bytes]:
        raise AssertionError("nothing is watched here")

    @asynccontextmanager
    async def socket(
        self, path: str, query: Sequence[tuple[str, str]], subprotocols: Sequence[str]
    ) -> AsyncIterator[Socket]:
        raise denied(f"no socket to {path}")
        yield
