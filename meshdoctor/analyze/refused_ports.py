"""Findings about connections that a pod refuses: the Service's fault, or the application's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.application_binding import LOCALHOST
from meshdoctor.analyze.application_ports import PortSign
from meshdoctor.analyze.base import holds, silent
from meshdoctor.analyze.destination_facts import affected_by, failed_calls_to, requests_fail
from meshdoctor.analyze.destination_findings import problem
from meshdoctor.analyze.json_patches import replace_value
from meshdoctor.analyze.server_connections import Connections
from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import container_ports

if TYPE_CHECKING:
    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.finding import Fact, Finding
    from meshdoctor.model.registry import ServicePort
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

TARGET_PORT_NOT_LISTENING = "MD0122"
BINDS_TO_LOCALHOST = "MD0123"


@dataclass(frozen=True, slots=True)
class RefusingServer:
    """A pod that refuses, and what tells whose fault it is."""

    seen: Connections
    port_sign: PortSign | None
    localhost: PortSign | None

    @property
    def is_its_port(self) -> bool:
        """Whether the port is the application's own, so that it must bind elsewhere."""
        if self.localhost is not None and (self.port_sign is None or self.port_sign.own):
            return True
        return self.port_sign is not None and self.port_sign.own


def _refused_fact(servers: list[RefusingServer]) -> Fact:
    text = "; ".join(server.seen.text for server in servers[:3])
    return holds("connection-refused", text, *(e for s in servers[:3] for e in s.seen.evidence))


def _log_fact(mesh: Snapshot, use: Use, servers: list[RefusingServer]) -> Fact:
    """The access log's word, beside the counters."""
    if any(server.seen.from_log for server in servers):
        text = "The servers' access logs say so"
        shown = [e for s in servers if s.seen.from_log for e in s.seen.evidence]
        return holds("requests-fail", text, *shown[:2])
    return requests_fail(mesh, use)


def wrong_port(
    mesh: Snapshot, use: Use, service: Resource, port: ServicePort, servers: list[RefusingServer]
) -> Finding:
    """The Service leads to a port that is not the application's.

    Args:
        mesh: the snapshot.
        use: the destination.
        service: its Service.
        port: the Service's port.
        servers: the pods that refuse there.
    """
    first = servers[0]
    sign = first.port_sign
    own = sorted(set(container_ports(first.seen.pod).values()))
    told = sign.text if sign else "nothing says which port is the application's"
    message = (
        f"{service} sends port {port.number} to target port {first.seen.port} of "
        f"{first.seen.pod.name}, where nothing listens: {told}"
    )
    path = ("spec", "ports", port.index, "targetPort")
    evidence = [service.evidence(*path), *(sign.evidence if sign else ())]
    sign_fact = (
        holds("port-is-not-the-applications", f"{first.seen.pod.name}: {told}", *evidence)
        if sign
        else silent("port-is-not-the-applications", told, *evidence)
    )
    forth, back = replace_value(service, path, own[0] if own else port.number)
    known = bool(own) and first.seen.port not in own
    return problem(
        TARGET_PORT_NOT_LISTENING,
        use,
        message,
        objects=(str(service), str(mesh.workloads.owning(first.seen.pod))),
        facts=(_refused_fact(servers), sign_fact, _log_fact(mesh, use, servers)),
        affected=affected_by(mesh, use, failed_calls_to(mesh, use)),
        fills={
            "service": f"{service.namespace}/{service.name}",
            "target": str(first.seen.port),
            "ports": ", ".join(map(str, own)) or "no port",
            "why": told,
            "command": forth if known else _look(first.seen.pod),
            "undo": back if known else "nothing to undo: this only reads",
        },
    )


def _look(pod: Resource) -> str:
    """The command that shows what a pod listens on."""
    return f"kubectl exec {pod.name} -n {pod.namespace} -- cat /proc/net/tcp /proc/net/tcp6"


def named_port_missing(
    mesh: Snapshot, use: Use, service: Resource, port: ServicePort, pods: tuple[Resource, ...]
) -> Finding:
    """``targetPort`` is a name that no container declares: Kubernetes makes no endpoint."""
    declared = sorted({str(key) for pod in pods for key in container_ports(pod)})
    numbers = sorted({number for pod in pods for number in container_ports(pod).values()})
    message = (
        f"{service} sends port {port.number} to the container port named {port.target}, which no "
        f"container behind it declares (they declare {', '.join(declared) or 'none'})"
    )
    path = ("spec", "ports", port.index, "targetPort")
    forth, back = replace_value(service, path, numbers[0] if numbers else port.number)
    shown = [service.evidence(*path), pods[0].evidence("spec", "containers", 0, "name")]
    return problem(
        TARGET_PORT_NOT_LISTENING,
        use,
        message,
        objects=(str(service), str(mesh.workloads.owning(pods[0]))),
        facts=(
            holds("connection-refused", message, *shown),
            holds("port-is-not-the-applications", message, *shown),
            requests_fail(mesh, use, "UH"),
        ),
        affected=affected_by(mesh, use, failed_calls_to(mesh, use, "UH")),
        fills={
            "service": f"{service.namespace}/{service.name}",
            "target": str(port.target),
            "ports": ", ".join(declared) or "no port",
            "why": message,
            "command": forth,
            "undo": back,
        },
    )


def localhost_only(
    mesh: Snapshot, use: Use, service: Resource, servers: list[RefusingServer]
) -> Finding:
    """The port is the application's own, and it is refused at the pod's address.

    Args:
        mesh: the snapshot.
        use: the destination.
        service: its Service.
        servers: the pods that refuse.
    """
    first = servers[0]
    owners = tuple(dict.fromkeys(mesh.workloads.owning(server.seen.pod) for server in servers))
    owner = owners[0]
    told = first.localhost.text if first.localhost else None
    own = first.port_sign.text if first.port_sign else f"port {first.seen.port} is its only one"
    message = (
        f"Nothing listens at port {first.seen.port} of {first.seen.pod.name}'s own address, "
        f"although {own}: the application binds to localhost"
        + (f" ({told})" if told else ", as far as can be told")
    )
    shown = first.port_sign.evidence if first.port_sign else ()
    return problem(
        BINDS_TO_LOCALHOST,
        use,
        message,
        objects=(*map(str, owners), str(service)),
        facts=(
            _refused_fact(servers),
            holds("port-is-the-applications", f"{first.seen.pod.name}: {own}", *shown),
            _binding_fact(first),
            _log_fact(mesh, use, servers),
        ),
        affected=affected_by(mesh, use, failed_calls_to(mesh, use)),
        fills={
            "port": str(first.seen.port),
            "pod": first.seen.pod.name,
            "space": first.seen.pod.namespace,
            "workload": f"{owner.kind.lower()}/{owner.name}",
            "why": told or f"{own}, and still nothing answers there",
            "look": _look(first.seen.pod),
            **_bind_fills(owner, first.localhost),
        },
    )


def _binding_fact(server: RefusingServer) -> Fact:
    """The fact that something says localhost; without it there may be another reason."""
    if server.localhost is None:
        text = "Neither environment nor command line names the address that it listens on"
        return silent("application-is-told-localhost", text)
    text = f"{server.seen.pod.name}: {server.localhost.text}"
    return holds("application-is-told-localhost", text, *server.localhost.evidence)


def _bind_fills(owner: Workload, sign: PortSign | None) -> dict[str, str]:
    """The command that lets the application listen on every address."""
    target = f"{owner.kind.lower()}/{owner.name} -n {owner.namespace}"
    if sign is None or not sign.variable or owner.kind == POD.name:
        return {
            "command": f"kubectl edit {target}",
            "undo": f"kubectl rollout undo {target}",
        }
    everywhere = LOCALHOST.sub("0.0.0.0", sign.value)
    return {
        "command": f"kubectl set env {target} {sign.variable}={everywhere}",
        "undo": f"kubectl set env {target} {sign.variable}={sign.value}",
    }
