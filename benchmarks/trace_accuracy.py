"""How often the walk of a request predicts what the client's own access log then shows.

For every distinct client, destination, method and path of every capture the walk, which reads no
access log, says how such a request may end; the lines that the client's proxy wrote after the last
change of the mesh say how they did end. A pair is right when everything that was seen was
predicted, the likeliest outcome among it. An outcome that the server's proxy made is told from the
application's own by the server's line with the same request id.

Usage: python benchmarks/trace_accuracy.py [--all] [--intent] [FOLDER [NAME ...]]
FOLDER holds captures; --intent leaves the proxies' dumps out.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from meshdoctor.intent.policy_attachment import is_waypoint
from meshdoctor.model.access_log import host_port
from meshdoctor.model.envoy import config_dump as sections
from meshdoctor.model.kinds import ALL, CONFIG_MAP, ENDPOINT_SLICE, POD
from meshdoctor.model.pod import is_gateway, pod_ip
from meshdoctor.model.resource import as_list, as_mapping, parse_time
from meshdoctor.model.trace import Request
from meshdoctor.recording.reader import read_recording
from meshdoctor.trace.walk import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from meshdoctor.model.access_log import AccessLogEntry
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Outcome, Walk

LONGEST = timedelta(seconds=90)
"""Older lines are of no interest, however long ago the last change was."""
SETTLING = timedelta(seconds=2)
"""What a change needs to get from the API server into every proxy."""
VIA_UPSTREAM = "via_upstream"
ALL_PAIRS, FAILING_PAIRS = 98.0, 95.0
"""Percent that must be right."""
INTENT_PAIRS, INTENT_FAILING = 95.0, 90.0
"""The same for the walk by the objects alone, which no stale or ejecting proxy tells anything."""
_OBJECTS = tuple(
    kind
    for kind in ALL
    if kind.group.endswith("istio.io") or kind.name in ("NetworkPolicy", "Service", "Secret")
)
_DEFAULT = Path(__file__).parent.parent.parent / "shared" / "captures"
_SECTIONS = (sections.CLUSTERS, sections.LISTENERS, sections.ROUTES)
_TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time"


@dataclass(frozen=True, slots=True)
class Key:
    """One distinct request."""

    proxy: str
    host: str
    port: int
    method: str
    path: str
    tls: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """How a request ended, as the client's log and the server's have it."""

    status: int
    flags: frozenset[str]
    details: str
    """Of the proxy that made the answer; ``via_upstream`` for the application's own."""
    local: bool
    """Whether the client's own proxy made it."""

    def __str__(self) -> str:
        """As a person writes it."""
        return f"{self.status} {','.join(sorted(self.flags)) or '-'} {self.details}"

    def is_predicted_by(self, outcome: Outcome) -> bool:
        """Whether a predicted outcome is this one."""
        flags = frozenset(outcome.flags)
        if self.details == VIA_UPSTREAM or (not self.details and not self.flags):
            # URX beside it: the application chose a status that is tried again.
            return outcome.delivered and flags - {"URX"} == self.flags - {"URX"}
        if flags != self.flags:
            return False
        kind = (outcome.details if self.local else outcome.origin_details).partition("{")[0]
        return outcome.status == self.status and kind == self.details


@dataclass(frozen=True, slots=True)
class Pair:
    """A request, how it ended, and how it was said to end."""

    capture: str
    key: Key
    seen: frozenset[Seen]
    walked: Walk

    @property
    def is_right(self) -> bool:
        """Whether everything seen was predicted, and the likeliest outcome was seen."""
        outcomes = self.walked.outcomes
        return (
            bool(outcomes)
            and all(any(s.is_predicted_by(o) for o in outcomes) for s in self.seen)
            and any(
                s.is_predicted_by(o)
                for s in self.seen
                for o in outcomes
                if o.share == outcomes[0].share
            )
        )

    @property
    def fails(self) -> bool:
        """Whether some of these requests did not reach the application."""
        return any(s.details != VIA_UPSTREAM and (s.flags or s.details) for s in self.seen)


def _changes_of(mesh: Snapshot) -> Iterator[datetime | None]:
    """When anything last changed that decides where a request goes."""
    for kind in _OBJECTS:
        yield from (item.changed for item in mesh.catalog.of(kind))
    for item in mesh.catalog.of(CONFIG_MAP):
        yield item.changed
    for item in mesh.catalog.of(ENDPOINT_SLICE):
        yield parse_time(item.annotations.get(_TRIGGER))
    for pod in mesh.catalog.of(POD):
        yield pod.created
        for value in as_list(pod.status.get("conditions")):
            yield parse_time(as_mapping(value).get("lastTransitionTime"))
    for proxy in mesh.proxies.values():
        for section in _SECTIONS if proxy.config else ():
            yield parse_time(proxy.config.updated.get(section)) if proxy.config else None


def window_start(mesh: Snapshot) -> datetime:
    """The moment from which on lines tell of the mesh as it stands."""
    changes = [time for time in _changes_of(mesh) if time is not None and time <= mesh.now]
    return max(mesh.now - LONGEST, max(changes, default=mesh.now) + SETTLING)


def _is_outgoing(entry: AccessLogEntry, pod: Resource) -> bool:
    """Whether a line is of a request that the pod sent, or that a gateway took."""
    if entry.is_inbound or entry.is_listener_line or not entry.downstream_local:
        return False
    own = host_port(entry.downstream_local)[0] == pod_ip(pod)
    return is_gateway(pod) if own else True


def _key(proxy: Proxy, entry: AccessLogEntry) -> Key:
    address, port = host_port(entry.downstream_local)
    sni = "" if (entry.sni or "").startswith("outbound_.") else entry.sni
    host = host_port(entry.authority)[0] if entry.authority else sni or address
    return Key(
        proxy.id, host or "", port or 0, entry.method or "", entry.path or "/", bool(entry.sni)
    )


def _by_request(mesh: Snapshot) -> dict[str, AccessLogEntry]:
    """The line of the proxy furthest along for each request id."""
    found: dict[str, AccessLogEntry] = {}
    for proxy in mesh.proxies.values():
        for entry in proxy.log.access if proxy.log else ():
            if entry.is_inbound and entry.request_id:
                found[entry.request_id] = entry
    return found


def _seen(entry: AccessLogEntry, servers: dict[str, AccessLogEntry]) -> Seen:
    details = (entry.details or "").partition("{")[0]
    server = servers.get(entry.request_id or "")
    if details == VIA_UPSTREAM and server is not None:
        behind = (server.details or "").partition("{")[0]
        if behind not in ("", VIA_UPSTREAM):
            return Seen(entry.code, frozenset(entry.flags), behind, False)
    return Seen(entry.code, frozenset(entry.flags), details, True)


def _request(pod: Resource, key: Key, entry: AccessLogEntry) -> Request:
    headers = {"host": entry.authority} if entry.authority else {}
    return Request(
        client=pod,
        host=key.host,
        port=key.port,
        path=key.path,
        method=key.method or "GET",
        headers=headers,
        has_token=None,
        headers_known=False,
        from_gateway=is_gateway(pod),
        tls=key.tls,
        http=True,
    )


def pairs_of(name: str, mesh: Snapshot, *, intent: bool = False) -> Iterator[Pair]:
    """Every distinct request of one capture whose lines are of the mesh as it stands.

    Args:
        name: the capture's.
        mesh: what it holds.
        intent: whether to walk by the objects alone.
    """
    start, servers = window_start(mesh), _by_request(mesh)
    lines: dict[Key, list[AccessLogEntry]] = defaultdict(list)
    for proxy in mesh.proxies.values():
        pod = mesh.pod_of(proxy)
        if pod is None or proxy.log is None or is_waypoint(pod):
            continue
        for entry in proxy.log.access:
            if entry.time is not None and entry.time >= start and _is_outgoing(entry, pod):
                lines[_key(proxy, entry)].append(entry)
    for key, entries in lines.items():
        pod = mesh.pod_of(mesh.proxies[key.proxy])
        if pod is not None:
            seen = frozenset(_seen(entry, servers) for entry in entries)
            asked = _request(pod, key, entries[0])
            yield Pair(name, key, seen, walk(mesh, asked, intent_only=intent))


def read_pairs(paths: Iterable[Path], *, intent: bool = False) -> list[Pair]:
    """The pairs of every capture."""
    return [
        pair
        for path in paths
        for pair in pairs_of(path.name.removesuffix(".tar.gz"), read_recording(path), intent=intent)
    ]


def percent_right(pairs: list[Pair]) -> float:
    """How many are right, in percent; 100 for none."""
    return 100.0 * sum(pair.is_right for pair in pairs) / len(pairs) if pairs else 100.0


def capture_paths(root: Path, names: list[str]) -> list[Path]:
    """The captures of a folder, packed or not, by name."""
    found = [
        path
        for path in sorted(root.iterdir())
        if path.name.endswith(".tar.gz") or (path / "recording.json").is_file()
    ]
    chosen = [path for path in found if path.name.removesuffix(".tar.gz") in names]
    return chosen if names else found


def exact_sets(pairs: list[Pair]) -> int:
    """Pairs of which everything predicted was also seen."""
    return sum(
        all(any(s.is_predicted_by(o) for s in pair.seen) for o in pair.walked.outcomes)
        for pair in pairs
    )


def mean_size(pairs: list[Pair]) -> float:
    """How many outcomes a prediction has."""
    return sum(len(pair.walked.outcomes) for pair in pairs) / len(pairs) if pairs else 0.0


def _line(pair: Pair) -> str:
    key = pair.key
    said = "; ".join(
        f"{outcome.status} {','.join(outcome.flags) or '-'} "
        f"{(outcome.origin_details or outcome.details)[:60]} "
        f"{outcome.condition or format(outcome.share, '.0%')}"
        for outcome in pair.walked.outcomes
    )
    what = f"{key.method or 'TCP'} {key.host}:{key.port}{key.path}"
    return (
        f"{'ok  ' if pair.is_right else 'MISS'} {pair.capture}: {key.proxy} {what}\n"
        f"       seen {'; '.join(sorted(map(str, pair.seen)))}\n"
        f"       said {said or 'nothing'}"
    )


def main() -> int:
    """Print the misses and the two figures; 1 when a figure is below its bound."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--intent", action="store_true", help="walk by the objects alone")
    parser.add_argument("--all", action="store_true", help="print the right ones too")
    default = Path(os.environ.get("MESHDOCTOR_CAPTURES") or _DEFAULT)
    parser.add_argument("captures", type=Path, nargs="?", default=default)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    pairs = read_pairs(capture_paths(arguments.captures, arguments.names), intent=arguments.intent)
    failing = [pair for pair in pairs if pair.fails]
    for pair in pairs:
        if arguments.all or not pair.is_right:
            print(_line(pair))
    bounds = (INTENT_PAIRS, INTENT_FAILING) if arguments.intent else (ALL_PAIRS, FAILING_PAIRS)
    whole, part = percent_right(pairs), percent_right(failing)
    largest = max((len(pair.walked.outcomes) for pair in pairs), default=0)
    print(f"all pairs      {whole:6.1f} %  of {len(pairs)}, at least {bounds[0]} %")
    print(f"failing pairs  {part:6.1f} %  of {len(failing)}, at least {bounds[1]} %")
    print(f"predicted sets: {mean_size(pairs):.2f} outcomes on average, {largest} at most")
    print(f"with nothing that was not seen: {exact_sets(pairs)} of {len(pairs)}")
    return 0 if pairs and whole >= bounds[0] and part >= bounds[1] else 1


if __name__ == "__main__":
    sys.exit(main())
