"""What ztunnels saw: connections that fail now, who made them, and where that stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import service_ips
from meshdoctor.analyze.authorization_workloads import target_at
from meshdoctor.analyze.json_patches import json_patch
from meshdoctor.analyze.pod_states import why_not_ready
from meshdoctor.intent.ambient import uses_ambient, ztunnel_pods
from meshdoctor.model.evidence import Evidence, excerpt_of, join_pointer
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import PROXY_CONTAINER, container_runs, container_status
from meshdoctor.model.resource import as_mapping
from meshdoctor.model.ztunnel import ZTUNNEL_DUMP, ZTUNNEL_LOG, Connection, Ztunnel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.kinds import Kind
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

NODE_SELECTOR = ("spec", "template", "spec", "nodeSelector")
"""Where a controller says which nodes its pods may run on."""
ZTUNNEL_CONFIG_INPUT = f"ztunnels/{ZTUNNEL_DUMP}"
"""Input: what the ztunnels hold."""
ZTUNNEL_LOG_INPUT = f"ztunnels/{ZTUNNEL_LOG}"
"""Input: the ztunnels' logs."""
RECENT = timedelta(minutes=2)
"""A failed connection that is older tells nothing of this moment."""
_HARMLESS = (
    "connection closed due to policy change",
    "broken pipe",
    "while closing connection",
    "connection drain",
)
"""What a connection that was in order may end with."""
_MOST_CALLERS = 20


@dataclass(frozen=True, slots=True)
class Failure:
    """A connection that failed of late, and the ztunnel that says so."""

    ztunnel: Ztunnel
    connection: Connection

    @property
    def error(self) -> str:
        """Ztunnel's own words."""
        return self.connection.error

    @property
    def evidence(self) -> Evidence:
        """The line of its log."""
        return ztunnel_log_evidence(self.ztunnel, self.connection.line, self.connection.text)


def ztunnel_log_evidence(ztunnel: Ztunnel, line: int, text: str) -> Evidence:
    """A line of a ztunnel's log, whole."""
    return Evidence(
        source=ztunnel.path(ZTUNNEL_LOG),
        line=line,
        excerpt=text,
        command=f"kubectl logs {ztunnel.pod} -n {ztunnel.namespace} --since=10m",
    )


def dump_evidence(ztunnel: Ztunnel, pointer: str, value: object, part: str) -> Evidence:
    """A value of a ztunnel's dump.

    Args:
        ztunnel: whose.
        pointer: from the root of the dump.
        value: what stands there.
        part: ``workloads``, ``services``, ``policies`` or ``certificates``, as istioctl calls it.
    """
    return Evidence(
        source=ztunnel.path(ZTUNNEL_DUMP),
        pointer=pointer,
        excerpt=excerpt_of(value),
        command=f"istioctl ztunnel-config {part} {ztunnel.pod}.{ztunnel.namespace}",
    )


def _pair(connection: Connection) -> tuple[str, str, str]:
    """What makes two connections the same call: direction, client, and where it was meant to go."""
    target = connection.service or connection.target_ip
    return connection.direction, connection.source_ip, target


def _is_harmless(error: str) -> bool:
    return any(words in error for words in _HARMLESS)


@lru_cache(maxsize=2)
def failures(mesh: Snapshot) -> tuple[Failure, ...]:
    """Connections that fail now: failed of late, and no later one of the same call succeeded."""
    found: list[Failure] = []
    for ztunnel in mesh.ztunnels:
        if ztunnel.log is None:
            continue
        succeeded: dict[tuple[str, str, str], int] = {}
        for item in ztunnel.log.latest:
            key = _pair(item)
            succeeded[key] = max(item.line, succeeded.get(key, 0))
        found += [
            Failure(ztunnel, item)
            for item in ztunnel.log.failures
            if item.time is not None
            and item.time >= mesh.now - RECENT
            and item.line > succeeded.get(_pair(item), 0)
            and not _is_harmless(item.error)
        ]
    return tuple(found)


@lru_cache(maxsize=2)
def ztunnel_log_unread(mesh: Snapshot) -> bool:
    """Whether the log of some running ztunnel could not be read."""
    read = {(item.namespace, item.pod) for item in mesh.ztunnels if item.log is not None}
    running = [
        pod
        for pods in ztunnel_pods(mesh).values()
        for pod in pods
        if container_runs(pod, PROXY_CONTAINER)
    ]
    return any((pod.namespace, pod.name) not in read for pod in running)


def client_pod(mesh: Snapshot, connection: Connection) -> Resource | None:
    """The pod that opened a connection: by name, else by its address."""
    named = mesh.catalog.find(POD, connection.source_namespace, connection.source_pod)
    return named or mesh.pod_at(connection.source_ip)


def server_pod(mesh: Snapshot, connection: Connection) -> Resource | None:
    """The pod at the other end: by name, else by its address; None for a service's address."""
    named = mesh.catalog.find(POD, connection.target_namespace, connection.target_pod)
    return named or mesh.pod_at(connection.target_ip)


def client_text(mesh: Snapshot, connection: Connection) -> str:
    """The workload that opened a connection; its address where it is no pod of the mesh."""
    pod = client_pod(mesh, connection)
    return str(mesh.workloads.owning(pod)) if pod else connection.source_ip


def called(mesh: Snapshot, connection: Connection) -> str:
    """``host:port`` that the client asked for."""
    service = service_ips(mesh).get(connection.target_ip)
    if service is not None:
        return f"{service.host}:{connection.target_port}"
    port = connection.inner_port or connection.target_port
    pod = server_pod(mesh, connection)
    found = target_at(mesh, pod, port) if pod is not None else ""
    if connection.service and not found.startswith(f"{connection.service}:"):
        return f"{connection.service}:{port}"
    return found or f"{connection.target_ip}:{port}"


def affected_by(mesh: Snapshot, found: Iterable[Failure]) -> tuple[Affected, ...]:
    """Who calls what in vain, each pair once."""
    pairs = {
        Affected(client_text(mesh, item.connection), called(mesh, item.connection))
        for item in found
    }
    return tuple(sorted(pairs))[:_MOST_CALLERS]


def why_proxy_fails(mesh: Snapshot, pod: Resource) -> tuple[str, Evidence]:
    """Why a pod that is nothing but a proxy (ztunnel, a waypoint) is not ready, and where it says.

    Its container's own state comes first: the pod's says less.
    """
    found = container_status(pod, PROXY_CONTAINER)
    waiting = as_mapping(as_mapping(found[1].get("state")).get("waiting")) if found else {}
    if found and waiting.get("reason"):
        times = found[1].get("restartCount", 0)
        text = f"container {PROXY_CONTAINER} of {pod.name} waits: {waiting['reason']}"
        text += f" (restarted {times} times)" if times else ""
        return text, pod.evidence(*found[0], "state", "waiting", "reason")
    reason = why_not_ready(mesh, pod)
    return reason.text, next(iter(reason.evidence), pod.evidence("status", "phase"))


def without_node_label(resource: Resource, label: str) -> tuple[str, str]:
    """The command that takes a label out of a template's nodeSelector, and its undo."""
    place = join_pointer("", (*NODE_SELECTOR, label))
    forth = {"op": "remove", "path": place}
    back = {"op": "add", "path": place, "value": resource.get(*NODE_SELECTOR, label)}
    return json_patch(resource, [forth]), json_patch(resource, [back])


def undecided(mesh: Snapshot, code: str, what: str, *kinds: Kind) -> Finding | None:
    """The finding for a cause whose objects were not read; None where ambient mode is not used."""
    needs = mesh.catalog.unread(*kinds)
    if not needs or not uses_ambient(mesh):
        return None
    return Finding(
        code=code,
        subject="mesh",
        outcome=Outcome.UNKNOWN,
        message=f"{what}: {', '.join(needs)} could not be read",
        resource="mesh",
        needs=needs,
    )
