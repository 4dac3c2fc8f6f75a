"""What the kubelet asks of a pod's containers, and what it heard of late.

Injection leads HTTP, TCP and gRPC probes to the sidecar's agent (``:15020/app-health/…``); a probe
that is not led there comes to the sidecar as plaintext, and an exec probe never leaves the
container (istio.io, Health Checking of Istio Services).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshdoctor.intent.inbound_capture import captures_inbound
from meshdoctor.intent.peer_authentication import ServerMode, peer_mode
from meshdoctor.model.event import event_about, event_text, event_time
from meshdoctor.model.kinds import EVENT, PEER_AUTHENTICATION, POD
from meshdoctor.model.pod import PROXY_CONTAINER, container_ports, containers, has_proxy
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from typing import Any

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

PROBES = {"readinessProbe": "eadiness", "livenessProbe": "iveness", "startupProbe": "tartup"}
"""The fields of a container, and the word by which an event tells them apart."""
_PROBED_LATELY = timedelta(minutes=3)
_PROXY_PROBE = ":15021/"
"""Where the proxy's own readiness probe goes."""
_REWRITTEN = "/app-health/"
"""Path of the agent that injection leads probes to."""


@dataclass(frozen=True, slots=True)
class DirectProbe:
    """A probe of an application container that the kubelet sends past the sidecar's agent."""

    field: str
    path: tuple[str | int, ...]
    """Of the probe within the pod."""
    container: str
    port: int

    @property
    def word(self) -> str:
        """What it is called: readiness, liveness or startup probe."""
        return self.field.removesuffix("Probe") + " probe"


def probe_event(mesh: Snapshot, pod: Resource, word: str = "eadiness") -> Resource | None:
    """The newest event of the last minutes that says a probe of this pod's application failed.

    Args:
        mesh: the snapshot.
        pod: the pod.
        word: of the event's own words, which kind of probe.
    """
    found: list[tuple[datetime, str, Resource]] = []
    for event in mesh.catalog.within(EVENT, pod.namespace):
        if event_about(event) != (POD.name, pod.namespace, pod.name):
            continue
        time, said = event_time(event), event_text(event)
        failed = event.raw.get("reason") == "Unhealthy" and f"{word} probe" in said
        if failed and _PROXY_PROBE not in said and time and mesh.now - time <= _PROBED_LATELY:
            found.append((time, event.name, event))
    return max(found, key=lambda item: item[:2])[2] if found else None


def direct_probes(pod: Resource) -> Iterator[DirectProbe]:
    """The HTTP and gRPC probes of a pod's application that injection did not rewrite.

    A TCP probe is content with a connection, which the sidecar grants whatever it does then.
    """
    names = container_ports(pod)
    for path, container in containers(pod):
        if path[1] != "containers" or container.get("name") == PROXY_CONTAINER:
            continue
        for field in PROBES:
            for how in ("httpGet", "grpc"):
                asked = as_mapping(as_mapping(container.get(field)).get(how))
                if not asked or str(asked.get("path") or "").startswith(_REWRITTEN):
                    continue
                port = asked.get("port")
                number = port if isinstance(port, int) else names.get(str(port))
                if number is not None and not (how == "grpc" and number == 15020):
                    name = str(container.get("name") or "")
                    yield DirectProbe(field, (*path, field), name, number)


def _says_reset(said: str) -> bool:
    return "connection reset" in said or said.rstrip().endswith("EOF")


@dataclass(frozen=True, slots=True)
class ProbeReset:
    """A probe that the sidecar resets, because it takes no plaintext at that port."""

    probe: DirectProbe
    event: Resource | None
    """The event that says so; None where the policies alone do."""


def probe_reset(
    mesh: Snapshot, pod: Resource, fields: tuple[str, ...] = tuple(PROBES)
) -> ProbeReset | None:
    """A direct probe that fails because the sidecar takes no plaintext at its port.

    The newest event may say otherwise; without one the policies decide, and where those are
    unread it cannot be excluded.

    Args:
        mesh: the snapshot.
        pod: a pod that is not ready, or whose containers are restarted.
        fields: which kinds of probe.
    """
    if not has_proxy(pod):
        return None
    for probe in direct_probes(pod):
        if probe.field not in fields or not captures_inbound(pod, probe.port):
            continue
        event = probe_event(mesh, pod, PROBES[probe.field])
        if event is not None and not _says_reset(event_text(event)):
            continue
        mode = peer_mode(mesh, pod.namespace, pod.labels, probe.port).mode
        if mode is ServerMode.STRICT or not mesh.catalog.known(PEER_AUTHENTICATION):
            return ProbeReset(probe, event)
    return None


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
