"""The end of a container's own log: what it said last, which is where a crash gives its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContainerLog:
    """The last lines of an application container's log, of this run or of the one before."""

    source: str
    """Path of the file, ``logs/<namespace>/<pod>/<container>[.previous].log``."""
    lines: tuple[tuple[int, str], ...]
    """The last few lines that say something, each with its 1-based number."""


LOGS = "logs"
"""The room of a recording that holds them."""


def log_path(namespace: str, pod: str, container: str, *, previous: bool = False) -> str:
    """Where a recording keeps a container's log."""
    suffix = ".previous.log" if previous else ".log"
    return f"{LOGS}/{namespace}/{pod}/{container}{suffix}"
