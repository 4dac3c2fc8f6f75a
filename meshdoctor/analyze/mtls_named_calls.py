"""Plaintext that pods' own templates announce to STRICT servers whose logs do not tell.

Where access logs are unread or switched off nobody sees who is refused. A pod that is told to call
such a server, and whose traffic would arrive there in plaintext, is refused whenever it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import access_logs
from meshdoctor.analyze.mtls_servers import (
    Server,
    has_application,
    servers_behind,
    takes_plaintext,
)
from meshdoctor.intent.destinations import Destination
from meshdoctor.intent.inbound_capture import is_in_ambient
from meshdoctor.intent.named_destinations import named_destinations
from meshdoctor.intent.traffic_capture import Exclusion, outbound_exclusion
from meshdoctor.model.finding import Fact, FactState
from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import has_proxy, is_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_OWN_TLS = frozenset({"https", "wss"})


@dataclass(frozen=True, slots=True)
class NamedCall:
    """A pod that is told to call STRICT servers, and would reach them in plaintext."""

    pod: Resource
    destination: Destination
    server: Server
    """One of those that would turn it away."""
    exclusion: Exclusion | None
    """What keeps the call out of the pod's own sidecar; None for a pod without one."""
    evidence: Evidence
    """The value of the template that names the destination."""
    is_silent: bool
    """Whether the servers' logs were read and are switched off; False where some is unread."""

    def fact(self, mesh: Snapshot, name: str) -> Fact:
        """What stands in for the refusals that no log shows.

        Args:
            mesh: the snapshot.
            name: the fact's id.
        """
        who = mesh.workloads.owning(self.pod)
        text = f"No access log shows who is refused; {who}'s template names {self.destination}"
        state = FactState.SILENT if self.is_silent else FactState.UNREAD
        return Fact(name, state, text, (self.evidence,))


def _untold_servers(mesh: Snapshot, service: ServiceHost, number: int) -> tuple[Server, ...]:
    """The servers behind a port when every one is STRICT and none's log would show a refusal."""
    logs = access_logs(mesh)
    found = [
        s for p in service.ports if p.number == number for s in servers_behind(mesh, service, p)
    ]
    for server in found:
        proxy = mesh.proxy_of(server.pod)
        mended = proxy is not None and takes_plaintext(proxy, server.port) is True
        policy = server.peer.policy if server.peer else None
        told = f"{server.pod.name}.{server.pod.namespace}" not in logs.unread | logs.silent
        if told or mended or policy is None or not server.is_strict:
            return ()
    return tuple(found)


def _of_pod(mesh: Snapshot, pod: Resource) -> Iterator[NamedCall]:
    sidecar = has_proxy(pod)
    silent = access_logs(mesh).silent
    for item in named_destinations(mesh, pod):
        # What the application encrypts by itself may carry the mesh's certificate.
        if item.scheme in _OWN_TLS:
            continue
        for service in mesh.registry.find(item.host):
            if not service.is_kubernetes or service.is_external_name:
                continue
            address = str(service.resource.spec.get("clusterIP") or "")
            exclusion = outbound_exclusion(pod, address, item.port) if sidecar else None
            servers = _untold_servers(mesh, service, item.port)
            if not servers or (sidecar and exclusion is None):
                continue
            quiet = all(f"{s.pod.name}.{s.pod.namespace}" in silent for s in servers)
            target = Destination(service.host, item.port)
            yield NamedCall(pod, target, servers[-1], exclusion, item.evidence, quiet)


@lru_cache(maxsize=2)
def named_calls(mesh: Snapshot) -> tuple[NamedCall, ...]:
    """Every such call that a running pod's template announces, once for each workload."""
    found: dict[tuple[str, Destination], NamedCall] = {}
    for pod in mesh.catalog.of(POD):
        if (
            pod.status.get("phase") != "Running"
            or is_gateway(pod)
            or is_in_ambient(pod)
            or not has_application(pod)
        ):
            continue
        for call in _of_pod(mesh, pod):
            found.setdefault((str(mesh.workloads.owning(pod)), call.destination), call)
    return tuple(found.values())
