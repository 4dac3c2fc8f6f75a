"""Requests that a proxy refuses for their form: HTTP/1.0, or headers that are too large.

Envoy answers 426 to HTTP/1.0 (nginx's default towards what it proxies) and 431 to headers above
its limit of 60 KiB; the application never sees such a request.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import RECENT, Call, addressed_host
from meshdoctor.analyze.base import PROXY_LOG, destination_subject, holds
from meshdoctor.model.finding import Affected, Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.snapshot import Snapshot

OLD_VERSION = "MD0138"
LARGE_HEADERS = "MD0139"
_BY_STATUS = {
    426: (OLD_VERSION, "speaks HTTP/1.0, which proxies answer with 426 Upgrade Required"),
    431: (LARGE_HEADERS, "sends headers too large for a proxy, which answers 431"),
}
_MOST_SHOWN = 3


def _refused(mesh: Snapshot) -> Iterator[Call]:
    """Recent requests that a proxy itself answered so."""
    for proxy in mesh.proxies.values():
        for entry in proxy.log.access if proxy.log else ():
            if entry.code not in _BY_STATUS or entry.time is None:
                continue
            if entry.time >= mesh.now - RECENT and "via_upstream" not in (entry.details or ""):
                yield Call(proxy, entry, entry.time)


def _finding(mesh: Snapshot, place: tuple[int, str, str], calls: list[Call]) -> Finding:
    status, caller, host = place
    code, does = _BY_STATUS[status]
    newest = sorted(calls, key=lambda call: call.time)[-_MOST_SHOWN:]
    where = host or "an unnamed host"
    text = f"{caller} {does}: {len(calls)} requests to {where} of the last minutes"
    return Finding(
        code=code,
        subject=destination_subject(where, newest[-1].entry.local_port),
        outcome=Outcome.WARN,
        message=text,
        resource=caller,
        objects=(caller,),
        facts=(holds("proxy-refuses-request", text, *(call.evidence for call in newest)),),
        affected=(Affected(caller, where),),
        root=False,
    )


@dataclass(frozen=True, slots=True)
class RefusedRequests:
    """Requests have a form that proxies take."""

    name: str = "refused-requests"
    description: str = "No caller speaks HTTP/1.0 or sends headers that are too large for a proxy."
    inputs: tuple[str, ...] = (PROXY_LOG,)
    codes: tuple[str, ...] = (OLD_VERSION, LARGE_HEADERS)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One WARN for each caller and host."""
        found: dict[tuple[int, str, str], list[Call]] = defaultdict(list)
        for call in _refused(mesh):
            caller = mesh.caller(call.proxy)
            if call.entry.is_inbound and (pod := mesh.pod_at(call.entry.remote_ip or "")):
                caller = str(mesh.workloads.owning(pod))
            found[call.entry.code, caller, addressed_host(mesh, call)].append(call)
        for place, calls in sorted(found.items(), key=lambda item: item[0]):
            yield _finding(mesh, place, calls)


ANALYZER = RefusedRequests()
