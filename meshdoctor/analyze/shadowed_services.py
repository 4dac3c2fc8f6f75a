"""Whether a ServiceEntry takes requests away from the Kubernetes Service whose host it declares.

Two owners of one host are no fault by themselves: a ServiceEntry may list the same endpoints, or
more of them that answer. It is one when requests go to endpoints that do not answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import PROXY_CONFIG, PROXY_HOSTS, PROXY_LOG, holds, unread
from meshdoctor.analyze.destination_facts import affected_by, failed_calls_text
from meshdoctor.analyze.destination_findings import cannot_tell, passes, problem
from meshdoctor.analyze.destinations_in_use import uses_of
from meshdoctor.analyze.json_patches import json_patch
from meshdoctor.analyze.proxy_evidence import (
    cluster_part_evidence,
    endpoint_evidence,
    host_evidence,
)
from meshdoctor.analyze.shadowing_endpoints import Added, added_addresses, how_added_fare
from meshdoctor.model.kinds import ENDPOINT_SLICE, POD, SERVICE, SERVICE_ENTRY
from meshdoctor.model.resource import as_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.finding import Fact, Finding
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.snapshot import Snapshot

SHADOWED = "MD0131"
_MOST_SHOWN = 3


def _host_path(entry: ServiceHost) -> tuple[str | int, ...]:
    return ("spec", "hosts", as_list(entry.resource.spec.get("hosts")).index(entry.host))


def _declared_fact(service: ServiceHost, entry: ServiceHost) -> Fact:
    text = f"{entry.resource} declares host {entry.host}, which {service.resource} has"
    return holds(
        "host-declared-twice",
        text,
        entry.resource.evidence(*_host_path(entry)),
        entry.resource.evidence("spec", "endpoints"),
        service.resource.evidence("metadata", "name"),
    )


def _held_fact(mesh: Snapshot, use: Use, added: Added) -> Fact:
    if added.taken_over:
        proxy = added.taken_over[0]
        cluster = proxy.config.cluster(use.destination.cluster) if proxy.config else None
        text = f"The cluster of {use.destination} at {mesh.caller(proxy)} is not the Service's"
        shown = [cluster_part_evidence(proxy, cluster, cluster.type, "type")] if cluster else []
        return holds("proxies-hold-its-endpoints", text, *shown)
    if not added.held:
        return unread("proxies-hold-its-endpoints", "No proxy's endpoints of the host were read")
    some = added.held[:_MOST_SHOWN]
    who = ", ".join(dict.fromkeys(mesh.caller(proxy) for proxy, _ in some))
    text = f"The proxy of {who} holds it as an endpoint of {use.destination}"
    shown = [endpoint_evidence(proxy, use.destination.cluster, item) for proxy, item in some]
    return holds("proxies-hold-its-endpoints", text, *shown)


def _failing_fact(mesh: Snapshot, use: Use, added: Added) -> Fact:
    shown = [
        host_evidence(proxy, use.destination.cluster, host)
        for proxy, host in added.broken[:_MOST_SHOWN]
    ]
    shown += [call.evidence for call in added.failed[-_MOST_SHOWN:]]
    if added.broken:
        proxy, host = added.broken[0]
        text = (
            f"The proxy of {mesh.caller(proxy)} tried {host} {host.cx_total} times; "
            f"{host.cx_connect_fail} connections failed and no request succeeded"
        )
    else:
        text = failed_calls_text(mesh, added.failed)
    return holds("its-endpoints-fail", text, *shown)


def _remedy(entry: ServiceHost) -> dict[str, str]:
    """The command that gives the host back to the Service, and its undo."""
    item = entry.resource
    hosts = as_list(item.spec.get("hosts"))
    if len(hosts) > 1:
        pointer = f"/spec/hosts/{_host_path(entry)[-1]}"
        back = {"op": "add", "path": pointer, "value": entry.host}
        return {
            "do": f"Take {entry.host} out of the hosts of {item}",
            "command": json_patch(item, [{"op": "remove", "path": pointer}]),
            "undo": json_patch(item, [back]),
        }
    whole = {
        "apiVersion": "networking.istio.io/v1",
        "kind": item.kind.name,
        "metadata": {"name": item.name, "namespace": item.namespace},
        "spec": item.spec,
    }
    again = json.dumps(whole, ensure_ascii=False).replace("'", "'\\''")
    return {
        "do": f"Delete {item}",
        "command": f"kubectl delete {item.kind.plural}.{item.kind.group} {item.name} "
        f"-n {item.namespace}",
        "undo": f"echo '{again}' | kubectl apply -f -",
    }


def _finding(
    mesh: Snapshot, use: Use, pair: tuple[ServiceHost, ServiceHost], ips: tuple[str, ...]
) -> Finding:
    service, entry = pair
    added = how_added_fare(mesh, use, entry.resource, ips)
    listed = ", ".join(ips[:_MOST_SHOWN])
    told = f"{entry.resource} declares host {entry.host} of {service.resource} and adds {listed}"
    if not added.is_harmful:
        # What nobody who calls was seen to count says nothing.
        is_counted = added.serving or (added.counted and use.calls)
        if not is_counted and (needs := _unread_counters(mesh)):
            text = f"{told}; whether that answers cannot be told"
            return cannot_tell(SHADOWED, use, text, needs)
        fate = "which answers" if added.serving else "which nobody was seen to call"
        message = f"{told}, {fate}"
    else:
        message = f"{told}, which takes a share of the requests and does not answer"
    facts = [_declared_fact(service, entry), _held_fact(mesh, use, added)]
    if added.is_harmful:
        facts.append(_failing_fact(mesh, use, added))
    return problem(
        SHADOWED,
        use,
        message,
        objects=(str(entry.resource), str(service.resource)),
        facts=tuple(facts),
        affected=affected_by(mesh, use, added.failed),
        fills={
            "service": str(service.resource),
            "addresses": listed,
            "cluster": use.destination.cluster,
            **_remedy(entry),
        },
        root=added.is_harmful,
    )


def _unread_counters(mesh: Snapshot) -> tuple[str, ...]:
    """What would show how the endpoints fare, where some proxy's was not read."""
    seen = [mesh.proxies.get(f"{pod.name}.{pod.namespace}") for pod in mesh.proxy_pods]
    return (PROXY_HOSTS,) if any(proxy is None or proxy.hosts is None for proxy in seen) else ()


def _pairs(mesh: Snapshot) -> Iterator[tuple[ServiceHost, ServiceHost]]:
    """Each Service with each ServiceEntry that declares its host."""
    for service in mesh.registry.hosts:
        if service.is_kubernetes and not service.is_external_name:
            for entry in mesh.registry.find(service.host):
                if not entry.is_kubernetes:
                    yield service, entry


@dataclass(frozen=True, slots=True)
class ShadowedServices:
    """No ServiceEntry takes a Service's requests away."""

    name: str = "shadowed-services"
    description: str = "No ServiceEntry gives a Service's host endpoints that do not answer."
    inputs: tuple[str, ...] = (
        SERVICE.input,
        SERVICE_ENTRY.input,
        ENDPOINT_SLICE.input,
        POD.input,
        PROXY_CONFIG,
        PROXY_HOSTS,
        PROXY_LOG,
    )
    codes: tuple[str, ...] = (SHADOWED,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at each port of each Service whose host a ServiceEntry declares too."""
        for service, entry in _pairs(mesh):
            ips = added_addresses(mesh, service, entry)
            needs = mesh.catalog.unread(POD, ENDPOINT_SLICE) if ips else ()
            for port in service.ports:
                for use in uses_of(mesh, service.host, port.number):
                    if not ips:
                        text = f"{entry.resource} gives {entry.host} no endpoint of its own"
                        shown = [entry.resource.evidence(*_host_path(entry))]
                        yield passes(SHADOWED, use, text, "same-endpoints", shown)
                    elif len(needs) > 1:
                        text = (
                            f"Which endpoints are the Service's own cannot be told ({entry.host})"
                        )
                        yield cannot_tell(SHADOWED, use, text, needs)
                    else:
                        yield _finding(mesh, use, (service, entry), ips)


ANALYZER = ShadowedServices()
