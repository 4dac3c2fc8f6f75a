"""What the proxies of both ends show of an encounter: clusters, filter chains, failed requests."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import RECENT, access_logs, recent
from meshdoctor.analyze.base import holds, silent, unread
from meshdoctor.analyze.mtls_servers import INBOUND_LISTENER, takes_plaintext, takes_tls
from meshdoctor.analyze.proxy_evidence import (
    cluster_origin_evidence,
    filter_chain_match_evidence,
)
from meshdoctor.model.access_log import host_port
from meshdoctor.model.envoy import TlsMode
from meshdoctor.model.finding import Affected
from meshdoctor.model.pod import pod_ip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from meshdoctor.analyze.access_logs import Calls
    from meshdoctor.analyze.mtls_encounters import Encounter
    from meshdoctor.analyze.mtls_refusals import Refusal
    from meshdoctor.analyze.mtls_servers import Server
    from meshdoctor.model.access_log import AccessLogEntry
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

REQUESTS_FAIL = "requests-fail"
"""Fact: the logs of either end show the failure."""
CLIENT_HOLDS_MODE = "client-holds-mode"
"""Fact: the clients' clusters speak as the DestinationRule says."""
SERVER_HOLDS_MODE = "server-holds-mode"
"""Fact: the servers' inbound filter chains take what the PeerAuthentication says."""

_SPOKEN = {
    TlsMode.NONE: "plaintext",
    TlsMode.ISTIO_MUTUAL: "Istio mutual TLS",
    TlsMode.SIMPLE: "TLS without Istio's certificate",
    TlsMode.MUTUAL: "TLS with a certificate of its own",
}
_MOST_CALLERS = 20
_MOST_ASKED = 100
"""Where nobody is seen to call, so many proxies at most are asked whether they could."""
_MOST_SHOWN = 3
WRONG_VERSION = "WRONG_VERSION_NUMBER"
"""What BoringSSL calls an answer that is not TLS."""


def client_proxies(mesh: Snapshot, meeting: Encounter) -> Iterator[Proxy]:
    """Proxies of the clients, those that call first."""
    calling = {call.proxy.id: call.proxy for call in meeting.calls(mesh)}
    yield from calling.values()
    own = {f"{server.pod.name}.{server.pod.namespace}" for server in meeting.servers}
    for proxy in mesh.proxies.values():
        if proxy.id not in calling and proxy.id not in own and meeting.includes(mesh, proxy):
            yield proxy


def client_fact(mesh: Snapshot, meeting: Encounter, wanted: TlsMode) -> tuple[Fact, bool]:
    """Whether the clients' clusters speak as the rule says.

    Returns:
        The fact, and whether the proxies contradict it: all that were read hold something else.
    """
    name = meeting.destination.cluster
    others = False
    for proxy in islice(client_proxies(mesh, meeting), _MOST_ASKED):
        cluster = proxy.config.cluster(name) if proxy.config else None
        if cluster is None:
            continue
        if cluster.tls is wanted:
            how = _SPOKEN[wanted]
            text = f"The proxy of {mesh.caller(proxy)} sends {how} to every endpoint of {name}"
            return holds(CLIENT_HOLDS_MODE, text, cluster_origin_evidence(proxy, cluster)), False
        others = True
    if others:
        text = "The clients' proxies that were read do not hold what the rule says"
        return silent(CLIENT_HOLDS_MODE, text), True
    return unread(CLIENT_HOLDS_MODE, f"No client's cluster {name} could be read"), False


def _chain_evidence(proxy: Proxy, port: int) -> Iterator[Evidence]:
    listener = proxy.config.listener(INBOUND_LISTENER) if proxy.config else None
    for chain in listener.filter_chains if listener else ():
        if listener is not None and chain.match.destination_port == port:
            yield filter_chain_match_evidence(proxy, listener, chain)


def server_fact(mesh: Snapshot, servers: Iterable[Server], *, tls_only: bool) -> tuple[Fact, bool]:
    """Whether the servers' filter chains take only TLS (STRICT), or none (DISABLE).

    Returns:
        The fact, and whether the proxies contradict it.
    """
    contradicted = False
    for server in servers:
        proxy = mesh.proxy_of(server.pod)
        if proxy is None:
            continue
        takes = takes_plaintext if tls_only else takes_tls
        answer = takes(proxy, server.port)
        if answer is False:
            what = "no plaintext" if tls_only else "no TLS"
            text = f"{server.pod.name}'s inbound filter chains take {what} at port {server.port}"
            shown = list(_chain_evidence(proxy, server.port))[:1]
            return holds(SERVER_HOLDS_MODE, text, *shown), False
        contradicted = contradicted or answer is True
    if contradicted:
        text = "The servers' proxies that were read do not hold what the policy says"
        return silent(SERVER_HOLDS_MODE, text), True
    return unread(SERVER_HOLDS_MODE, "No server's filter chains could be read"), False


def _since(calls: Calls, rules: Iterable[Resource]) -> Calls:
    """Calls made after all of these objects were there."""
    born = [rule.created for rule in rules if rule.created is not None]
    return tuple(call for call in calls if not born or call.time >= max(born))


def transport_text(entry: AccessLogEntry) -> str:
    """What a line says of the connection to the upstream, wherever it says it."""
    return f"{entry.transport_failure} {entry.details}"


def was_cut(entry: AccessLogEntry) -> bool:
    """Whether the server closed the connection without an answer (UC)."""
    return entry.flagged("UC")


def was_garbled(entry: AccessLogEntry) -> bool:
    """Whether the answer to a TLS handshake was no TLS."""
    return WRONG_VERSION in transport_text(entry)


def failed_calls(
    mesh: Snapshot,
    meeting: Encounter,
    servers: Iterable[Server],
    objects: Iterable[Resource],
    *,
    shows: Callable[[AccessLogEntry], bool],
) -> Calls:
    """Recent calls that failed at these servers as this encounter must fail.

    Args:
        mesh: the snapshot.
        meeting: who calls what.
        servers: the pods that cannot understand the clients.
        objects: what makes it so; older calls do not count.
        shows: whether a line of a client's log shows such a failure.
    """
    ips = {pod_ip(server.pod) for server in servers}
    chosen = tuple(
        call
        for call in recent(mesh, meeting.calls(mesh))
        if host_port(call.entry.upstream_host)[0] in ips and shows(call.entry)
    )
    return _since(chosen, objects)


@lru_cache(maxsize=2)
def _unread_namespaces(mesh: Snapshot) -> frozenset[str]:
    """Namespaces of running proxies whose access log could not be read."""
    return frozenset(item.rpartition(".")[2] for item in access_logs(mesh).unread)


def requests_fail(
    mesh: Snapshot, meeting: Encounter, failed: Calls, refused: Iterable[Refusal] = ()
) -> Fact:
    """The fact that requests fail, as far as the logs of either end tell.

    Args:
        mesh: the snapshot.
        meeting: who calls what.
        failed: the clients' failed calls.
        refused: what the servers' logs say of the same, newest first.
    """
    lines = [item.evidence for item in refused]
    newest = [call.evidence for call in reversed(failed[-_MOST_SHOWN:])]
    if failed:
        who = ", ".join(dict.fromkeys(mesh.caller(call.proxy) for call in failed))
        last = failed[-1]
        clock = last.time.strftime("%H:%M:%S")
        text = f"{who} got {last.outcome} {len(failed)} times of late, last at {clock} UTC"
        return holds(REQUESTS_FAIL, text, *newest, *lines[:1])
    if lines:
        text = "The servers turned connections of these clients away: no filter chain for plaintext"
        return holds(REQUESTS_FAIL, text, *lines[:_MOST_SHOWN])
    spaces = _unread_namespaces(mesh)
    if any(group.includes(space, group.labels) for group in meeting.clients for space in spaces):
        return unread(REQUESTS_FAIL, "Not every client's access log could be read")
    minutes = int(RECENT.total_seconds() // 60)
    return silent(REQUESTS_FAIL, f"The access logs show no such failure in the last {minutes} min")


def affected_by(
    mesh: Snapshot, meeting: Encounter, failed: Calls, refused: Iterable[Resource] = ()
) -> tuple[Affected, ...]:
    """Who suffers: clients whose calls failed, else that call, else that hold the cluster.

    Args:
        mesh: the snapshot.
        meeting: who calls what.
        failed: the clients' failed calls.
        refused: clients' pods that the servers turned away.
    """
    to = meeting.destination.to
    seen = [mesh.caller(call.proxy) for call in failed]
    seen += [str(mesh.workloads.owning(pod)) for pod in refused]
    for calls in (recent(mesh, meeting.calls(mesh)), meeting.calls(mesh)):
        seen = seen or [mesh.caller(call.proxy) for call in calls]
    if seen:
        return tuple(Affected(name, to) for name in sorted(set(seen))[:_MOST_CALLERS])
    name = meeting.destination.cluster
    holders = dict.fromkeys(
        mesh.caller(proxy)
        for proxy in islice(client_proxies(mesh, meeting), _MOST_ASKED)
        if proxy.config is not None and proxy.config.cluster(name) is not None
    )
    if not holders:
        return (Affected("", to),)
    return tuple(Affected(holder, to) for holder in sorted(list(holders)[:_MOST_CALLERS]))
