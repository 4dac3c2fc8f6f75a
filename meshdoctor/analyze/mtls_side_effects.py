"""Whether STRICT hurts more than the pods outside the mesh: then those are not the whole story.

Where a policy also keeps out pods of the mesh, or kubelet, or where proxies do not trust the mesh's
certificates, another fault is to be mended first; who has no proxy is then a note, and becomes the
root cause once that is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.mtls_encounters import encounters
from meshdoctor.analyze.mtls_named_calls import named_calls
from meshdoctor.analyze.mtls_refusals import Source, refusals
from meshdoctor.analyze.mtls_servers import server_at
from meshdoctor.analyze.sync_reach_log import Way, report
from meshdoctor.intent.client_tls import ClientMode
from meshdoctor.intent.peer_authentication import peer_mode
from meshdoctor.model.kinds import DESTINATION_RULE
from meshdoctor.model.pod import (
    PROXY_CONTAINER,
    container_ports,
    is_finished,
    is_gateway,
    is_ready,
)
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_PROBES = ("readinessProbe", "livenessProbe", "startupProbe")
_MOST_NAMED = 5


def _insiders(mesh: Snapshot, policy: Resource) -> list[str]:
    """Workloads of the mesh that the policy turns away."""
    seen = {
        str(mesh.workloads.owning(item.client))
        for item in refusals(mesh)
        if item.source is Source.INSIDE and item.client is not None and item.policy == policy
    }
    named = {
        str(mesh.workloads.owning(call.pod))
        for call in named_calls(mesh)
        if call.exclusion and call.server.peer and call.server.peer.policy == policy
    }
    return sorted(seen | named)


def rules_in_conflict(mesh: Snapshot, policy: Resource) -> list[str]:
    """DestinationRules that make the mesh's own clients send plaintext to the policy's servers."""
    if not mesh.catalog.known(DESTINATION_RULE):
        return []
    return sorted(
        {
            str(meeting.tls.setting.rule)
            for meeting in encounters(mesh)
            if meeting.tls.mode is ClientMode.DISABLE
            and meeting.tls.setting is not None
            and any(s.is_strict and s.peer and s.peer.policy == policy for s in meeting.servers)
            and meeting.is_wanted(mesh)
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


def _governed(mesh: Snapshot, policy: Resource) -> Iterator[Resource]:
    """Running pods with a sidecar for which the policy stands, some port at least."""
    for pod in mesh.proxy_pods:
        if is_finished(pod) or is_gateway(pod):
            continue
        ports = {None, *_probed_ports(pod), *container_ports(pod).values()}
        if any(peer_mode(mesh, pod.namespace, pod.labels, p).policy == policy for p in ports):
            yield pod


def _fails_by_probe(mesh: Snapshot, pod: Resource, policy: Resource) -> bool:
    """Whether a pod is not ready while its probes meet a port that the policy makes STRICT."""
    if is_ready(pod):
        return False
    servers = [server_at(mesh, pod, port) for port in _probed_ports(pod)]
    return any(s.is_strict and s.peer and s.peer.policy == policy for s in servers)


def _distrusting(mesh: Snapshot) -> list[Resource]:
    """Pods whose proxies do not trust istiod's certificate, by the last word of their logs."""
    return [
        pod
        for pod in mesh.proxy_pods
        if (proxy := mesh.proxy_of(pod)) is not None
        and proxy.log is not None
        and report(proxy.log).way is Way.CERTIFICATE
    ]


def _named(mesh: Snapshot, pods: list[Resource]) -> str:
    return ", ".join(sorted({str(mesh.workloads.owning(pod)) for pod in pods})[:_MOST_NAMED])


def what_else(mesh: Snapshot, policy: Resource) -> str:
    """What should be mended before pods outside the mesh that a policy turns away.

    Args:
        mesh: the snapshot.
        policy: the PeerAuthentication that makes their servers STRICT.

    Returns:
        The rest of a sentence; empty for nothing.
    """
    if rules := rules_in_conflict(mesh, policy):
        return f"{', '.join(rules)} sends plaintext to {policy}'s servers too: mend that first"
    if names := _insiders(mesh, policy):
        return f"{policy} turns {', '.join(names)} away as well, which has a proxy: mend that first"
    if pods := [pod for pod in _governed(mesh, policy) if _fails_by_probe(mesh, pod, policy)]:
        return f"{policy} keeps kubelet's probes of {_named(mesh, pods)} out too: mend that first"
    if pods := _distrusting(mesh):
        who = _named(mesh, pods)
        return f"the proxies of {who} no longer trust the mesh's certificates: mend that first"
    return ""
