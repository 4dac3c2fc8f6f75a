"""Containers that were killed for memory: when, how often, and the limit they ran into.

The kubelet writes ``OOMKilled`` when the kernel killed a process of the container's cgroup; a limit
too small for the process to start at all shows as a StartError that says so (containerd, runc).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshdoctor.model.pod import container_path, container_status
from meshdoctor.model.quantity import quantity
from meshdoctor.model.resource import as_mapping, parse_time

if TYPE_CHECKING:
    from datetime import datetime

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource

RECENT = timedelta(minutes=10)
"""A container that was killed within this time will be again; the longest back-off is five."""
_TOO_SMALL = "OOM-killed"


@dataclass(frozen=True, slots=True)
class Kill:
    """The last time that a container was killed for memory."""

    pod: Resource
    evidence: Evidence
    finished: datetime | None
    restarts: int
    restarts_evidence: Evidence
    runs_again: bool
    """Whether it runs, and is ready, at this moment."""

    def is_recent(self, now: datetime) -> bool:
        """Whether it happened a short while ago, or the container has not recovered since."""
        if not self.runs_again:
            return True
        return self.finished is not None and now - self.finished <= RECENT


@dataclass(frozen=True, slots=True)
class Limit:
    """A container's memory limit."""

    text: str
    """As it is written, e.g. ``256Mi``."""
    bytes: int
    evidence: Evidence


def killed_for_memory(pod: Resource, container: str) -> Kill | None:
    """Whether a container of a pod was killed for memory when it last ended."""
    found = container_status(pod, container)
    if found is None:
        return None
    path, status = found
    restarts = status.get("restartCount")
    for key in ("state", "lastState"):
        ended = as_mapping(as_mapping(status.get(key)).get("terminated"))
        field = "reason" if ended.get("reason") == "OOMKilled" else "message"
        if field == "message" and _TOO_SMALL not in str(ended.get("message") or ""):
            continue
        return Kill(
            pod,
            pod.evidence(*path, key, "terminated", field),
            parse_time(ended.get("finishedAt")),
            restarts if isinstance(restarts, int) else 0,
            pod.evidence(*path, "restartCount"),
            "running" in as_mapping(status.get("state")) and status.get("ready") is True,
        )
    return None


def memory_limit(pod: Resource, container: str) -> Limit | None:
    """A container's memory limit; None when it has none: the node's memory is its limit then."""
    path = container_path(pod, container)
    text = pod.get(*path, "resources", "limits", "memory") if path else None
    size = quantity(text)
    if path is None or not size:
        return None
    shown = pod.evidence(*path, "resources", "limits", "memory")
    return Limit(str(text), int(size), shown)


def binary_text(size: int) -> str:
    """Bytes as people write a limit: ``256Mi``, rounded up."""
    return f"{-(-size // 2**20)}Mi"
