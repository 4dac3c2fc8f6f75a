"""Requests that fail now, whatever the reason: silence about them would pass for health.

The other analyzers look for causes; this one only says that something fails, so that a mesh whose
fault no playbook knows is never called healthy. Refused connections (listener lines) are left to
the mTLS analyzers: a STRICT server that refuses plaintext does its duty.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import Call, addressed_host
from meshdoctor.analyze.base import PROXY_LOG, destination_subject, holds
from meshdoctor.model.envoy.names import parse_cluster_name
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.pod import has_proxy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.model.access_log import AccessLogEntry
    from meshdoctor.model.snapshot import Snapshot

REQUESTS_FAIL = "MD0190"
NOW = timedelta(minutes=1)
"""Only what happened this short a while ago speaks of now."""
FEWEST = 3
"""So many failures are no accident."""
_REFUSALS = ("rbac_access_denied", "jwt_authn_access_denied", "route_not_found")
"""Answers that a proxy gives of its own accord, with a status below 500."""


_REFUSED = (401, 403)


def _refused_out_of_sight(mesh: Snapshot, entry: AccessLogEntry) -> bool:
    """Whether the proxy of a server that was not read may have refused it."""
    if entry.is_inbound or entry.code not in _REFUSED:
        return False
    pod = mesh.pod_at((entry.upstream_host or "").rpartition(":")[0])
    if pod is None or not has_proxy(pod):
        return False
    proxy = mesh.proxy_of(pod)
    return proxy is None or proxy.log is None


def _failed(mesh: Snapshot, entry: AccessLogEntry) -> bool:
    if _refused_out_of_sight(mesh, entry):
        return True
    if (entry.details or "").startswith(_REFUSALS):
        return True
    # What the server's side answers is judged there by other analyzers.
    return not entry.is_inbound and (entry.code >= 500 or (entry.code == 0 and bool(entry.flags)))


def _where(mesh: Snapshot, call: Call) -> str:
    """Host and port that a caller meant, the same for every cluster that may take the call."""
    parsed = parse_cluster_name(call.entry.cluster) if call.entry.cluster else None
    if parsed is not None and parsed.direction == "outbound":
        return f"{parsed.host}:{parsed.port}"
    host, port = addressed_host(mesh, call), call.entry.local_port
    return f"{host or 'an unnamed host'}:{port}" if port is not None else host


def _subject(entry: AccessLogEntry, where: str) -> str:
    parsed = parse_cluster_name(entry.cluster) if entry.cluster else None
    if parsed is not None and parsed.direction == "outbound":
        return destination_subject(parsed.host, parsed.port, parsed.subset)
    return f"destination {where}"


def _caller(mesh: Snapshot, call: Call) -> str:
    """Who called: the proxy's own workload, or for what came in the pod at the other end."""
    if not call.entry.is_inbound:
        return mesh.caller(call.proxy)
    pod = mesh.pod_at(call.entry.remote_ip or "")
    return str(mesh.workloads.owning(pod)) if pod else ""


def _recent(mesh: Snapshot) -> Iterator[Call]:
    for proxy in mesh.proxies.values():
        for entry in proxy.log.access if proxy.log else ():
            if entry.time is None or entry.is_listener_line:
                continue
            if entry.time >= mesh.now - NOW:
                yield Call(proxy, entry, entry.time)


@dataclass(frozen=True, slots=True)
class UnexplainedFailures:
    """Finds destinations whose newest requests fail."""

    name: str = "unexplained-failures"
    description: str = "the newest requests through the mesh succeed"
    inputs: tuple[str, ...] = (PROXY_LOG,)
    codes: tuple[str, ...] = (REQUESTS_FAIL,)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """One WARN a destination whose newest request failed, several times within a minute."""
        by_place: dict[tuple[bool, str], list[Call]] = defaultdict(list)
        for call in _recent(mesh):
            by_place[call.entry.is_inbound, _where(mesh, call)].append(call)
        for (_, where), calls in by_place.items():
            calls.sort(key=lambda call: call.time)
            failed = [call for call in calls if _failed(mesh, call.entry)]
            # Who is refused may depend on the caller's token: others may pass meanwhile.
            refused = [call for call in failed if _refused_out_of_sight(mesh, call.entry)]
            lasts = _failed(mesh, calls[-1].entry) or len(refused) >= FEWEST
            if len(failed) >= FEWEST and lasts:
                yield _finding(mesh, where, failed, len(calls))


def _finding(mesh: Snapshot, where: str, failed: list[Call], total: int) -> Finding:
    newest = failed[-1]
    message = (
        f"{len(failed)} of the {total} requests to {where} of the last minute failed, "
        f"the newest with {newest.outcome}"
    )
    callers = sorted({_caller(mesh, call) for call in failed})
    return Finding(
        code=REQUESTS_FAIL,
        subject=_subject(newest.entry, where),
        outcome=Outcome.WARN,
        message=message,
        resource=next((caller for caller in callers if caller), mesh.caller(newest.proxy)),
        facts=(holds("requests-fail", message, newest.evidence),),
        affected=tuple(Affected(caller, where) for caller in callers),
        root=False,
    )


ANALYZER = UnexplainedFailures()
