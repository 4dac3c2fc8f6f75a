"""Requests that an authorization filter refused of late, and pairs of which only config tells.

The access log names no policy for what no ALLOW rule matched; why the policies as they stand refuse
each is judged anew (``why_403``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.authorization_denials import denials
from meshdoctor.analyze.authorization_words import caller
from meshdoctor.analyze.mtls_servers import servers_behind
from meshdoctor.diagnose.scope import ScopeError, find_workload
from meshdoctor.intent.authorization_request import Request, Seen
from meshdoctor.model.kinds import AUTHORIZATION_POLICY, POD
from meshdoctor.views.why_403 import Why, why

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.model.finding import Affected
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

COLUMNS: tuple[tuple[str, str], ...] = (
    ("FROM", "source"),
    ("TO", "server"),
    ("REQUEST", "asked"),
    ("IDENTITY", "identity"),
    ("TIMES", "times"),
    ("WHY", "reason"),
)
INPUTS = (AUTHORIZATION_POLICY, POD)
"""Without these nobody can tell what refuses a request."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """Like requests of one caller to one server."""

    source: str
    """The caller's workload, else its address."""
    server: str
    pod: Resource
    """The server's pod."""
    asked: str
    """Method, path and port."""
    times: str
    """How often of late; empty where no log was read."""
    why: Why
    policies: frozenset[str]
    """The policies that decide, as text."""

    @property
    def identity(self) -> str:
        """Who the server takes the caller for."""
        found = self.why.identity.principal
        if isinstance(found, str):
            return found
        return "none" if found is Seen.ABSENT else "unknown"

    @property
    def reason(self) -> str:
        """The verdict and its first reason."""
        return self.why.reason


def _asked(request: Request, port: int | None) -> str:
    parts = [item for item in (request.method, request.path) if isinstance(item, str)]
    return " ".join([*parts, f"port {port}"] if port is not None else parts) or "anything"


def _row(
    mesh: Snapshot,
    client: Resource | None,
    server: Resource,
    port: int | None,
    request: Request,
    source: str,
    times: str,
) -> RefusedRow:
    judged = why(mesh, client, server, port, request)
    deciding = frozenset(str(item.policy) for item in judged.policies if item.decides)
    asked = _asked(request, port)
    return RefusedRow(source, judged.server, server, asked, times, judged, deciding)


def rows(mesh: Snapshot) -> tuple[RefusedRow, ...]:
    """Every kind of request that was refused in the last minutes and still would be."""
    if mesh.catalog.unread(*INPUTS):
        return ()
    return tuple(
        _row(
            mesh,
            item.client,
            item.pod,
            item.port,
            item.request,
            caller(mesh, item) or f"address {item.calls[-1].entry.remote_ip}",
            str(len(item.calls)),
        )
        for item in denials(mesh)
    )


def _pods(mesh: Snapshot, source: str) -> tuple[Resource, ...]:
    kind, _, place = source.partition(" ")
    namespace, _, name = place.partition("/")
    try:
        return find_workload(mesh, f"{kind}/{name}", (namespace,)).running_pods
    except ScopeError:
        return ()


def _servers(mesh: Snapshot, to: str) -> Iterator[tuple[Resource, int]]:
    host, _, number = to.partition(":")
    service = mesh.registry.service(host)
    port = service.port(int(number)) if service and number.isdecimal() else None
    if service is not None and port is not None:
        yield from ((item.pod, item.port) for item in servers_behind(mesh, service, port))


def pairs(mesh: Snapshot, affected: Iterable[Affected]) -> tuple[RefusedRow, ...]:
    """The pairs that a root cause names, where no log shows a request: nothing asked is known."""
    if mesh.catalog.unread(*INPUTS):
        return ()
    found = []
    for item in affected:
        client = next(iter(_pods(mesh, item.source)), None) if item.source else None
        server = next(_servers(mesh, item.to), None)
        if server is not None:
            source = item.source or "anybody"
            found.append(_row(mesh, client, server[0], server[1], Request(), source, ""))
    return tuple(found)


def unread(mesh: Snapshot) -> tuple[str, ...]:
    """What was not read, without which nothing can be said."""
    return mesh.catalog.unread(*INPUTS)


def to_json(row: RefusedRow) -> dict[str, Any]:
    """The row as plain values, with every policy, rule and field."""
    from meshdoctor.views import why_403_rows

    return {
        "from": row.source,
        "to": row.server,
        "request": row.asked,
        "identity": row.identity,
        "identity_how": row.why.identity.how,
        "times": int(row.times) if row.times else None,
        "verdict": row.why.decision.access.value,
        "reason": row.reason,
        "fields": [why_403_rows.to_json(item) for item in why_403_rows.rows(row.why)],
    }
