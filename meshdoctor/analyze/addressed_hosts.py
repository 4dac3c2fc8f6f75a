"""What callers address when the route of it leads nowhere: the host that the rule is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import addressed_host
from meshdoctor.analyze.destination_facts import affected_by, failed_calls_to

if TYPE_CHECKING:
    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.finding import Affected
    from meshdoctor.model.snapshot import Snapshot


def _addressed(mesh: Snapshot, use: Use) -> str:
    """``host:port`` that the callers address: what the route is for, not what it leads to."""
    port = use.destination.port
    calls = failed_calls_to(mesh, use, "NC")
    host = addressed_host(mesh, calls[-1]) if calls else ""
    host = host or next(iter(use.routes[0].binding.hosts), use.destination.host)
    ports = sorted({p.number for found in mesh.registry.find(host) for p in found.ports})
    if ports and port not in ports:
        port = ports[0]
    return f"{host}:{port}" if port is not None else host


def callers_of_missing(mesh: Snapshot, use: Use) -> tuple[Affected, ...]:
    """Who suffers from a route to a cluster that no proxy holds, and what they address."""
    return affected_by(mesh, use, failed_calls_to(mesh, use, "NC"), _addressed(mesh, use))
