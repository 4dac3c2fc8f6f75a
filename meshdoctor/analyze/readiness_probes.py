"""What the kubelet asks of a pod before it counts as ready, and what it heard of late."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from meshdoctor.intent.inbound_capture import captures_inbound
from meshdoctor.intent.peer_authentication import ServerMode, peer_mode
from meshdoctor.model.kinds import EVENT, PEER_AUTHENTICATION, POD
from meshdoctor.model.pod import PROXY_CONTAINER, container_ports, containers, has_proxy
from meshdoctor.model.resource import as_list, as_mapping, parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

_PROBED_LATELY = timedelta(minutes=3)
_PROXY_PROBE = ":15021/"
"""Where the proxy's own readiness probe goes."""
_REWRITTEN = "/app-health/"
"""Path of the agent that injection leads probes to."""


def event_text(event: Resource) -> str:
    """What an event says; the preface of combined events is left out."""
    said = str(event.raw.get("message") or "")
    return said.partition("): ")[2] or said if said.startswith("(combined") else said


def probe_event(mesh: Snapshot, pod: Resource) -> Resource | None:
    """The newest event of the last minutes that says a readiness probe of this pod failed."""
    found: list[tuple[datetime, str, Resource]] = []
    for event in mesh.catalog.within(EVENT, pod.namespace):
        about = as_mapping(event.raw.get("involvedObject"))
        if about.get("kind") != POD.name or about.get("name") != pod.name:
            continue
        time = parse_time(event.raw.get("lastTimestamp")) or event.created
        said = str(event.raw.get("message") or "")
        failed = event.raw.get("reason") == "Unhealthy" and "eadiness probe" in said
        if failed and _PROXY_PROBE not in said and time and mesh.now - time <= _PROBED_LATELY:
            found.append((time, event.name, event))
    return max(found, key=lambda item: item[:2])[2] if found else None


def _probe(pod: Resource) -> Mapping[str, Any]:
    """The readiness probe of the first application container that has one, as the pod has it."""
    for path, container in containers(pod):
        if path[1] == "containers" and container.get("name") != PROXY_CONTAINER:
            probe = as_mapping(container.get("readinessProbe"))
            if probe:
                return probe
    return {}


def direct_port(pod: Resource) -> int | None:
    """The application port that the kubelet probes itself, past the sidecar's agent.

    Injection leads HTTP, TCP and gRPC probes to ``:15020/app-health/…``; an exec probe needs no
    rewriting.
    """
    probe = _probe(pod)
    for how in ("httpGet", "tcpSocket", "grpc"):
        asked = as_mapping(probe.get(how))
        if asked and not str(asked.get("path") or "").startswith(_REWRITTEN):
            port = asked.get("port")
            return port if isinstance(port, int) else container_ports(pod).get(str(port))
    return None


def is_reset_by_sidecar(mesh: Snapshot, pod: Resource, said: str) -> bool:
    """Whether a direct probe fails because the sidecar takes no plaintext at its port.

    Args:
        mesh: the snapshot.
        pod: the pod that is not ready.
        said: what the newest event says of the probe; empty for none. Without one the policies
            decide, and where those are unread it cannot be excluded.
    """
    port = direct_port(pod)
    if port is None or not has_proxy(pod) or not captures_inbound(pod, port):
        return False
    if said:
        return "connection reset" in said or said.rstrip().endswith("EOF")
    if not mesh.catalog.known(PEER_AUTHENTICATION):
        return True
    return peer_mode(mesh, pod.namespace, pod.labels, port).mode is ServerMode.STRICT


def template_probe(workload: Workload) -> tuple[Evidence, Mapping[str, Any]] | None:
    """The readiness probe as a person wrote it, before injection rewrote it."""
    resource = workload.resource
    template = as_mapping(resource.spec.get("template")) if resource else {}
    for index, value in enumerate(as_list(as_mapping(template.get("spec")).get("containers"))):
        container = as_mapping(value)
        probe = as_mapping(container.get("readinessProbe"))
        if resource is not None and probe and container.get("name") != PROXY_CONTAINER:
            path = ("spec", "template", "spec", "containers", index, "readinessProbe")
            return resource.evidence(*path), probe
    return None


def probe_words(probe: Mapping[str, Any]) -> str:
    """What a probe asks, in words."""
    http, tcp = as_mapping(probe.get("httpGet")), as_mapping(probe.get("tcpSocket"))
    if http:
        return f"HTTP GET {http.get('path') or '/'} on port {http.get('port')}"
    if tcp:
        return f"a TCP connection to port {tcp.get('port')}"
    if probe.get("grpc"):
        return f"a gRPC health check on port {as_mapping(probe['grpc']).get('port')}"
    return "a command in the container"
