"""Seconds from process start to the app's first paint, and to its diagnosis on screen.

The app runs in a process of its own under a pseudo-terminal, as a person would start it.
Usage: python benchmarks/first_paint.py [RECORDING]
"""

from __future__ import annotations

import os
import pty
import select
import signal
import statistics
import struct
import sys
import termios
import time
from fcntl import ioctl
from pathlib import Path

from meshdoctor.resources import bundled_recordings

_GIVE_UP = 20.0
_FIRST = b"What is wrong"
_ANSWER = b"root cause"


def one_run(recording: Path) -> tuple[float, float]:
    """Start the app once.

    Returns:
        Seconds to the first paint of the overview, and to the verdict.
    """
    started = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "meshdoctor", "open", str(recording)])
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    seen, first, answer = b"", 0.0, 0.0
    while not answer and time.perf_counter() - started < _GIVE_UP:
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                seen += os.read(terminal, 65536)
            except OSError:
                break
        now = time.perf_counter() - started
        first = first or (now if _FIRST in seen else 0.0)
        answer = answer or (now if _ANSWER in seen else 0.0)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(terminal)
    return first or float("nan"), answer or float("nan")


if __name__ == "__main__":
    chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else bundled_recordings()[0]
    runs = [one_run(chosen) for _ in range(6)][1:]
    for name, figures in (
        ("first paint", [run[0] for run in runs]),
        ("diagnosis on screen", [run[1] for run in runs]),
    ):
        median = statistics.median(figures)
        print(f"{name}: {median:.3f} s (min {min(figures):.3f}, max {max(figures):.3f})")
