"""Time and peak memory of reading a recording with many proxies, and of diagnosing it.

It multiplies the pod of a bundled recording's first sidecar into a temporary folder, with more
services until a config dump has the size that is asked for. The copies differ in what real sidecars
of one workload differ in: names, addresses and times, the order of what Envoy keeps unsorted, the
order of keys in metadata, and every request in the log.

Usage: python benchmarks/many_proxies.py [COUNT [MEGABYTES_PER_DUMP [diagnose]]]
"""

from __future__ import annotations

import multiprocessing
import random
import re
import resource
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import msgspec

from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.recording.archive import open_archive
from meshdoctor.recording.reader import read_recording
from meshdoctor.resources import bundled_recordings

HOST = b".svc.cluster.local"
REQUEST_ID = re.compile(rb'"[0-9a-f]{8}-[0-9a-f-]{27}"')
CLIENT_PORT = re.compile(rb"(?<=:)[3-6][0-9]{4}(?= )")
SERVICE_IP = re.compile(rb"\b10\.96\.")
UNSORTED = ("dynamic_listeners", "dynamic_route_configs", "static_route_configs")
"""Lists that Envoy prints in the order of its hash tables; the others are sorted by name."""
decode, encode = msgspec.json.decode, msgspec.json.encode


def unpack(recording: Path, folder: Path) -> None:
    """Write a recording's files below a folder."""
    for entry in open_archive(recording).entries():
        target = folder / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(entry.data)


def cloned(items: list[Any], copy: int) -> list[Any]:
    """What further services add to a list: its entries that name a host, under another name."""
    texts = [encode(item) for item in items]
    named = [t.replace(HOST, b"-%d%s" % (copy, HOST)) for t in texts if HOST in t]
    return [decode(SERVICE_IP.sub(b"10.%d." % (97 + copy % 150), text)) for text in named]


def grow(dump: Any, hosts: Any, size: int) -> None:
    """Add services to a dump, in all its sections, until it has about this size."""
    lists = [
        value
        for section in dump["configs"]
        for key, value in section.items()
        if key in ("dynamic_active_clusters", "dynamic_endpoint_configs", "dynamic_listeners")
    ]
    for section in dump["configs"]:
        for entry in section.get("dynamic_route_configs", ()):
            lists.append(entry["route_config"]["virtual_hosts"])
    lists.append(hosts["cluster_statuses"])
    patterns = [list(items) for items in lists]
    room = max(0, size - len(encode(dump)))
    step = sum(len(encode(cloned(items, 0))) for items in patterns[:-1])
    for copy in range(room // step):
        for items, pattern in zip(lists, patterns, strict=True):
            items += cloned(pattern, copy)


def shuffle_keys(value: Any, chance: random.Random) -> None:
    """Put Istio's metadata in another order of keys: protobuf prints maps in any."""
    if isinstance(value, list):
        for item in value:
            shuffle_keys(item, chance)
    elif isinstance(value, dict):
        if value.keys() >= {"host", "name", "namespace"}:
            items = list(value.items())
            chance.shuffle(items)
            value.clear()
            value.update(items)
        for item in value.values():
            shuffle_keys(item, chance)


class Sidecar:
    """The sidecar that is copied."""

    def __init__(self, folder: Path, size: int) -> None:
        """Read its files and add services to it."""
        self.files = {path.name: path.read_bytes() for path in folder.iterdir()}
        self.pod, self.namespace = folder.name, folder.parent.name
        self.dump = decode(self.files["config_dump.json"])
        self.hosts = decode(self.files["clusters.json"])
        grow(self.dump, self.hosts, size)
        node = self.dump["configs"][0]["bootstrap"]["node"]["id"]
        self.ip = node.split("~")[1]

    def renamed(self, data: bytes, number: int) -> bytes:
        """A file or an object of the copy with this number."""
        ip = f"10.250.{number // 250}.{number % 250 + 1}"
        data = data.replace(self.pod.encode(), self.name(number).encode())
        return re.sub(rb"(?<![0-9.])%s(?![0-9])" % re.escape(self.ip.encode()), ip.encode(), data)

    def name(self, number: int) -> str:
        """Name of a copy's pod."""
        return f"{self.pod.rpartition('-')[0]}-{number:05}"

    def write(self, folder: Path, number: int) -> None:
        """Write the files of a copy."""
        chance = random.Random(number)
        for section in self.dump["configs"]:
            for key, items in section.items():
                if key in UNSORTED:
                    chance.shuffle(items)
        chance.shuffle(self.hosts["cluster_statuses"])
        shuffle_keys(self.dump, chance)
        moment = rb'"last_updated":"2026-11-21T08:%02d:%02d.' % divmod(number % 3600, 60)
        dump = re.sub(rb'"last_updated":"[^".]*\.', moment, encode(self.dump))
        files = self.files | {"config_dump.json": dump, "clusters.json": encode(self.hosts)}
        files["istio-proxy.log"] = new_requests(self.files["istio-proxy.log"], chance)
        target = folder / self.name(number)
        target.mkdir()
        for name, data in files.items():
            (target / name).write_bytes(self.renamed(data, number))


def new_requests(log: bytes, chance: random.Random) -> bytes:
    """The same log with ids of its own, and with connections that are as long as they were."""
    ports: dict[bytes, bytes] = {}

    def port(found: re.Match[bytes]) -> bytes:
        return ports.setdefault(found[0], b"%d" % chance.randint(32768, 60999))

    def request_id(_found: re.Match[bytes]) -> bytes:
        return f'"{uuid.UUID(int=chance.getrandbits(128))}"'.encode()

    return REQUEST_ID.sub(request_id, CLIENT_PORT.sub(port, log))


def multiply(folder: Path, count: int, size: int) -> None:
    """Give the recording ``count`` more pods with a sidecar: copies of its first one."""
    model = next(
        path for path in sorted((folder / "proxies").glob("*/*")) if "gateway" not in path.name
    )
    sidecar = Sidecar(model, size)
    for number in range(count):
        sidecar.write(model.parent, number)
    path = folder / "kubernetes" / "core" / "v1" / "pods.json"
    pods = decode(path.read_bytes())
    pod = encode(next(item for item in pods["items"] if item["metadata"]["name"] == sidecar.pod))
    pods["items"] += [decode(sidecar.renamed(pod, number)) for number in range(count)]
    path.write_bytes(encode(pods))


def write_mesh(folder: Path, count: int, size: int) -> None:
    """Write the whole recording."""
    unpack(bundled_recordings()[0], folder)
    multiply(folder, count, size)


def peak() -> float:
    """The most memory this process ever held, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(folder: Path, diagnosing: bool) -> None:
    """Read, diagnose and print the figures."""
    before = peak()
    started = time.perf_counter()
    snapshot = read_recording(folder)
    took = time.perf_counter() - started
    print(
        f"{len(snapshot.proxies)} proxies: read in {took:.1f} s, peak {peak():.0f} MB "
        f"({peak() - before:.0f} MB above the start)"
    )
    if diagnosing:
        started = time.perf_counter()
        found = diagnose(snapshot)
        took = time.perf_counter() - started
        print(f"{len(found.root_causes)} causes: found in {took:.1f} s, peak {peak():.0f} MB")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    megabytes = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    with tempfile.TemporaryDirectory() as name:
        # A process of its own writes the copies, so that its memory does not count.
        writer = multiprocessing.get_context("spawn").Process(
            target=write_mesh, args=(Path(name), count, int(megabytes * 1_000_000))
        )
        writer.start()
        writer.join()
        measure(Path(name), sys.argv[3:] == ["diagnose"])
