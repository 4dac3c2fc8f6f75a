"""How long a cold ``meshdoctor diagnose`` takes, and how much memory.

Usage: python benchmarks/diagnose.py [RECORDING ...]
"""

from __future__ import annotations

import sys
from pathlib import Path

from processes import measure

from meshdoctor.resources import bundled_recordings

if __name__ == "__main__":
    recordings = [Path(name) for name in sys.argv[1:]] or bundled_recordings()[:3]
    for recording in recordings:
        for output in ("text", "json"):
            figures = measure(["diagnose", str(recording), "-o", output])
            print(f"diagnose {recording.name} -o {output}: {figures}")
