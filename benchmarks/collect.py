"""How long a live mesh takes to read: 32 requests at once, and one after another.

It serves a made-up mesh (benchmarks/many_proxies.py makes it) from a process of its own, with 20 ms
of latency for every request, those inside a port-forward included, and reads it in a fresh process
for each figure.

Usage: python benchmarks/collect.py [--dump MEGABYTES] [--one-by-one-up-to N] [COUNT …]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

LATENCY = 20
AT_ONCE = 32


def read_live(kubeconfig: str, concurrency: int) -> dict[str, float]:
    """Read the mesh in this process and say what it cost."""
    import resource

    # Python's own loading is measured by benchmarks/start.py.
    import meshdoctor.live.mesh_reader  # noqa: F401
    from meshdoctor.live.options import ClusterOptions, LiveOptions
    from meshdoctor.live.source import LiveSource
    from meshdoctor.source import Silence

    cluster = ClusterOptions(kubeconfig=kubeconfig)
    source = LiveSource(LiveOptions(cluster=cluster, concurrency=concurrency))
    started = time.perf_counter()
    snapshot = source.read(Silence())
    wall = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "proxies": len(snapshot.proxies),
        "not_read": len(snapshot.not_read),
        "wall": wall,
        "cpu": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss / 1024,
    }


def as_envoy_prints(mesh: Path) -> None:
    """Break the dumps into lines, as Envoy's admin interface does."""
    for path in (mesh / "proxies").glob("*/*/*.json"):
        path.write_bytes(msgspec.json.format(path.read_bytes(), indent=1))


@contextmanager
def served(mesh: Path, kubeconfig: Path) -> Iterator[None]:
    """Serve a recording from another process until the block ends."""
    command = [sys.executable, "-m", "meshdoctor", "serve", str(mesh)]
    command += ["--latency", str(LATENCY), "--kubeconfig", str(kubeconfig)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not kubeconfig.is_file():
            if server.poll() is not None:
                raise SystemExit("the server did not start")
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(timeout=20)


def measured(kubeconfig: Path, concurrency: int) -> dict[str, Any]:
    """The figures of one read in a process of its own."""
    command = [sys.executable, __file__, "--read", str(kubeconfig), str(concurrency)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def print_row(what: str, found: dict[str, Any]) -> None:
    """One line of the table."""
    print(
        f"{what:<28} {found['proxies']:>6.0f} {found['wall']:>9.2f} {found['cpu']:>8.2f} "
        f"{found['peak_mb']:>8.0f} {found['not_read']:>9.0f}",
        flush=True,
    )


def main(counts: list[int], megabytes: float, one_by_one: int) -> None:
    """Measure each size."""
    from benchmarks.many_proxies import write_mesh

    print(f"latency {LATENCY} ms for every request, dumps of {megabytes or 'natural'} MB")
    print(f"{'':<28} {'read':>6} {'wall s':>9} {'cpu s':>8} {'peak MB':>8} {'not read':>9}")
    for count in counts:
        with tempfile.TemporaryDirectory() as name:
            mesh, kubeconfig = Path(name) / "mesh", Path(name) / "kubeconfig"
            write_mesh(mesh, count, int(megabytes * 1e6))
            as_envoy_prints(mesh)
            with served(mesh, kubeconfig):
                fast = measured(kubeconfig, AT_ONCE)
                print_row(f"{count} proxies, {AT_ONCE} at once", fast)
                if count <= one_by_one:
                    slow = measured(kubeconfig, 1)
                    print_row(f"{count} proxies, one by one", slow)
                    print(f"{'':<28} {slow['wall'] / fast['wall']:.1f} times faster at once")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="*", type=int, default=[10, 100, 1000])
    parser.add_argument("--dump", type=float, default=0.0, help="megabytes of each config dump")
    parser.add_argument("--one-by-one-up-to", type=int, default=100)
    parser.add_argument("--read", nargs=2, metavar=("KUBECONFIG", "CONCURRENCY"))
    given = parser.parse_args()
    if given.read:
        print(json.dumps(read_live(given.read[0], int(given.read[1]))))
    else:
        main(given.counts, given.dump, given.one_by_one_up_to)
