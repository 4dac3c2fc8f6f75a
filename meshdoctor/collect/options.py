"""What is collected, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from meshdoctor.collect.logs import LogBounds
from meshdoctor.collect.plan import Question


@dataclass(frozen=True, slots=True)
class CollectOptions:
    """What to read of a cluster."""

    question: Question = field(default_factory=Question)
    """Which proxies matter."""
    istio_namespace: str | None = None
    """Where istiod is looked for; None for everywhere."""
    revision: str | None = None
    """Read istiods of this revision only."""
    proxies: bool = True
    """False: objects and istiod only."""
    port_forward: bool = True
    """False: ask pods through exec only."""
    secrets: bool = True
    """False: Secrets are not asked for."""
    logs: bool = True
    """Logs of proxies, istiod and ztunnel."""
    application_logs: bool = True
    """Logs of applications in the mesh's namespaces, which only a person looks at."""
    log_bounds: LogBounds = field(default_factory=LogBounds)
    everything: bool = True
    """Also what no analyzer looks at, for a person who opens the recording."""
    workers: int = 32
    """Reads at once: no more than the transport lets through, for a read that waits only holds
    memory."""
    request_timeout: float = 10.0
    """Seconds for one answer of a pod."""
    pod_timeout: float = 30.0
    """Seconds for everything that is asked of one pod."""


EVERYTHING = CollectOptions()
"""The whole mesh."""
