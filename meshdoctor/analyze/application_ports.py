"""Whether a port is the application's own: told from its container, its probes, what it serves.

Kubernetes does not tell what a process listens on, and ``containerPort`` is a declaration, so
further signs are asked when nothing is declared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.model.pod import PROXY_CONTAINER, container_ports, containers
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_PORT_WORD = re.compile(r"(?:^|_)(?:PORTS?|LISTEN|ADDR|ADDRESS|BIND)$")
_NUMBER = re.compile(r"\d{2,5}")
_HTTP_PROBES = ("readinessProbe", "livenessProbe", "startupProbe")

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class PortSign:
    """A sign that a port is, or is not, the one the application listens on."""

    own: bool
    text: str
    evidence: tuple[Evidence, ...]
    variable: str = ""
    """Environment variable that says so; empty when something else does."""
    value: str = ""
    """Its value."""


def application_containers(pod: Resource) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The pod's own containers, each with its path; init containers and the proxy left out."""
    for path, container in containers(pod):
        if path[1] == "containers" and container.get("name") != PROXY_CONTAINER:
            yield path, container


def _declared(pod: Resource, port: int) -> PortSign | None:
    numbers = sorted(set(container_ports(pod).values()))
    if not numbers:
        return None
    said = ", ".join(map(str, numbers))
    for path, container in application_containers(pod):
        for index, item in enumerate(as_list(container.get("ports"))):
            if as_mapping(item).get("containerPort") == port:
                evidence = pod.evidence(*path, "ports", index, "containerPort")
                text = f"its container declares port {port}"
                return PortSign(True, text, (evidence,))
    shown = tuple(
        pod.evidence(*path, "ports")
        for path, container in application_containers(pod)
        if container.get("ports")
    )
    return PortSign(False, f"its containers declare {said}, not {port}", shown[:1])


def _serves(mesh: Snapshot, pod: Resource, port: int) -> PortSign | None:
    """What the pod's own proxy connected to since it started."""
    proxy = mesh.proxy_of(pod)
    if proxy is None or proxy.hosts is None:
        return None
    for cluster in proxy.hosts.clusters:
        direction, _, rest = cluster.name.partition("|")
        number = rest.partition("|")[0]
        reached = any(host.cx_total > host.cx_connect_fail for host in cluster.hosts)
        if direction != "inbound" or not reached:
            continue
        if number == str(port):
            return PortSign(True, f"it served port {port} before", ())
        return PortSign(False, f"it serves port {number}", ())
    return None


def _environment(pod: Resource, port: int) -> PortSign | None:
    for path, container in application_containers(pod):
        for index, value in enumerate(as_list(container.get("env"))):
            item = as_mapping(value)
            name, text = str(item.get("name") or ""), str(item.get("value") or "")
            numbers = _NUMBER.findall(text)
            if not _PORT_WORD.search(name.upper()) or not numbers:
                continue
            evidence = (pod.evidence(*path, "env", index, "value"),)
            if str(port) in numbers:
                return PortSign(True, f"its environment says {name}={text}", evidence)
            if name.upper().endswith(("PORT", "PORTS")):
                return PortSign(False, f"its environment says {name}={text}", evidence)
    return None


def _probed(pod: Resource, template: Resource | None, port: int) -> PortSign | None:
    """Ports that the probes ask, as written in the template (injection rewrites the pod's)."""
    spec = as_mapping(as_mapping(template.spec.get("template")).get("spec")) if template else {}
    base: Path = ("spec", "template", "spec", "containers") if template else ("spec", "containers")
    source = template or pod
    for index, value in enumerate(as_list((spec if template else pod.spec).get("containers"))):
        container = as_mapping(value)
        for kind in _HTTP_PROBES:
            probe = as_mapping(container.get(kind))
            for how in ("httpGet", "tcpSocket", "grpc"):
                number = as_mapping(probe.get(how)).get("port")
                if isinstance(number, int) and number != 15020:
                    evidence = (source.evidence(*base, index, kind, how, "port"),)
                    said = f"its {kind} asks port {number}"
                    return PortSign(number == port, said, evidence)
    return None


def port_sign(
    mesh: Snapshot, pod: Resource, template: Resource | None, port: int
) -> PortSign | None:
    """Whether a port is the one that the application of a pod means to serve.

    Args:
        mesh: the snapshot.
        pod: the server.
        template: the object whose template made it; None when it was not read.
        port: the target port asked for.

    Returns:
        The strongest sign; None when nothing tells.
    """
    return (
        _declared(pod, port)
        or _serves(mesh, pod, port)
        or _environment(pod, port)
        or _probed(pod, template, port)
    )
