"""Calls that a proxy found no registered destination for, as its access log shows them.

With REGISTRY_ONLY an HTTP request gets 502 from the virtual host ``block_all`` and a TCP or TLS
connection ends in BlackHoleCluster; with ALLOW_ANY either goes through PassthroughCluster, in
plaintext as far as the mesh is concerned (pilot/pkg/networking/core/httproute.go).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import Call, Calls, access_logs, addressed_host, recent
from meshdoctor.model.access_log import OUTBOUND_SPECIAL, host_port
from meshdoctor.model.envoy.names import parse_cluster_name

if TYPE_CHECKING:
    from meshdoctor.model.access_log import AccessLogEntry
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot

PASSTHROUGH, BLACK_HOLE = OUTBOUND_SPECIAL
_BLOCKED = "block_all"
"""The route that answers 502 to what no registry knows."""


@dataclass(frozen=True, slots=True)
class Strays:
    """One proxy's recent calls to a host and port that it did not know, while the newest fails."""

    proxy: Proxy
    host: str
    """Fully qualified where a registry has it, else as the caller named it, else an address."""
    port: int | None
    calls: Calls
    """Those that failed, oldest first; one at least."""

    @property
    def newest(self) -> AccessLogEntry:
        """The newest line."""
        return self.calls[-1].entry

    @property
    def refused(self) -> bool:
        """Whether the proxy itself refused the newest; else it let it pass as it was."""
        return is_refused(self.newest)


def is_refused(entry: AccessLogEntry) -> bool:
    """Whether a proxy refused a call because no registry knows where it was to go."""
    blocked = entry.code == 502 and entry.route == _BLOCKED and not entry.is_inbound
    return blocked or entry.cluster == BLACK_HOLE


def _failed(call: Call) -> bool:
    """Whether the proxy refused a call, or the other end broke it; not what it answered."""
    answered = (call.entry.details or "").startswith("via_upstream")
    return is_refused(call.entry) or (call.failed and not answered)


def _is_stray(entry: AccessLogEntry) -> bool:
    return entry.cluster == PASSTHROUGH or is_refused(entry)


def _host(mesh: Snapshot, call: Call) -> str:
    """What was addressed; a TCP connection names nobody but its address."""
    ip = host_port(call.entry.downstream_local)[0] or ""
    return addressed_host(mesh, call) or call.entry.sni or ip


@lru_cache(maxsize=2)
def _served(mesh: Snapshot) -> dict[tuple[str, str, int | None], datetime]:
    """When each proxy last sent a call on to a registered host and port."""
    found: dict[tuple[str, str, int | None], datetime] = {}
    for cluster, calls in access_logs(mesh).outbound.items():
        name = parse_cluster_name(cluster)
        if name is not None:
            for call in calls:
                found[call.proxy.id, name.host, name.port] = call.time
    return found


def was_served(mesh: Snapshot, host: str) -> bool:
    """Whether any proxy sent a call on to this host within the logs' hour."""
    return any(key[1] == host for key in _served(mesh))


@lru_cache(maxsize=2)
def stray_calls(mesh: Snapshot) -> tuple[Strays, ...]:
    """Every proxy's stray calls of the last minutes, by host and port, where the newest failed."""
    found: dict[tuple[str, str, int | None], list[Call]] = {}
    for proxy in mesh.proxies.values():
        for entry in proxy.log.access if proxy.log else ():
            if entry.time is not None and _is_stray(entry):
                call = Call(proxy, entry, entry.time)
                key = (proxy.id, _host(mesh, call), entry.local_port)
                found.setdefault(key, []).append(call)
    strays = []
    for (proxy_id, host, port), calls in found.items():
        calls = list(recent(mesh, tuple(sorted(calls, key=lambda call: call.time))))
        failed = tuple(call for call in calls if _failed(call))
        if not failed or failed[-1] is not calls[-1] or not host:
            continue
        served = _served(mesh).get((proxy_id, host, port))
        if served is None or served < failed[-1].time:
            strays.append(Strays(failed[0].proxy, host, port, failed))
    return tuple(sorted(strays, key=lambda item: (item.host, item.port or 0, item.proxy.id)))
