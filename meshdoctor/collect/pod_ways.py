"""The two ways to ask a pod, tried with its smallest question."""

from __future__ import annotations

import asyncio
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
"""Seconds that a pod is given: what is asked is answered from memory."""


class Way(Protocol):
    """One way to ask a pod. Any HTTP answer will do, an unready proxy's 503 too."""

    async def __call__(self, api: KubeApi, pod: SamplePod) -> None:
        """Ask the pod.

        Raises:
            ReadError: it did not answer by this way.
        """


def _question(pod: SamplePod) -> str:
    return "/version" if pod.is_istiod else "/ready"


async def by_port_forward(api: KubeApi, pod: SamplePod) -> None:
    """Ask through a forwarded port.

    Raises:
        ReadError: it did not answer.
    """
    try:
        async with (
            asyncio.timeout(PATIENCE),
            port_forward(api, pod.namespace, pod.name, pod.port) as stream,
        ):
            await AdminHttp(stream).get(_question(pod))
    except TimeoutError:
        raise timed_out(f"no answer within {PATIENCE:g} s") from None


async def by_exec(api: KubeApi, pod: SamplePod) -> None:
    """Ask through exec of the container's request command.

    Raises:
        ReadError: it did not answer.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            await exec_get(api, pod.namespace, pod.name, pod.container, _question(pod))
    except TimeoutError:
        raise timed_out(f"no answer within {PATIENCE:g} s") from None


WAYS: Mapping[str, Way] = {PORT_FORWARD: by_port_forward, EXEC: by_exec}
"""Both ways, in the order they are tried."""


def ways(*, allow_port_forward: bool = True) -> Mapping[str, Way]:
    """The ways that may be tried: exec alone where port-forward is not wanted."""
    return WAYS if allow_port_forward else {EXEC: by_exec}
