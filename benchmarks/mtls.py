"""The mTLS matrix of a big synthetic mesh: rows, seconds, and how they grow with the mesh."""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path

from synthetic_mesh import write_synthetic

from meshdoctor.recording.reader import read_recording
from meshdoctor.views.mtls import Asking, rows

CELLS = 200
"""They make 1,000 services."""


def seconds(folder: Path) -> float:
    """Seconds for the whole matrix, each destination apart; printed with its rows."""
    mesh = read_recording(folder)
    started = time.perf_counter()
    together = len(rows(mesh))
    first = time.perf_counter() - started
    started = time.perf_counter()
    apart = len(rows(mesh, Asking(each=True)))
    second = time.perf_counter() - started
    print(f"{together} rows {first:.2f} s, {apart} rows with --each {second:.2f} s")
    return second


def main() -> None:
    """Measure a tenth of the mesh, then all of it."""
    with tempfile.TemporaryDirectory() as place:
        small, big = Path(place, "small"), Path(place, "big")
        for folder, cells in ((small, CELLS // 10), (big, CELLS)):
            folder.mkdir()
            write_synthetic(folder, cells)
        before, after = seconds(small), seconds(big)
    print(f"slope {math.log10(after / before):.2f} (1.0 is linear)")


if __name__ == "__main__":
    main()
