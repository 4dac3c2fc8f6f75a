"""The seam between collectors and the transport: what a collector may ask of an API server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from meshdoctor.collect.artifact import Artifact
    from meshdoctor.model.not_read import NotReadStatus


class ReadError(Exception):
    """Something could not be read; the message is one line, in the API's own words."""

    def __init__(self, status: NotReadStatus, reason: str, http_status: int | None = None) -> None:
        """Say why.

        Args:
            status: the contract's word (denied, not-installed, timeout, failed).
            reason: one line; never a header, a token or a body of a Secret.
            http_status: the answer's code, when there was an answer.
        """
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.http_status = http_status


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer to one request."""

    body: bytes
    date: datetime | None
    """The server's ``Date`` header: its clock."""


@dataclass(frozen=True, slots=True)
class Step:
    """Progress: what was just done, and how many of how many of its stage are done."""

    stage: str
    """``objects``, ``istiod``, ``proxies``, ``logs``, ``ztunnels``."""
    what: str
    """Path or pod that was just finished."""
    done: int
    total: int


class Socket(Protocol):
    """One WebSocket to a pod: messages are a channel byte followed by data."""

    @property
    def subprotocol(self) -> str:
        """The subprotocol that the server chose; empty when it chose none."""

    async def send(self, data: bytes) -> None:
        """Send one binary message.

        Raises:
            ReadError: the connection is gone or the time is up.
        """

    async def receive(self) -> bytes | None:
        """The next message; None when the other end closed.

        Raises:
            ReadError: the connection broke or the time is up.
        """


class KubeApi(Protocol):
    """What collectors may ask. Anything that would change the cluster is refused before it is sent.

    Every call is bounded in time and in number (a slot is held while it runs), and is retried
    where that is safe.
    """

    def now(self) -> datetime:
        """The API server's clock: its last ``Date`` plus the time that passed since."""

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, *, accept: str | None = None
    ) -> Answer:
        """GET one path, such as ``/api/v1/pods``.

        Raises:
            ReadError: no whole answer with status 200 came.
        """

    async def review(self, path: str, body: bytes) -> Answer:
        """POST a self-subject review (``/apis/authorization.k8s.io/v1/selfsubject…``).

        Raises:
            ReadError: as for get.
        """

    def lines(self, path: str, query: Mapping[str, str]) -> AsyncIterator[bytes]:
        """A GET whose answer is read line by line while it goes on (a watch).

        Raises:
            ReadError: it could not be opened, or broke.
        """

    def socket(
        self, path: str, query: Sequence[tuple[str, str]], subprotocols: Sequence[str]
    ) -> AbstractAsyncContextManager[Socket]:
        """Open a WebSocket to a pod: port-forward, or exec of one of the two request commands.

        Raises:
            ReadError: it was refused.
        """


class Sink(Protocol):
    """Where collectors put what they read, and say what they could not."""

    def keep(self, artifact: Artifact) -> None:
        """Take one file."""

    def miss(self, what: str, error: ReadError) -> None:
        """Note one thing that could not be read.

        Args:
            what: path within the recording, or a folder of it.
            error: why.
        """

    def step(self, step: Step) -> None:
        """Take note of progress."""
