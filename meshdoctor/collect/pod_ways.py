"""The two ways to ask a pod, tried with its smallest question."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Protocol

from meshdoctor.collect.admin_http import AdminHttp
from meshdoctor.collect.exec_command import exec_get
from meshdoctor.collect.port_forward import port_forward
from meshdoctor.collect.read_reasons import timed_out

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.collect.api import KubeApi
    from meshdoctor.collect.sample_pods import SamplePod

PORT_FORWARD = "port-forward"
EXEC = "exec"
PATIENCE = 15.0
"""Seconds that a pod is given at most: what is asked is answered from memory."""


class Way(Protocol):
    """One way to ask a pod. Any HTTP answer will do, an unready proxy's 503 too."""

    async def __call__(self, api: KubeApi, pod: SamplePod) -> None:
        """Ask the pod.

        Raises:
            ReadError: it did not answer by this way.
        """


def _question(pod: SamplePod) -> str:
    return "/version" if pod.is_istiod else "/ready"


async def by_port_forward(api: KubeApi, pod: SamplePod, seconds: float | None = None) -> None:
    """Ask through a forwarded port.

    Args:
        api: the cluster.
        pod: whom to ask.
        seconds: how long it is waited for; None for as long as makes sense.

    Raises:
        ReadError: it did not answer.
    """
    patience = PATIENCE if seconds is None else min(seconds, PATIENCE)
    try:
        async with (
            asyncio.timeout(patience),
            port_forward(api, pod.namespace, pod.name, pod.port) as stream,
        ):
            await AdminHttp(stream).get(_question(pod))
    except TimeoutError:
        raise timed_out(f"no answer within {patience:g} s") from None


async def by_exec(api: KubeApi, pod: SamplePod, seconds: float | None = None) -> None:
    """Ask through exec of the container's request command.

    Args:
        api: the cluster.
        pod: whom to ask.
        seconds: how long it is waited for; None for as long as makes sense.

    Raises:
        ReadError: it did not answer.
    """
    patience = PATIENCE if seconds is None else min(seconds, PATIENCE)
    try:
        async with asyncio.timeout(patience):
            await exec_get(api, pod.namespace, pod.name, pod.container, _question(pod))
    except TimeoutError:
        raise timed_out(f"no answer within {patience:g} s") from None


WAYS: Mapping[str, Way] = {PORT_FORWARD: by_port_forward, EXEC: by_exec}
"""Both ways, in the order they are tried."""


def ways(*, allow_port_forward: bool = True, seconds: float | None = None) -> Mapping[str, Way]:
    """The ways that may be tried.

    Args:
        allow_port_forward: False for exec alone.
        seconds: how long a pod is waited for; None for as long as makes sense.
    """
    exec_alone = {EXEC: partial(by_exec, seconds=seconds)}
    if not allow_port_forward:
        return exec_alone
    return {PORT_FORWARD: partial(by_port_forward, seconds=seconds), **exec_alone}
