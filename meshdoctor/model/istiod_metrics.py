"""What an istiod counts of its own pushes, from its ``/metrics``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket of a histogram: how many observations were at most so long."""

    at_most: float
    """Seconds; infinity for the last bucket, which counts them all."""
    count: int
    line: int
    """1-based line number in the file."""
    text: str
    """The line as it stands in the file."""


@dataclass(frozen=True, slots=True)
class IstiodMetrics:
    """The metrics of one replica that say how it fares; counted since it started."""

    convergence: tuple[Bucket, ...]
    """``pilot_proxy_convergence_time``: from a change until a proxy was sent all of it."""

    @property
    def pushes(self) -> int:
        """How many pushes were timed."""
        return self.convergence[-1].count if self.convergence else 0

    def slower_than(self, seconds: float) -> int:
        """How many pushes took longer, by the widest bucket that ends at or before it."""
        within = [bucket.count for bucket in self.convergence if bucket.at_most <= seconds]
        return self.pushes - within[-1] if within else 0
