"""Time and peak memory of reading a recording with many proxies.

It multiplies the proxies of a bundled recording into a temporary folder.
Usage: python benchmarks/many_proxies.py [COUNT [MEGABYTES_PER_DUMP]]
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

from meshdoctor.recording.archive import open_archive
from meshdoctor.recording.reader import read_recording
from meshdoctor.resources import bundled_recordings


def unpack(recording: Path, folder: Path) -> None:
    """Write a recording's files below a folder."""
    for entry in open_archive(recording).entries():
        target = folder / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(entry.data)


def grown(dump: bytes, size: int) -> bytes:
    """A config dump with its clusters repeated under new names until it has about this size."""
    document = json.loads(dump)
    section = next(item for item in document["configs"] if "Clusters" in item["@type"])
    clusters = section["dynamic_active_clusters"]
    pattern = [item for item in clusters if item["cluster"]["name"].startswith("outbound|")]
    needed = max(0, size - len(dump)) // max(1, len(json.dumps(pattern)))
    for copy in range(needed):
        for item in pattern:
            clone = json.loads(json.dumps(item))
            clone["cluster"]["name"] = clone["cluster"]["name"].replace("|", f"|{20000 + copy}", 1)
            clusters.append(clone)
    return json.dumps(document).encode()


def multiply(folder: Path, count: int, size: int) -> None:
    """Give the recording ``count`` proxies: copies of its first sidecar."""
    model = next(
        path for path in sorted((folder / "proxies").glob("*/*")) if "gateway" not in path.name
    )
    dump = grown((model / "config_dump.json").read_bytes(), size)
    for number in range(count):
        target = model.parent / f"copy-{number}"
        shutil.copytree(model, target)
        (target / "config_dump.json").write_bytes(dump)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    megabytes = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        unpack(bundled_recordings()[0], folder)
        multiply(folder, count, int(megabytes * 1_000_000))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        started = time.perf_counter()
        snapshot = read_recording(folder)
        took = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{len(snapshot.proxies)} proxies, {megabytes:g} MB a dump: read in {took:.1f} s, "
        f"peak {after:.0f} MB ({after - before:.0f} MB above the start)"
    )
