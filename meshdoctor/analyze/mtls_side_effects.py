"""Whether STRICT hurts more than the pods outside the mesh: then those are not the whole story.

A policy that also keeps out pods of the mesh, or kubelet, or that a server enforces while it no
longer hears from istiod, has another fault to be mended first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.mtls_refusals import Refusal, Source, refusals
from meshdoctor.analyze.mtls_servers import server_at, servers_behind
from meshdoctor.analyze.mtls_targets import services_at
from meshdoctor.analyze.sync_connections import all_connections_known, connections
from meshdoctor.analyze.sync_reach_log import Way, report
from meshdoctor.intent.client_tls import ClientMode, client_tls
from meshdoctor.intent.destination_rules import rules_for, subsets_of
from meshdoctor.model.kinds import DESTINATION_RULE
from meshdoctor.model.pod import PROXY_CONTAINER, container_ports, has_proxy, is_finished, is_ready
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_PROBES = ("readinessProbe", "livenessProbe", "startupProbe")
_LOST = (Way.UNREACHABLE, Way.CERTIFICATE, Way.REFUSED)


def _is_by_rule(mesh: Snapshot, refusal: Refusal) -> bool:
    """Whether a DestinationRule makes a client of the mesh speak plaintext to this server."""
    client = refusal.client
    if client is None or not mesh.catalog.known(DESTINATION_RULE):
        return False
    for service, port in services_at(mesh, refusal.server):
        rules = rules_for(mesh, service.host, client.namespace, client.labels)
        for subset in ("", *(item.name for item in subsets_of(rules))):
            tls = client_tls(
                mesh, service.host, port.number, subset, client.namespace, client.labels
            )
            if tls.mode is ClientMode.DISABLE:
                return True
    return False


def _insiders(mesh: Snapshot, policy: Resource, namespace: str) -> list[str]:
    """Workloads of the mesh that the policy turns away in a namespace, without a rule's doing."""
    return sorted(
        {
            str(mesh.workloads.owning(item.client))
            for item in refusals(mesh)
            if item.source is Source.INSIDE
            and item.client is not None
            and item.policy == policy
            and item.server.pod.namespace == namespace
            and not _is_by_rule(mesh, item)
        }
    )


def _probed_ports(pod: Resource) -> Iterator[int]:
    """Ports that kubelet asks over HTTP or gRPC as the pod stands; injection redirects to 15020.

    A TCP probe is content with a connection, which a STRICT port grants before it closes it.
    """
    names = container_ports(pod)
    for value in as_list(pod.spec.get("containers")):
        container = as_mapping(value)
        if container.get("name") == PROXY_CONTAINER:
            continue
        for key in _PROBES:
            probe = as_mapping(container.get(key))
            for kind in ("httpGet", "grpc"):
                port: Any = as_mapping(probe.get(kind)).get("port")
                number = port if isinstance(port, int) else names.get(str(port))
                if number is not None:
                    yield number


def _unready_by_probe(mesh: Snapshot, policy: Resource, namespace: str) -> list[str]:
    """Workloads that are not ready and whose probes meet a port that the policy makes STRICT."""
    found: set[str] = set()
    for workload in mesh.workloads.within(namespace):
        for pod in workload.pods:
            if is_finished(pod) or is_ready(pod) or not has_proxy(pod):
                continue
            servers = [server_at(mesh, pod, port) for port in _probed_ports(pod)]
            if any(s.is_strict and s.peer and s.peer.policy == policy for s in servers):
                found.add(str(workload))
    return sorted(found)


def _is_cut_off(mesh: Snapshot, pod: Resource) -> bool:
    """Whether a server's proxy no longer hears from istiod."""
    proxy = mesh.proxy_of(pod)
    proxy_id = f"{pod.name}.{pod.namespace}"
    if all_connections_known(mesh):
        return proxy_id not in connections(mesh)
    if proxy_id in connections(mesh) or proxy is None or proxy.log is None:
        return False
    return report(proxy.log).way in _LOST


def _cut_off(mesh: Snapshot, refused: tuple[Refusal, ...]) -> list[str]:
    """Pods of this destination whose proxies no longer hear from istiod."""
    pods = {item.server.pod for item in refused}
    for server in {item.server.pod: item.server for item in refused}.values():
        for service, port in services_at(mesh, server):
            pods |= {s.pod for s in servers_behind(mesh, service, port) if s.enforces}
    return sorted(str(pod) for pod in pods if _is_cut_off(mesh, pod))


def what_else(mesh: Snapshot, refused: tuple[Refusal, ...]) -> str:
    """What should be mended before pods outside the mesh that are refused; empty for nothing.

    Args:
        mesh: the snapshot.
        refused: refusals of one client at one destination, by one policy.
    """
    policy, namespace = refused[-1].policy, refused[-1].server.pod.namespace
    if policy is None:
        return ""
    if names := _insiders(mesh, policy, namespace):
        return f"{policy} turns {', '.join(names)} away as well, which has a proxy: mend that first"
    if names := _unready_by_probe(mesh, policy, namespace):
        return f"{policy} keeps kubelet's probes of {', '.join(names)} out as well: mend that first"
    if names := _cut_off(mesh, refused):
        return f"the proxy of {', '.join(names)} no longer hears from istiod: mend that first"
    return ""
