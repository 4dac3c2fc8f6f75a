"""Whether VirtualServices set HTTP rules for ports on which proxies read no HTTP.

A sidecar looks at ``http`` rules only where it takes the port for HTTP, or may guess so; on a port
named ``tcp-…`` it hands bytes on and the rules are silently unused. At a gateway it is the
Gateway's own protocol that counts, so rules for gateways alone are in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import recent
from meshdoctor.analyze.base import (
    PROXY_CONFIG,
    PROXY_LOG,
    destination_subject,
    holds,
    silent,
    unread,
)
from meshdoctor.analyze.destination_facts import affected_by
from meshdoctor.analyze.destination_findings import passes, problem
from meshdoctor.analyze.destinations_in_use import uses_of
from meshdoctor.analyze.port_protocol_fix import declare
from meshdoctor.analyze.proxy_evidence import filter_chain_evidence, listener_evidence
from meshdoctor.intent.port_protocol import PortProtocol, declared_as, declared_at, protocol_of
from meshdoctor.intent.route_bindings import bindings
from meshdoctor.model.finding import Finding, Outcome
from meshdoctor.model.kinds import POD, SERVICE, SERVICE_ENTRY, VIRTUAL_SERVICE
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.intent.route_bindings import Binding
    from meshdoctor.model.envoy import FilterChain, Listener
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.registry import ServiceHost, ServicePort
    from meshdoctor.model.snapshot import Snapshot

RULES_UNUSED = "MD0133"
_MOST_SHOWN = 3


def _meant(mesh: Snapshot, binding: Binding, host: str) -> set[int]:
    """The ports that its HTTP rules name, by match or by destination; empty for any port."""
    found: set[object] = set()
    item = binding.virtual_service
    for value in as_list(item.spec.get("http")):
        rule = as_mapping(value)
        for match in as_list(rule.get("match")):
            found.add(as_mapping(match).get("port"))
        for target in as_list(rule.get("route")):
            destination = as_mapping(as_mapping(target).get("destination"))
            written = str(destination.get("host") or "")
            if mesh.registry.resolve(written, item.namespace) == host:
                found.add(as_mapping(destination.get("port")).get("number"))
    return {number for number in found if isinstance(number, int)}


def _ports(
    mesh: Snapshot, binding: Binding, host: str
) -> list[tuple[ServiceHost, ServicePort, PortProtocol]]:
    """The ports of a host that a rule's ``http`` is for, and what proxies take them for."""
    owners = mesh.registry.find(host)
    kubernetes = [owner for owner in owners if owner.is_kubernetes]
    every = [(o, p, protocol_of(o, p)) for o in kubernetes or owners for p in o.ports]
    meant = _meant(mesh, binding, host)
    chosen = [item for item in every if item[1].number in meant]
    return [item for item in chosen or every if item[2] is not PortProtocol.UDP]


def _tcp_chains(mesh: Snapshot, use: Use) -> Iterator[tuple[Proxy, Listener, FilterChain]]:
    """Chains that hand a destination's bytes on without reading requests, callers' first."""
    cluster = use.destination.cluster
    callers = {call.proxy.id for call in use.calls}
    for proxy in sorted(mesh.proxies.values(), key=lambda item: item.id not in callers):
        for listener in proxy.config.listeners if proxy.config else ():
            if listener.port != use.destination.port:
                continue
            for chain in listener.chains:
                if chain.tcp and any(target.name == cluster for target in chain.tcp.clusters):
                    yield proxy, listener, chain


def _chain_fact(mesh: Snapshot, use: Use) -> Fact:
    found = list(_tcp_chains(mesh, use))[:_MOST_SHOWN]
    if not found:
        return unread("proxies-follow-it", f"No proxy's listener for {use.destination} was read")
    who = ", ".join(dict.fromkeys(mesh.caller(proxy) for proxy, _, _ in found))
    text = f"The proxy of {who} hands connections to {use.destination} on as plain TCP"
    shown: list[Evidence] = [
        filter_chain_evidence(proxy, listener, chain)
        if chain.name
        else listener_evidence(proxy, listener)
        for proxy, listener, chain in found
    ]
    return holds("proxies-follow-it", text, *shown)


def _log_fact(mesh: Snapshot, use: Use) -> Fact:
    """The fact that callers' logs show connections where they should show requests."""
    bare = [call for call in recent(mesh, use.calls) if call.entry.method is None]
    if bare:
        text = f"The access log shows connections to {use.destination} without method or path"
        newest = [call.evidence for call in bare[-_MOST_SHOWN:]]
        return holds("calls-show-it", text, *newest)
    if use.watched:
        return silent("calls-show-it", "Nobody called it of late")
    return unread("calls-show-it", "The callers' logs were not read or are off")


def _unused(
    mesh: Snapshot, binding: Binding, found: tuple[ServiceHost, ServicePort], use: Use
) -> Finding:
    owner, port = found
    item = binding.virtual_service
    said = declared_as(owner, port)
    message = (
        f"{item} has HTTP rules for {owner.host}, whose port {port.number} is {said}: proxies take "
        f"it for plain TCP and use none of them"
    )
    return problem(
        RULES_UNUSED,
        use,
        message,
        objects=(str(owner.resource), str(item)),
        facts=(
            holds(
                "port-declared-otherwise",
                message,
                owner.resource.evidence(*declared_at(owner, port)),
                item.evidence("spec", "hosts"),
            ),
            _chain_fact(mesh, use),
            _log_fact(mesh, use),
        ),
        affected=affected_by(mesh, use),
        fills={
            "summary": (
                f"Port {port.number} of {owner.resource} is {said}, so proxies hand its bytes on "
                f"as plain TCP and look at no request: the HTTP rules of {item} (routes, faults, "
                "timeouts, retries) are accepted and silently unused. Calls still get through, "
                "and the access log shows connections without method or path"
            ),
            "consequence": f"the HTTP rules of {item} are not used",
            "port": str(port.number),
            "said": said,
            **declare(owner, port, "http"),
        },
        root=bool(binding.holders.pods) or not mesh.proxy_pods,
    )


def _judge(mesh: Snapshot, binding: Binding, host: str) -> Iterator[Finding]:
    found = _ports(mesh, binding, host)
    read = [item for item in found if item[2].is_http or item[2] is PortProtocol.AUTO]
    if read:
        owner, port, _ = read[0]
        use = uses_of(mesh, host, port.number)[0]
        said = f"Port {port.number} of {owner.resource} is {declared_as(owner, port)}: HTTP is read"
        shown = [owner.resource.evidence(*declared_at(owner, port))]
        yield passes(RULES_UNUSED, use, said, "port-reads-http", shown)
        return
    for owner, port, protocol in found:
        if protocol is PortProtocol.TCP:
            yield _unused(mesh, binding, (owner, port), uses_of(mesh, host, port.number)[0])


@dataclass(frozen=True, slots=True)
class HttpRulesOnTcp:
    """Every HTTP rule is for a port on which proxies read HTTP."""

    name: str = "http-rules-on-tcp"
    description: str = "HTTP rules are set for ports that proxies take for HTTP, or guess at."
    inputs: tuple[str, ...] = (
        VIRTUAL_SERVICE.input,
        SERVICE.input,
        SERVICE_ENTRY.input,
        POD.input,
        PROXY_CONFIG,
        PROXY_LOG,
    )
    codes: tuple[str, ...] = (RULES_UNUSED,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at the hosts of every VirtualService for sidecars with HTTP rules and no others."""
        needs = mesh.catalog.unread(VIRTUAL_SERVICE, SERVICE)
        for binding in bindings(mesh):
            item = binding.virtual_service
            if not binding.in_mesh or not item.spec.get("http") or item.spec.get("tcp"):
                continue
            for host in binding.hosts:
                if needs and not mesh.registry.find(host):
                    text = f"Whether ports of {host} are read as HTTP cannot be told"
                    subject = destination_subject(host, None)
                    unknown = Outcome.UNKNOWN
                    yield Finding(RULES_UNUSED, subject, unknown, text, str(item), needs=needs)
                else:
                    yield from _judge(mesh, binding, host)


ANALYZER = HttpRulesOnTcp()
