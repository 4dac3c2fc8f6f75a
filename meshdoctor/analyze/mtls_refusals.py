"""Connections that STRICT servers turned away of late, and who tried them.

A listener logs nothing but connections that match no filter chain (``NR
filter_chain_not_found``): plaintext at a port that takes only TLS leaves no other trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import RECENT
from meshdoctor.analyze.mtls_servers import Server, has_application, server_at, takes_plaintext
from meshdoctor.analyze.proxy_evidence import log_evidence
from meshdoctor.intent.inbound_capture import is_in_ambient
from meshdoctor.model.pod import has_proxy, is_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from meshdoctor.model.access_log import AccessLogEntry
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_NO_CHAIN = "filter_chain_not_found"


class Source(StrEnum):
    """Who tried."""

    OUTSIDE = "outside"
    """A pod without a proxy."""
    INSIDE = "inside"
    """A pod of the mesh, whose traffic should not arrive in plaintext."""
    OTHER = "other"
    """No pod that is there now: kubelet, a node's own process, a pod that is gone."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One connection that was turned away, while the mode that did it still stands."""

    server: Server
    proxy: Proxy
    entry: AccessLogEntry
    time: datetime
    client: Resource | None
    """The pod that tried; None when it is no pod that is there now."""
    source: Source

    @property
    def evidence(self) -> Evidence:
        """The line."""
        return log_evidence(self.proxy, self.entry)

    @property
    def policy(self) -> Resource | None:
        """The PeerAuthentication that demands mutual TLS."""
        return self.server.peer.policy if self.server.peer else None


def _client(mesh: Snapshot, entry: AccessLogEntry, time: datetime) -> Resource | None:
    """The pod behind an address, when it was there at the time: addresses are used again."""
    pod = mesh.pod_at(entry.remote_ip or "")
    if pod is None or (pod.created is not None and pod.created > time):
        return None
    return pod


def _source(client: Resource | None) -> Source:
    if client is None:
        return Source.OTHER
    if has_proxy(client) or is_in_ambient(client):
        return Source.INSIDE
    return Source.OUTSIDE if has_application(client) else Source.OTHER


def _refusals_at(mesh: Snapshot, proxy: Proxy, pod: Resource) -> Iterator[Refusal]:
    begin = mesh.now - RECENT
    servers: dict[int, Server | None] = {}
    for entry in proxy.log.access if proxy.log else ():
        port, time = entry.local_port, entry.time
        if not entry.is_listener_line or _NO_CHAIN not in (entry.details or ""):
            continue
        if port is None or time is None or time < begin:
            continue
        if port not in servers:
            found = server_at(mesh, pod, port)
            mended = takes_plaintext(proxy, port) is True
            servers[port] = found if found.is_strict and not mended else None
        server = servers[port]
        policy = server.peer.policy if server and server.peer else None
        if server is None or policy is None or (policy.created and policy.created > time):
            continue
        client = _client(mesh, entry, time)
        yield Refusal(server, proxy, entry, time, client, _source(client))


@lru_cache(maxsize=2)
def refusals(mesh: Snapshot) -> tuple[Refusal, ...]:
    """Every refusal of the last minutes that the PeerAuthentication in force now explains.

    Needs pods and PeerAuthentications; without them there is none to be told.
    """
    found: list[Refusal] = []
    for proxy in mesh.proxies.values():
        pod = mesh.pod_of(proxy)
        if pod is not None and not is_gateway(pod):
            found += _refusals_at(mesh, proxy, pod)
    return tuple(sorted(found, key=lambda item: (item.time, item.proxy.id, item.entry.line)))
