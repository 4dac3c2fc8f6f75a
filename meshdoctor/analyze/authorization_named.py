"""Callers that ALLOW policies turn away by identity, where a counter tells and no log does.

A proxy whose access log is unread or off still counts what RBAC denies (``rbac.denied``), though
not whom. A client of the mesh that is told to call there, and that no rule lets in, explains it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.authorization_callers import identity
from meshdoctor.analyze.proxy_evidence import stat_evidence
from meshdoctor.intent.authorization import Access, Decision, decide
from meshdoctor.intent.authorization_request import Request
from meshdoctor.intent.backends import pods_behind, target_port
from meshdoctor.intent.named_destinations import named_destinations
from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import has_proxy, is_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.authorization_workloads import Governed
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_DENIED = re.compile(r"(?:http\.inbound_.+|tcp)\.rbac\.denied")


@dataclass(frozen=True, slots=True)
class NamedDenial:
    """A client of the mesh that no rule lets in, though its template names the server."""

    client: Resource
    to: str
    """``host:port`` that it is told to call."""
    decision: Decision
    evidence: Evidence
    """The value of the template that names the server."""


@dataclass(frozen=True, slots=True)
class DeniedCount:
    """What a server's proxy has denied since it started."""

    count: int
    evidence: Evidence


def denied_count(mesh: Snapshot, item: Governed) -> DeniedCount | None:
    """The counter of a workload's proxies that stands highest; None where none denied a call."""
    found = [
        DeniedCount(stat.value, stat_evidence(proxy, stat))
        for _, proxy in item.proxies(mesh)
        for name, stat in (proxy.stats or {}).items()
        if _DENIED.fullmatch(name) and isinstance(stat.value, int) and stat.value
    ]
    return max(found, key=lambda counted: counted.count, default=None)


@lru_cache(maxsize=2)
def _clients(mesh: Snapshot) -> tuple[Resource, ...]:
    """A running pod with a sidecar of each workload: their certificates tell who they are."""
    found: dict[str, Resource] = {}
    for pod in mesh.catalog.of(POD):
        if pod.status.get("phase") == "Running" and has_proxy(pod) and not is_gateway(pod):
            found.setdefault(str(mesh.workloads.owning(pod)), pod)
    return tuple(found.values())


def _denied(mesh: Snapshot, item: Governed, client: Resource) -> Iterator[NamedDenial]:
    for named in named_destinations(mesh, client):
        for service in mesh.registry.find(named.host):
            servers = [pod for pod in pods_behind(mesh, service) if pod in item.pods]
            for port in service.ports if servers else ():
                number = target_port(port, servers[0])
                if port.number != named.port or number is None:
                    continue
                request = Request(principal=identity(mesh, client), port=str(number))
                decision = decide(mesh, servers[0], request)
                # A DENY rule, or a rule that asks for more than is known here, is another matter.
                if decision.access is Access.DENIED and decision.missed and not decision.policy:
                    to = f"{named.host}:{named.port}"
                    yield NamedDenial(client, to, decision, named.evidence)


def named_denials(mesh: Snapshot, item: Governed) -> tuple[NamedDenial, ...]:
    """Every such client of a workload.

    Without mesh configuration nobody knows the trust domain, and so nobody's identity.
    """
    if not any(istiod.mesh is not None for istiod in mesh.istiods):
        return ()
    return tuple(found for client in _clients(mesh) for found in _denied(mesh, item, client))
