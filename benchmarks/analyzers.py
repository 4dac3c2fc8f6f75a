"""All analyzers on a big synthetic mesh: seconds, memory, and how they grow with the mesh.

The slope from the small mesh to the big one: 1.0 is linear in the number of objects, 2.0 quadratic.
``diagnose.py`` runs it.
"""

from __future__ import annotations

import gc
import math
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

from synthetic_mesh import PODS, PROXIES, SERVICES, write_synthetic

from meshdoctor.analyze.registry import analyzers
from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.garbage import collect_rarely
from meshdoctor.model.kinds import POD, SERVICE
from meshdoctor.recording.reader import read_recording

SHOWN = 8


def peak() -> float:
    """The most memory this process ever held, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(folder: Path, results: multiprocessing.Queue[dict[str, float]]) -> None:
    """In a process of its own: read, run every analyzer, diagnose, print."""
    # As the command line reads.
    collect_rarely()
    started = time.perf_counter()
    mesh = read_recording(folder)
    read = time.perf_counter() - started
    held = peak()
    gc.freeze()
    seconds: dict[str, float] = {}
    findings = 0
    for analyzer in analyzers():
        started = time.perf_counter()
        findings += sum(1 for _ in analyzer.analyze(mesh))
        seconds[analyzer.name] = time.perf_counter() - started
    started = time.perf_counter()
    found = diagnose(mesh)
    whole = time.perf_counter() - started
    services, pods = len(mesh.catalog.of(SERVICE)), len(mesh.catalog.of(POD))
    print(f"{services} services, {pods} pods, {len(mesh.proxies)} proxies")
    print(f"  read        {read:6.2f} s, {held:.0f} MB")
    print(f"  analyzers   {sum(seconds.values()):6.2f} s, {findings} findings")
    print(f"  diagnose    {whole:6.2f} s, {len(found.root_causes)} root causes")
    print(f"  peak        {peak():.0f} MB")
    for name in sorted(seconds, key=lambda item: -seconds[item])[:SHOWN]:
        print(f"    {seconds[name]:6.2f} s  {name}")
    results.put({"all": sum(seconds.values()), "diagnose": whole, **seconds}, timeout=60)


def one_size(proxies: int) -> dict[str, float]:
    """Write a mesh of this size and measure it."""
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        writer = spawn.Process(target=write_synthetic, args=(folder, proxies // PROXIES))
        writer.start()
        writer.join()
        results: multiprocessing.Queue[dict[str, float]] = spawn.Queue()
        worker = spawn.Process(target=measure, args=(folder, results))
        worker.start()
        found = results.get(timeout=1800)
        worker.join()
    return found


def print_growth(most: int) -> None:
    """Measure a tenth of the mesh and the whole, and print how each analyzer's time grew."""
    least = max(PROXIES, most // 10)
    print(f"each cell: {SERVICES} services, {PODS} pods, {PROXIES} proxies")
    small, big = one_size(least), one_size(most)
    grown = math.log(most / least)
    print("slope (1.0 is linear):")
    for name in ("all", "diagnose"):
        print(f"  {name:<10} {math.log(big[name] / small[name]) / grown:.2f}")
    slow = sorted((name for name in big if big[name] > big["all"] / 20), key=lambda n: -big[n])
    for name in slow:
        if name not in ("all", "diagnose"):
            print(f"  {name:<40} {math.log(big[name] / max(small[name], 1e-4)) / grown:.2f}")
