"""What checks need and no Snapshot holds: reach, clock, version, rights, a way to a proxy."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from meshdoctor.collect.access_review import Review, review_rights
from meshdoctor.collect.api import ReadError
from meshdoctor.collect.pod_ways import WAYS
from meshdoctor.collect.sample_pods import SamplePod, sample_istiod, sample_proxy
from meshdoctor.model.not_read import NotReadStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from meshdoctor.collect.api import KubeApi
    from meshdoctor.collect.pod_ways import Way

_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Server:
    """The API server as it answered ``GET /version``."""

    version: str
    """``gitVersion``; empty when it did not answer."""
    behind: timedelta | None
    """How far its clock is behind this machine's (negative: ahead); None when it gave no time."""
    error: ReadError | None = None
    """Why it could not be reached."""

    @property
    def lets_one_in(self) -> bool:
        """Whether more can be asked: it was reached, and does not refuse the login itself."""
        return self.error is None or self.error.http_status not in (None, _UNAUTHORIZED)


@dataclass(frozen=True, slots=True)
class Reached:
    """Whether a sample pod answered by one way."""

    pod: SamplePod
    way: str
    error: ReadError | None = None


@dataclass(frozen=True, slots=True)
class Sampled:
    """A pod that was looked for, and by which ways it answered."""

    pod: SamplePod | None
    """None when there is no such running pod, or pods could not be listed."""
    reached: tuple[Reached, ...] = ()
    error: ReadError | None = None
    """Why pods could not be listed."""

    @property
    def answered_by(self) -> str | None:
        """The first way by which it answered."""
        return next((item.way for item in self.reached if item.error is None), None)


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found out before collecting."""

    server: Server
    reviews: tuple[Review, ...]
    """What may be read, right by right."""
    istiod: Sampled
    proxy: Sampled


def _this_machine() -> datetime:
    return datetime.now(UTC)


async def _server(api: KubeApi, clock: Callable[[], datetime]) -> Server:
    asked = clock()
    try:
        answer = await api.get("/version")
    except ReadError as error:
        return Server("", None, error)
    # The answer was written somewhere between asking and hearing: halfway is the best guess.
    here = asked + (clock() - asked) / 2
    behind = None if answer.date is None else here - answer.date
    try:
        version = msgspec.json.decode(answer.body, type=dict).get("gitVersion")
    except (msgspec.DecodeError, UnicodeDecodeError):
        reason = "it answered /version with something that is not JSON"
        return Server("", behind, ReadError(NotReadStatus.FAILED, reason))
    return Server(version if isinstance(version, str) else "", behind)


async def _sampled(
    api: KubeApi, pod: SamplePod | ReadError | None, ways: Mapping[str, Way]
) -> Sampled:
    if isinstance(pod, ReadError):
        return Sampled(None, error=pod)
    if pod is None:
        return Sampled(None)
    reached: list[Reached] = []
    for name, way in ways.items():
        try:
            await way(api, pod)
        except ReadError as error:
            reached.append(Reached(pod, name, error))
        else:
            reached.append(Reached(pod, name))
            break
    return Sampled(pod, tuple(reached))


async def preflight(
    api: KubeApi,
    *,
    namespaces: Sequence[str] = (),
    istio_namespace: str | None = None,
    ways: Mapping[str, Way] = WAYS,
    clock: Callable[[], datetime] = _this_machine,
) -> Preflight:
    """Find out what can be read of a cluster, without reading it.

    Args:
        api: the cluster; it bounds each request in time, and how many run at once.
        namespaces: ask for rights in these (and Istio's) only; none for the whole cluster.
        istio_namespace: where istiod runs; None for anywhere.
        ways: the ways to a pod by name, in the order they are tried.
        clock: this machine's time.

    Returns:
        What was found; nothing is raised for what could not be read.
    """
    server = await _server(api, clock)
    if not server.lets_one_in:
        return Preflight(server, (), Sampled(None, error=server.error), Sampled(None))
    home = istio_namespace or "istio-system"
    within = tuple(dict.fromkeys((*namespaces, home))) if namespaces else ()
    reviews, istiod, proxy = await asyncio.gather(
        review_rights(api, within),
        sample_istiod(api, istio_namespace or (home if namespaces else None)),
        sample_proxy(api, namespaces),
    )
    sampled = await asyncio.gather(_sampled(api, istiod, ways), _sampled(api, proxy, ways))
    return Preflight(server, reviews, *sampled)
