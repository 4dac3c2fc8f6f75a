"""Whether proxies find addresses for the hosts of ServiceEntries that DNS resolves.

Envoy itself resolves them (clusters of type STRICT_DNS or LOGICAL_DNS), whether anybody calls or
not. A name without an address leaves the cluster empty: 503 with flag UH, as with no ready pod.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import recent
from meshdoctor.analyze.base import PROXY_CONFIG, PROXY_HOSTS, PROXY_LOG, holds
from meshdoctor.analyze.destination_facts import affected_by, failed_calls_to, requests_fail
from meshdoctor.analyze.destination_findings import cannot_tell, passes, problem
from meshdoctor.analyze.destinations_in_use import uses_of
from meshdoctor.analyze.json_patches import replace_value
from meshdoctor.analyze.proxy_evidence import (
    cluster_part_evidence,
    endpoint_evidence,
    host_evidence,
    no_endpoint_evidence,
    update_failure_evidence,
)
from meshdoctor.model.kinds import POD, SERVICE_ENTRY
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact, Finding
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

UNRESOLVED = "MD0130"
_BY_DNS = ("DNS", "DNS_ROUND_ROBIN")
_DNS_CLUSTERS = ("STRICT_DNS", "LOGICAL_DNS")
_MOST_SHOWN = 3

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class _Name:
    """A name that Envoy asks DNS for, and where it is written."""

    text: str
    path: Path


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _names(entry: Resource, host: str) -> tuple[_Name, ...]:
    """What DNS is asked for: the endpoints' addresses that are names, else the host itself.

    A ServiceEntry that selects WorkloadEntries, or lists addresses, asks for no name of its own.
    """
    if as_mapping(entry.spec.get("workloadSelector")):
        return ()
    endpoints = as_list(entry.spec.get("endpoints"))
    if endpoints:
        written = [
            _Name(str(as_mapping(item).get("address") or ""), ("spec", "endpoints", n, "address"))
            for n, item in enumerate(endpoints)
        ]
        # One address that needs no DNS is a host that the cluster always has.
        return () if any(_is_ip(name.text) for name in written) else tuple(written)
    if host.startswith("*"):
        return ()
    return (_Name(host, ("spec", "hosts", as_list(entry.spec.get("hosts")).index(host))),)


def _count(proxy: Proxy, cluster: str) -> int | None:
    """How many addresses a proxy has for a cluster; None when it lacks it, or is unread."""
    if proxy.hosts is not None and proxy.hosts.cluster(cluster) is not None:
        return len(proxy.hosts.hosts_of(cluster))
    assigned = proxy.config.load_assignment(cluster) if proxy.config else None
    return len(assigned.endpoints) if assigned is not None else None


def _resolves_otherwise(proxy: Proxy, cluster: str) -> bool:
    """Whether the proxy holds the cluster with a type that asks no DNS."""
    held = proxy.config.cluster(cluster) if proxy.config else None
    return held is not None and held.type not in _DNS_CLUSTERS


def _holders(mesh: Snapshot, use: Use) -> list[tuple[Proxy, int]]:
    """Proxies that resolve the host, and how many addresses they have: the callers, else all."""
    cluster = use.destination.cluster
    found = [
        (proxy, count)
        for proxy in mesh.proxies.values()
        if (count := _count(proxy, cluster)) is not None and not _resolves_otherwise(proxy, cluster)
    ]
    callers = {call.proxy.id for call in recent(mesh, use.calls)}
    return [item for item in found if item[0].id in callers] or found


def _address_evidence(proxy: Proxy, cluster: str) -> list[Evidence]:
    hosts = proxy.hosts.hosts_of(cluster) if proxy.hosts else ()
    if hosts:
        return [host_evidence(proxy, cluster, hosts[0])]
    assigned = proxy.config.load_assignment(cluster) if proxy.config else None
    return (
        [endpoint_evidence(proxy, cluster, item) for item in assigned.endpoints[:1]]
        if (assigned)
        else []
    )


def _dns_fact(entry: Resource, names: tuple[_Name, ...], proxy: Proxy, cluster: str) -> Fact:
    text = f"{entry} leaves it to DNS to find {_text(names)}"
    held = proxy.config.cluster(cluster) if proxy.config else None
    shown = [entry.evidence("spec", "resolution")]
    shown += [entry.evidence(*name.path) for name in names[:_MOST_SHOWN]]
    if held is not None:
        shown.append(cluster_part_evidence(proxy, held, held.type, "type"))
    return holds("host-left-to-dns", text, *shown)


def _empty_fact(mesh: Snapshot, empty: list[Proxy], cluster: str) -> Fact:
    who = ", ".join(dict.fromkeys(mesh.caller(proxy) for proxy in empty[:_MOST_SHOWN]))
    text = f"The proxy of {who} has no address for {cluster}"
    shown = [no_endpoint_evidence(proxy, cluster) for proxy in empty[:_MOST_SHOWN]]
    shown += [update_failure_evidence(proxy, cluster) for proxy in empty[:1]]
    return holds("proxies-hold-no-address", text, *(item for item in shown if item is not None))


def _text(names: tuple[_Name, ...]) -> str:
    return ", ".join(dict.fromkeys(name.text for name in names))


def _unresolved(
    mesh: Snapshot, use: Use, entry: Resource, names: tuple[_Name, ...], empty: list[Proxy]
) -> Finding:
    cluster = use.destination.cluster
    named = _text(names)
    message = f"DNS gives the proxies no address for {named}, which {entry} leaves it to resolve"
    forth, back = replace_value(entry, names[0].path, "NAME.THAT.EXISTS")
    endpoints = replace_value(entry, ("spec", "endpoints"), [{"address": "ADDRESS.OR.NAME"}])
    return problem(
        UNRESOLVED,
        use,
        message,
        objects=(str(entry),),
        facts=(
            _dns_fact(entry, names, empty[0], cluster),
            _empty_fact(mesh, empty, cluster),
            requests_fail(mesh, use, "UH", "DF"),
        ),
        affected=affected_by(mesh, use, failed_calls_to(mesh, use, "UH", "DF")),
        fills={
            "names": named,
            "asked": names[0].text,
            "cluster": cluster,
            "command": forth,
            "undo": back,
            "endpoints": endpoints[0],
            "endpoints_undo": endpoints[1],
        },
    )


def _unread_proxies(mesh: Snapshot) -> tuple[str, ...]:
    """What would show the addresses, where some proxy was not read."""
    seen = [mesh.proxies.get(f"{pod.name}.{pod.namespace}") for pod in mesh.proxy_pods]
    blind = any(proxy is None or (proxy.hosts is None and proxy.config is None) for proxy in seen)
    return (PROXY_HOSTS,) if blind else ()


def _judge(mesh: Snapshot, use: Use, entry: Resource, names: tuple[_Name, ...]) -> Finding | None:
    held = _holders(mesh, use)
    empty = [proxy for proxy, count in held if not count]
    if empty:
        return _unresolved(mesh, use, entry, names, empty)
    if held:
        proxy, cluster = held[0][0], use.destination.cluster
        message = f"The proxies have addresses for {use.destination}"
        shown = _address_evidence(proxy, cluster)
        return passes(UNRESOLVED, use, message, "proxies-hold-addresses", shown)
    if needs := _unread_proxies(mesh):
        message = f"Whether DNS has an address for {_text(names)} cannot be told"
        return cannot_tell(UNRESOLVED, use, message, needs)
    return None


def _left_to_dns(mesh: Snapshot) -> Iterator[ServiceHost]:
    for host in mesh.registry.hosts:
        # A Kubernetes Service of the same name goes before it: another analyzer's matter.
        if host.is_kubernetes or mesh.registry.service(host.host):
            continue
        if host.resource.spec.get("resolution") in _BY_DNS:
            yield host


@dataclass(frozen=True, slots=True)
class DnsHosts:
    """Every host that is left to DNS has an address."""

    name: str = "dns-hosts"
    description: str = "DNS gives the proxies an address for every ServiceEntry that asks for it."
    inputs: tuple[str, ...] = (
        SERVICE_ENTRY.input,
        POD.input,
        PROXY_CONFIG,
        PROXY_HOSTS,
        PROXY_LOG,
    )
    codes: tuple[str, ...] = (UNRESOLVED,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at each port of each host of such a ServiceEntry."""
        for host in _left_to_dns(mesh):
            names = _names(host.resource, host.host)
            for port in host.ports if names else ():
                for use in uses_of(mesh, host.host, port.number):
                    if (found := _judge(mesh, use, host.resource, names)) is not None:
                        yield found


ANALYZER = DnsHosts()
