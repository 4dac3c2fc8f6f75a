"""How long diagnosing takes: cold on recordings, and all analyzers on a mesh of 1,000 proxies.

Usage: python benchmarks/diagnose.py [RECORDING ... | PROXIES]

Without arguments, both: three bundled recordings, then a synthetic mesh of 1,000 Services, 3,000
pods and 1,000 proxies beside one of a tenth, with the slope between them. A number measures a
synthetic mesh of that many proxies only.
"""

from __future__ import annotations

import sys
from pathlib import Path

from analyzers import print_growth
from processes import measure

from meshdoctor.resources import bundled_recordings

MANY = 1000


def print_cold(recordings: list[Path]) -> None:
    """Whole processes of the command, from nothing."""
    for recording in recordings:
        for output in ("text", "json"):
            figures = measure(["diagnose", str(recording), "-o", output])
            print(f"diagnose {recording.name} -o {output}: {figures}")


if __name__ == "__main__":
    asked = sys.argv[1:]
    if asked and asked[0].isdecimal():
        print_growth(int(asked[0]))
    else:
        print_cold([Path(name) for name in asked] or bundled_recordings()[:3])
        if not asked:
            print_growth(MANY)
