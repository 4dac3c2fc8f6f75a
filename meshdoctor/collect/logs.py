"""Read containers' logs from the API server: their end, never a gigabyte of them.

``limitBytes`` cuts a log's end off, not its beginning (core/v1 PodLogOptions): where it bites, the
log is asked for again with fewer lines, so that the newest lines are what is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.artifact import Artifact
from meshdoctor.collect.ways import denied_before
from meshdoctor.model.not_read import NotReadStatus
from meshdoctor.model.pod import container_status
from meshdoctor.model.resource import as_mapping

if TYPE_CHECKING:
    from datetime import timedelta

    from meshdoctor.collect.api import KubeApi, Sink
    from meshdoctor.model.resource import Resource

_NOT_THERE = (400, 404)
_SHARE = 0.8
"""How much of the byte bound a second try aims at."""
_FEWEST = 10


@dataclass(frozen=True, slots=True)
class LogBounds:
    """How much of each log is read."""

    lines: int = 5_000
    """From the end."""
    most_bytes: int = 8 * 1024 * 1024
    since: timedelta | None = None
    """Only what was written within it, by the kubelet's clock."""

    def shared_by(self, logs: int) -> LogBounds:
        """Bounds for one log of many: a thousand proxies are not read as deep as ten."""
        return replace(self, lines=max(min(self.lines, 500), self.lines * 100 // max(logs, 100)))


@dataclass(frozen=True, slots=True)
class LogSource:
    """One log and where a recording keeps it."""

    pod: Resource
    container: str
    path: str
    previous: bool = False
    """The log of the container before it restarted."""


def _status(pod: Resource, container: str) -> tuple[bool, bool]:
    """Whether a container has a log, and whether one before its restart."""
    found = container_status(pod, container)
    if found is None:
        return False, False
    state = as_mapping(found[1].get("state"))
    restarts = found[1].get("restartCount")
    restarted = isinstance(restarts, int) and restarts > 0
    return "running" in state or "terminated" in state or restarted, restarted


def log_sources(pod: Resource, container: str, path: str) -> tuple[LogSource, ...]:
    """The logs of one container: its own, and the one before its restart.

    Args:
        pod: the pod.
        container: one of its containers.
        path: where a recording keeps the log.

    Returns:
        None where the container never ran; where it crashed, the log of its last run.
    """
    has_log, restarted = _status(pod, container)
    if not has_log:
        return ()
    own = LogSource(pod, container, path)
    before = f"logs/{pod.namespace}/{pod.name}/{container}.previous.log"
    return (own, LogSource(pod, container, before, previous=True)) if restarted else (own,)


def _query(source: LogSource, bounds: LogBounds) -> dict[str, str]:
    query = {
        "container": source.container,
        "tailLines": str(bounds.lines),
        "limitBytes": str(bounds.most_bytes),
    }
    if source.previous:
        query["previous"] = "true"
    if bounds.since is not None:
        query["sinceSeconds"] = str(max(1, round(bounds.since.total_seconds())))
    return query


async def _fetch(api: KubeApi, source: LogSource, bounds: LogBounds) -> bytes:
    pod = source.pod
    path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/log"
    while True:
        answer = await api.get(path, _query(source, bounds))
        if len(answer.body) < bounds.most_bytes or bounds.lines <= _FEWEST:
            return answer.body
        # These are the oldest of the lines asked for: as many as fit are asked for again.
        fitting = int(answer.body.count(b"\n") * _SHARE)
        bounds = replace(bounds, lines=max(_FEWEST, min(fitting, bounds.lines // 2)))


class Logs:
    """Reads logs, and does not ask again where they are denied."""

    def __init__(self, api: KubeApi, sink: Sink) -> None:
        """Nothing is read yet.

        Args:
            api: the cluster.
            sink: where logs go.
        """
        self._api = api
        self._sink = sink
        self._denied: dict[str, ReadError] = {}

    async def read(self, source: LogSource, bounds: LogBounds) -> None:
        """Read the end of one log; when it cannot be read, the sink is told.

        Args:
            source: which log.
            bounds: how much of it.
        """
        namespace = source.pod.namespace
        if (denied := self._denied.get(namespace)) is not None:
            self._sink.miss(source.path, denied)
            return
        try:
            data = await _fetch(self._api, source, bounds)
        except ReadError as error:
            if error.status is NotReadStatus.DENIED:
                self._denied.setdefault(namespace, denied_before(namespace))
            if source.previous and error.http_status in _NOT_THERE:
                # The kubelet has cleaned it away: nothing that anyone could have read.
                return
            self._sink.miss(source.path, error)
            return
        self._sink.keep(Artifact(source.path, data))
