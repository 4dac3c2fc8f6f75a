"""Ask an HTTP interface inside a pod: through port-forward, else through exec."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Self

from meshdoctor.collect.admin_http import AdminAnswer, AdminHttp
from meshdoctor.collect.api import ReadError
from meshdoctor.collect.exec_command import PROGRAMS, exec_get
from meshdoctor.collect.patience import Patience
from meshdoctor.collect.port_forward import port_forward
from meshdoctor.collect.read_reasons import failed, one_line
from meshdoctor.model.not_read import NotReadStatus

if TYPE_CHECKING:
    import asyncio
    from types import TracebackType

    from meshdoctor.collect.port_forward import PortForward
    from meshdoctor.collect.ways import Ways

_GONE = 404


@dataclass(frozen=True, slots=True)
class PodPort:
    """Where an HTTP interface listens inside a pod."""

    namespace: str
    pod: str
    container: str
    """The container that listens, and whose request command asks the same."""
    port: int
    exec_port: int
    """The one port that the container's request command asks."""

    @property
    def has_command(self) -> bool:
        """Whether a command of the container asks this port."""
        return self.container in PROGRAMS and self.port == self.exec_port


class PodAdmin:
    """One pod's HTTP interface; an async context manager that keeps its connection open."""

    def __init__(self, ways: Ways, port: PodPort, patience: Patience | None = None) -> None:
        """Nothing is opened before the first request.

        Args:
            ways: what is known of the cluster.
            port: whom to ask.
            patience: how long the pod is waited for; shared by all that ask the same pod.
        """
        self._ways = ways
        self._port = port
        self._patience = patience or Patience(ways.request_timeout, inf)
        self._stack = AsyncExitStack()
        self._http: AdminHttp | None = None
        self._by_exec = False
        self._answered = False
        self._turn: asyncio.Lock | None = None

    @property
    def asks_through_exec(self) -> bool:
        """Whether the answers came from the container's request command."""
        return self._by_exec

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._close()

    async def get(self, target: str) -> AdminAnswer:
        """GET one path.

        Args:
            target: path and query, from the slash on.

        Returns:
            The answer, whatever its status.

        Raises:
            ReadError: neither way brought a whole answer.
        """
        try:
            async with self._patience.answering(target):
                return await self._get(target)
        except ReadError:
            await self._close()
            raise
        finally:
            self._end_turn()

    async def _get(self, target: str) -> AdminAnswer:
        if self._by_exec:
            return await self._through_exec(target)
        if not self._answered:
            self._turn = await self._ways.turn(self._port.namespace)
        refusal = self._known_refusal()
        if refusal is None:
            try:
                return await self._through_port_forward(target)
            except ReadError as error:
                self._ways.note_denied(self._port.namespace, error, by_exec=False)
                if self._answered or not self._may_exec(error):
                    raise
                refusal = error
                await self._close()
        if not self._port.has_command:
            raise refusal
        try:
            answer = await self._through_exec(target)
        except ReadError as error:
            raise (_neither(refusal, error) if self._ways.port_forward else error) from None
        self._by_exec = True
        self._ways.note_exec_helped(refusal)
        return answer

    def _known_refusal(self) -> ReadError | None:
        if not self._ways.port_forward:
            return failed("port-forward is not to be used, and no command asks this port")
        return self._ways.port_forward_refusal(self._port.namespace)

    def _may_exec(self, error: ReadError) -> bool:
        """Exec ends at the same pod: it helps against a refusal, not against a silent pod."""
        return (
            self._port.has_command
            and error.status is not NotReadStatus.TIMEOUT
            and error.http_status != _GONE
        )

    async def _through_exec(self, target: str) -> AdminAnswer:
        ways, port = self._ways, self._port
        if (denied := ways.exec_refusal(port.namespace)) is not None:
            raise denied
        try:
            return await exec_get(
                ways.api, port.namespace, port.pod, port.container, target, self._patience
            )
        except ReadError as error:
            ways.note_denied(port.namespace, error, by_exec=True)
            raise

    async def _through_port_forward(self, target: str) -> AdminAnswer:
        if self._http is None or not self._http.is_reusable:
            await self._close()
            ways, port = self._ways, self._port
            stream = await self._stack.enter_async_context(
                port_forward(ways.api, port.namespace, port.pod, port.port)
            )
            ways.note_opened(port.namespace)
            self._end_turn()
            self._http = AdminHttp(_Earning(stream, self._patience))
        self._patience.begin()
        answer = await self._http.get(target)
        self._answered = True
        return answer

    def _end_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.release()

    async def _close(self) -> None:
        self._http = None
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()


class _Earning:
    """A connection whose bytes earn time."""

    def __init__(self, stream: PortForward, patience: Patience) -> None:
        self._stream = stream
        self._patience = patience

    async def send(self, data: bytes) -> None:
        await self._stream.send(data)

    async def receive(self) -> bytes:
        data = await self._stream.receive()
        self._patience.earn(len(data))
        return data


def _neither(first: ReadError, second: ReadError) -> ReadError:
    """Both ways failed: denied only when both are; else what befell the one that is allowed."""
    tried = first if second.status is NotReadStatus.DENIED else second
    reason = one_line(f"port-forward: {first.reason}; exec: {second.reason}")
    return ReadError(tried.status, reason, tried.http_status)
