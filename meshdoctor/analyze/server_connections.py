"""Whether the application behind a pod's port takes connections, as its own proxy sees it.

The sidecar dials the application at the pod's IP and target port (cluster ``inbound|<port>||``), so
its log and its host counters say whether anything listens there. A pod without a sidecar is judged
by what the callers' proxies log of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import access_logs, recent
from meshdoctor.analyze.proxy_evidence import host_evidence
from meshdoctor.model.pod import has_proxy, pod_ip

if TYPE_CHECKING:
    from meshdoctor.analyze.access_logs import Call, Calls
    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

NOW_WINDOW = timedelta(minutes=2)
"""How old a line may be and still say what a server does now."""
_NEWEST = 3


class Answer(StrEnum):
    """What happens to a connection to the application."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """Nobody tried, or nothing that would show it was read."""


@dataclass(frozen=True, slots=True)
class Connections:
    """What was seen of connections to one port of one pod."""

    pod: Resource
    port: int
    answer: Answer
    text: str
    from_log: bool
    """Whether an access log says so, not only counters."""
    unread: bool
    """Whether a source that would have shown it could not be read."""
    evidence: tuple[Evidence, ...] = ()
    at_loopback: bool = False
    """Whether the sidecar dials 127.0.0.1, as a Sidecar's ingress may ask, not the pod's IP."""


def is_loopback(address: str | None) -> bool:
    """Whether an address, with or without port, is the loopback one."""
    return (address or "").startswith(("127.", "[::1]", "::1"))


def is_refused(call: Call) -> bool:
    """Whether a line says that nothing listens at the upstream's address."""
    failure = f"{call.entry.transport_failure or ''} {call.entry.details or ''}".lower()
    if not call.entry.flagged("UF"):
        return False
    return "connection_refused" in failure or "delayed_connect_error:_111" in failure


def calls_at(mesh: Snapshot, use: Use, pod: Resource, port: int) -> Calls:
    """Recent calls that reached one port of a pod, newest last.

    Of a pod with a sidecar its own inbound lines; else the callers' lines with its address.
    """
    if has_proxy(pod):
        calls = access_logs(mesh).inbound.get((f"{pod.name}.{pod.namespace}", port), ())
    else:
        address = f"{pod_ip(pod)}:{port}"
        calls = tuple(call for call in use.calls if call.entry.upstream_host == address)
    return recent(mesh, calls, NOW_WINDOW)


def _by_log(mesh: Snapshot, use: Use, pod: Resource, port: int) -> Connections | None:
    calls = calls_at(mesh, use, pod, port)
    newest = calls[-_NEWEST:]
    if not newest:
        return None
    refused = [call for call in newest if is_refused(call)]
    shown = tuple(call.evidence for call in reversed(newest))
    where = f"{pod.name} at port {port}"
    if len(refused) == len(newest) and len(newest) > 1:
        text = f"connections to {where} are refused (the last {len(newest)} of {len(calls)} lines)"
        inside = all(is_loopback(call.entry.upstream_host) for call in newest)
        return Connections(pod, port, Answer.REFUSED, text, True, False, shown, inside)
    if newest[-1].entry.flagged("UF"):
        if refused:
            return None
        text = f"connections to {where} fail, but are not refused"
        return Connections(pod, port, Answer.UNKNOWN, text, True, False, shown)
    text = f"{where} takes connections"
    return Connections(pod, port, Answer.ACCEPTED, text, True, False, shown[:1])


def counted_connections(mesh: Snapshot, pod: Resource, port: int) -> Connections | None:
    """What the pod's own proxy counts of its connections to a port; None when it made none."""
    proxy = mesh.proxy_of(pod)
    if proxy is None or proxy.hosts is None:
        return None
    name = f"inbound|{port}||"
    hosts = proxy.hosts.hosts_of(name)
    tried = sum(host.cx_total for host in hosts)
    failed = sum(host.cx_connect_fail for host in hosts)
    if not tried:
        return None
    shown = tuple(host_evidence(proxy, name, host) for host in hosts[:1])
    if failed == tried:
        text = f"all {tried} connections of {pod.name}'s proxy to its port {port} failed"
        inside = all(is_loopback(host.address) for host in hosts)
        return Connections(pod, port, Answer.REFUSED, text, False, False, shown, inside)
    text = f"{tried - failed} of {tried} connections to {pod.name} at port {port} were made"
    return Connections(pod, port, Answer.ACCEPTED, text, False, False, shown)


def connections_to(mesh: Snapshot, use: Use, pod: Resource, port: int) -> Connections:
    """What is known of connections to one port of a pod.

    Args:
        mesh: the snapshot.
        use: the destination whose callers count for a pod without a sidecar.
        pod: the server.
        port: the target port.
    """
    found = _by_log(mesh, use, pod, port) or counted_connections(mesh, pod, port)
    if found is not None:
        return found
    proxy = mesh.proxy_of(pod)
    blind = has_proxy(pod) and (proxy is None or proxy.hosts is None)
    text = f"nothing was seen of connections to {pod.name} at port {port}"
    return Connections(pod, port, Answer.UNKNOWN, text, False, blind)
