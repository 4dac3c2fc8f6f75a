"""How findings about a Gateway are built, and what its proxies' logs say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import RECENT, Call
from meshdoctor.analyze.base import holds, silent, unread
from meshdoctor.analyze.destination_findings import command_target
from meshdoctor.analyze.proxy_evidence import virtual_host_evidence
from meshdoctor.intent.gateway_servers import host_texts, hosts_meet
from meshdoctor.intent.gateway_workloads import router_pods
from meshdoctor.model.access_log import host_port
from meshdoctor.model.finding import Affected, Finding, Outcome, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.intent.gateway_servers import Server
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

NOT_ROUTED = "requests-are-not-routed"
"""Fact: the gateway's access log shows requests that found no route."""
NO_ROUTE_HELD = "gateway-holds-no-route"
"""Fact: the gateway's proxies have no route for the host."""
_ANY_ROUTER = "deployment/GATEWAY -n NAMESPACE"
_MOST_EVIDENCE = 3


def gateway_subject(gateway: Resource) -> str:
    """Subject of findings about a Gateway."""
    return f"gateway {gateway.namespace}/{gateway.name}"


def passes(code: str, gateway: Resource, message: str, fact: str, *evidence: Evidence) -> Finding:
    """A PASS about a Gateway: it rules the code's cause out."""
    return Finding(
        code=code,
        subject=gateway_subject(gateway),
        outcome=Outcome.PASS,
        message=message,
        resource=str(gateway),
        facts=(holds(fact, message, *evidence),),
    )


def cannot_tell(code: str, gateway: Resource, message: str, needs: Iterable[str]) -> Finding:
    """An UNKNOWN about a Gateway, naming the inputs that were unread."""
    return Finding(
        code=code,
        subject=gateway_subject(gateway),
        outcome=Outcome.UNKNOWN,
        message=message,
        resource=str(gateway),
        needs=tuple(needs),
    )


def router_command(mesh: Snapshot, gateway: Resource) -> str:
    """A proxy behind a Gateway as istioctl takes it: ``deployment/name -n namespace``."""
    pods = router_pods(mesh, gateway)
    return command_target(str(mesh.workloads.owning(pods[0]))) if pods else _ANY_ROUTER


def problem(
    mesh: Snapshot,
    code: str,
    gateway: Resource,
    message: str,
    *,
    objects: tuple[str, ...],
    facts: tuple[Fact, ...],
    servers: Iterable[Server] = (),
    fills: Mapping[str, str] | None = None,
    root: bool = True,
    severity: Severity | None = None,
) -> Finding:
    """A FAIL about a Gateway; where nothing depends on it, a WARN that names no root cause.

    Args:
        mesh: the snapshot.
        code: the finding's code.
        gateway: the Gateway.
        message: what is so.
        objects: at fault first.
        facts: what shows it.
        servers: the servers that suffer, whose hosts nobody reaches.
        fills: further words for the cause's templates.
        root: whether something suffers.
        severity: overrides the code's own.
    """
    return Finding(
        code=code,
        subject=gateway_subject(gateway),
        outcome=Outcome.FAIL if root else Outcome.WARN,
        message=message,
        resource=objects[0],
        objects=objects[:6],
        facts=facts,
        affected=tuple(Affected("", text) for text in host_texts(servers)),
        severity=severity if root else Severity.WARNING,
        root=root,
        fills={
            "gateway": f"{gateway.namespace}/{gateway.name}",
            "router": router_command(mesh, gateway),
            **(fills or {}),
        },
    )


def router_proxies(mesh: Snapshot, gateway: Resource) -> tuple[Proxy, ...]:
    """What was read of the proxies behind a Gateway."""
    found = (mesh.proxy_of(pod) for pod in router_pods(mesh, gateway))
    return tuple(proxy for proxy in found if proxy is not None)


def recent_calls(mesh: Snapshot, proxies: Iterable[Proxy]) -> tuple[Call, ...]:
    """Requests of the last minutes that came in at these proxies, oldest first."""
    found = [
        Call(proxy, entry, entry.time)
        for proxy in proxies
        for entry in (proxy.log.access if proxy.log else ())
        if entry.time is not None and entry.time >= mesh.now - RECENT
    ]
    return tuple(sorted(found, key=lambda call: (call.time, call.proxy.id, call.entry.line)))


def unrouted_calls(
    mesh: Snapshot, proxies: Iterable[Proxy], hosts: Iterable[str], *rules: Resource
) -> tuple[Call, ...]:
    """Recent requests for any of these hosts that found no route (404, flag NR).

    Args:
        mesh: the snapshot.
        proxies: the gateway's.
        hosts: names or wildcards.
        rules: the objects that make it so: what is older than they are speaks of something else.
    """
    wanted = tuple(hosts)
    made = [rule.created for rule in rules if rule.created is not None]
    since = max(made, default=None)
    return tuple(
        call
        for call in recent_calls(mesh, proxies)
        if (since is None or call.time >= since)
        and call.entry.flagged("NR")
        and (call.entry.details or "").startswith("route_not_found")
        and any(hosts_meet(host_port(call.entry.authority)[0] or "", host) for host in wanted)
    )


def not_routed(
    mesh: Snapshot, proxies: tuple[Proxy, ...], hosts: Iterable[str], *rules: Resource
) -> Fact:
    """The fact that the gateway's own log shows 404s for these hosts, see ``unrouted_calls``."""
    calls = unrouted_calls(mesh, proxies, hosts, *rules)
    if calls:
        last = calls[-1]
        times = "once" if len(calls) == 1 else f"{len(calls)} times"
        text = f"{last.proxy.id} answered {last.outcome} {times} in the last minutes"
        return holds(NOT_ROUTED, text, *(c.evidence for c in reversed(calls[-_MOST_EVIDENCE:])))
    if not proxies or any(proxy.log is None for proxy in proxies):
        return unread(NOT_ROUTED, "Not every gateway pod's access log could be read")
    return silent(NOT_ROUTED, "The gateway's access log shows no such request of the last minutes")


def holds_no_route(proxies: tuple[Proxy, ...], hosts: Iterable[str]) -> Fact:
    """The fact that no virtual host of the gateway's proxies is for any of these hosts."""
    wanted = tuple(hosts)
    read = [proxy for proxy in proxies if proxy.config is not None]
    if not read:
        return unread(NO_ROUTE_HELD, "No gateway pod's routes could be read")
    evidence = []
    for proxy in read:
        for config in proxy.config.routes if proxy.config else ():
            for virtual_host in config.virtual_hosts if config.state == "dynamic" else ():
                names = [name for name in virtual_host.domains if name != "*"]
                if any(hosts_meet(name, host) for name in names for host in wanted):
                    text = f"{proxy.id} still holds routes for {virtual_host.name}"
                    return silent(NO_ROUTE_HELD, text)
                evidence.append(virtual_host_evidence(proxy, config, virtual_host))
    text = f"{read[0].id} holds no route for {', '.join(wanted)}"
    return holds(NO_ROUTE_HELD, text, *evidence[:_MOST_EVIDENCE])
