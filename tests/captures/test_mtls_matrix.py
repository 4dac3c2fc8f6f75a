"""The mTLS matrix, which never reads access logs, against what they show of every capture."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from meshdoctor.analyze.authorization_callers import client_of
from meshdoctor.analyze.mtls_pairs import pair
from meshdoctor.analyze.mtls_servers import server_at
from meshdoctor.analyze.mtls_targets import services_at
from meshdoctor.analyze.mtls_verdict import Works
from meshdoctor.model.access_log import host_port
from meshdoctor.model.envoy.names import parse_cluster_name
from meshdoctor.model.pod import is_gateway
from meshdoctor.recording.reader import read_recording
from meshdoctor.views.mtls import Asking, rows
from tests.captures.editing import copy_of
from tests.captures.test_every_capture import _EXPECTED, capture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from meshdoctor.analyze.mtls_pairs import Pair
    from meshdoctor.model.access_log import AccessLogEntry
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_WINDOW = timedelta(minutes=2)
"""Older lines may be of the time before the fault."""
_TLS_FAILURE = re.compile("TLS_error|CERTIFICATE_VERIFY|WRONG_VERSION")
_BROKEN = (
    "strict-server-dr-disable",
    "strict-server-plaintext-client",
    "dr-mutual-server-without-sidecar",
    "dr-san-mismatch",
    "peerauth-disable-dr-mutual",
    "inbound-port-excluded",
    "outbound-port-excluded",
)
"""Captures in which the logs must show that two ends do not understand each other."""


@dataclass(frozen=True)
class Sight:
    """The newest line about one client and one server."""

    client: Resource
    server: Resource
    port: int
    cluster: str
    understood: bool
    entry: AccessLogEntry

    def is_news_to(self, found: Pair) -> bool:
        """Whether the line was written after the objects that decide now were made."""
        rules = (found.sending.rule, found.accepting.policy)
        born = [rule.created for rule in rules if rule is not None and rule.created is not None]
        return all(self.entry.time is not None and self.entry.time >= time for time in born)


def _understood(entry: AccessLogEntry) -> bool | None:
    """Whether the two ends understood each other; None where the line does not tell."""
    text = f"{entry.transport_failure} {entry.details}"
    if _TLS_FAILURE.search(text):
        return False
    if entry.flagged("UC") and "connection_termination" in text:
        return False
    if entry.flagged("DPE"):
        return False
    if set(entry.flags) & {"UF", "UH", "NC", "NR", "DC", "UT", "URX", "FI", "UO", "DT"}:
        return None
    return True if entry.code else None


def _outbound(mesh: Snapshot, proxy: Proxy, pod: Resource) -> Iterator[Sight]:
    for entry in proxy.log.access if proxy.log else ():
        ip, port = host_port(entry.upstream_host)
        server = mesh.pod_at(ip or "")
        name = parse_cluster_name(entry.cluster or "")
        understood = _understood(entry)
        if entry.time is None or entry.time < mesh.now - _WINDOW or understood is None:
            continue
        if server is None or port is None or name is None or name.direction != "outbound":
            continue
        if server.created and server.created > entry.time:
            continue
        yield Sight(pod, server, port, entry.cluster or "", understood, entry)


def _inbound(mesh: Snapshot, proxy: Proxy, pod: Resource) -> Iterator[Sight]:
    for entry in proxy.log.access if proxy.log else ():
        port, understood = entry.local_port, _understood(entry)
        if "filter_chain_not_found" in (entry.details or ""):
            understood = False
        elif not entry.is_inbound:
            continue
        if entry.time is None or entry.time < mesh.now - _WINDOW or understood is None:
            continue
        client = client_of(mesh, entry, entry.time)
        # What UC says between a sidecar and its application is no matter of mutual TLS.
        if client is None or port is None or entry.flagged("UC"):
            continue
        yield Sight(client, pod, port, "", understood, entry)


def sights(mesh: Snapshot) -> list[Sight]:
    """What the logs show last of each client, server, port and cluster."""
    newest: dict[tuple[Resource, Resource, int, str], Sight] = {}
    for proxy in mesh.proxies.values():
        pod = mesh.pod_of(proxy)
        if pod is None:
            continue
        found = [*_outbound(mesh, proxy, pod)]
        if not is_gateway(pod):
            found += _inbound(mesh, proxy, pod)
        for sight in sorted(found, key=lambda item: str(item.entry.time)):
            newest[sight.client, sight.server, sight.port, sight.cluster] = sight
    return list(newest.values())


def predicted(mesh: Snapshot, sight: Sight) -> list[Pair]:
    """What the matrix says of a pair: for the cluster's destination, or for each that may be."""
    name = parse_cluster_name(sight.cluster) if sight.cluster else None
    places = services_at(mesh, server_at(mesh, sight.server, sight.port))
    found = [
        pair(mesh, sight.client, service, port, sight.server, name.subset if name else "")
        for service, port in places
        if name is None or (service.host, port.number) == (name.host, name.port)
    ]
    return [item for item in found if item is not None]


def compared(mesh: Snapshot) -> Iterator[tuple[Sight, list[Pair]]]:
    """What was seen since the objects that decide now were made, and what the matrix says of it."""
    for sight in sights(mesh):
        found = predicted(mesh, sight)
        if found and all(sight.is_news_to(item) for item in found):
            yield sight, found


@pytest.mark.usefixtures("captures_root", "no_network")
@pytest.mark.parametrize("name", sorted(_EXPECTED))
def test_the_matrix_agrees_with_the_access_logs(name: str) -> None:
    disagreements = []
    for sight, found in compared(read_recording(capture(name))):
        wanted = Works.YES if sight.understood else Works.NO
        if all(item.verdict.works is not wanted for item in found):
            who = f"{sight.client} -> {sight.server}:{sight.port}"
            said = f"{found[0].sending.by}; {found[0].verdict.works}: {found[0].verdict.why}"
            disagreements.append(f"{who}: {said}\n  {sight.entry.text}")
    assert not disagreements, "\n".join(disagreements)


@pytest.mark.usefixtures("captures_root", "no_network")
@pytest.mark.parametrize("name", _BROKEN)
def test_a_broken_pair_is_seen_in_the_logs_and_is_a_row_that_fails(name: str) -> None:
    mesh = read_recording(capture(name))
    broken = [sight for sight, _ in compared(mesh) if not sight.understood]
    assert broken
    failing = rows(mesh, Asking(is_broken=True))
    for sight in broken:
        client, server = (str(mesh.workloads.owning(p)) for p in (sight.client, sight.server))
        assert any(client in row.clients and server in row.servers for row in failing)


def answers(mesh: Snapshot) -> dict[tuple[str, ...], set[str]]:
    """What the matrix says of each client, destination and server."""
    found: dict[tuple[str, ...], set[str]] = {}
    for row in rows(mesh, Asking(each=True)):
        place = row.destinations[0]
        for client in row.clients:
            for server in row.servers:
                key = (client, place.host, str(place.port), place.subset, server)
                found.setdefault(key, set()).add(row.works)
    return found


@pytest.mark.usefixtures("captures_root", "no_network")
@pytest.mark.parametrize(
    "missing",
    [
        "kubernetes/security.istio.io/*/peerauthentications.json",
        "kubernetes/networking.istio.io/*/destinationrules.json",
        "istiod/*/*/debug/mesh.json",
        "kubernetes/core/v1/namespaces.json",
        "kubernetes/apps/v1/replicasets.json",
    ],
)
@pytest.mark.parametrize("name", [*_BROKEN, "healthy", "ambient-healthy"])
def test_without_one_input_it_is_the_same_or_unknown_never_the_opposite(
    name: str, missing: str, tmp_path: Path
) -> None:
    whole = answers(read_recording(capture(name)))
    copy = copy_of(name, tmp_path)
    copy.remove(missing)
    seen = answers(copy.mesh)
    assert seen.keys() & whole.keys()
    for key, works in seen.items():
        assert works <= whole.get(key, set()) | {"unknown"}, key
