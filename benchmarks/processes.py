"""Time whole processes: wall seconds and peak memory, median of several runs."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """What several runs of one command took."""

    wall_seconds: tuple[float, ...]
    peak_megabytes: tuple[float, ...]

    def __str__(self) -> str:
        """Median and range."""
        wall = self.wall_seconds
        return (
            f"{statistics.median(wall):.3f} s (min {min(wall):.3f}, max {max(wall):.3f}), "
            f"peak {statistics.median(self.peak_megabytes):.0f} MB"
        )


def measure(arguments: list[str], runs: int = 5) -> Figures:
    """Run ``python -m meshdoctor`` with these arguments: once to warm up, then ``runs`` times."""
    wall: list[float] = []
    peak: list[float] = []
    for run in range(runs + 1):
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "meshdoctor", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        if run:
            wall.append(time.perf_counter() - started)
            peak.append(usage.ru_maxrss / 1024)
    return Figures(tuple(wall), tuple(peak))
