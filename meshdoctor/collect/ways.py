"""What is known of a cluster's two ways to a pod: what is refused is tried once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meshdoctor.collect.api import ReadError
from meshdoctor.model.not_read import NotReadStatus

if TYPE_CHECKING:
    from meshdoctor.collect.api import KubeApi

_DENIED = 403
_TURN = 1.0
"""Seconds to wait for another pod to find out whether port-forward is refused."""
_CLUSTER = ""


def denied_before(namespace: str) -> ReadError:
    """A denial that need not be met again: rights are granted by namespace, not by pod."""
    reason = f"forbidden in namespace {namespace}, as for the pod that was asked first"
    return ReadError(NotReadStatus.DENIED, reason, _DENIED)


@dataclass(slots=True)
class Ways:
    """Port-forward and exec, as far as they were tried."""

    api: KubeApi
    port_forward: bool = True
    """False: never try it."""
    request_timeout: float = 10.0
    """Seconds for one answer of a pod."""
    _no_port_forward: dict[str, ReadError] = field(default_factory=dict)
    """Why it does not work, by namespace; the empty name is the whole cluster."""
    _no_exec: dict[str, ReadError] = field(default_factory=dict)
    _proven: set[str] = field(default_factory=set)
    """Namespaces where port-forward was let through."""
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)

    def port_forward_refusal(self, namespace: str) -> ReadError | None:
        """Why port-forward need not be tried in a namespace; None when it may work."""
        return self._no_port_forward.get(_CLUSTER) or self._no_port_forward.get(namespace)

    def exec_refusal(self, namespace: str) -> ReadError | None:
        """Why exec need not be tried in a namespace; None when it may work."""
        return self._no_exec.get(namespace)

    def note_opened(self, namespace: str) -> None:
        """Note that port-forward is let through in a namespace."""
        self._proven.add(namespace)

    def note_exec_helped(self, refusal: ReadError) -> None:
        """Note that exec answered where port-forward did not.

        Args:
            refusal: what port-forward said; when it was no lack of rights, it is the cluster's.
        """
        if refusal.http_status != _DENIED and not self._proven:
            self._no_port_forward.setdefault(_CLUSTER, refusal)

    def note_denied(self, namespace: str, error: ReadError, *, by_exec: bool) -> None:
        """Note a refusal that is a lack of rights in this namespace; others tell nothing."""
        if error.http_status == _DENIED:
            refused = self._no_exec if by_exec else self._no_port_forward
            # The API server's words name the pod that was asked: they are wrong of the next.
            refused.setdefault(namespace, denied_before(namespace))

    async def turn(self, namespace: str) -> asyncio.Lock | None:
        """Wait while another pod of the namespace finds out whether port-forward is refused.

        Returns:
            A lock, held, to release when it is found out; None when there is nothing to find out.
        """
        if not self._is_open(namespace):
            return None
        lock = self._turns.setdefault(namespace, asyncio.Lock())
        try:
            # A pod that hangs must not make the others wait for it.
            await asyncio.wait_for(lock.acquire(), _TURN)
        except TimeoutError:
            return None
        if self._is_open(namespace):
            return lock
        lock.release()
        return None

    def _is_open(self, namespace: str) -> bool:
        known = namespace in self._proven or self.port_forward_refusal(namespace) is not None
        return self.port_forward and not known
