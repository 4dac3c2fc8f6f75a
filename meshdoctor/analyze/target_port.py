"""Whether the application listens at the port its Service leads to.

A refused connection at the pod's own IP has two reasons that the callers cannot tell apart: the
Service names a port that is not the application's, or the application binds to localhost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.application_binding import localhost_sign
from meshdoctor.analyze.application_ports import PortSign, port_sign
from meshdoctor.analyze.base import PROXY_HOSTS, PROXY_LOG
from meshdoctor.analyze.container_exits import restarted_lately
from meshdoctor.analyze.destination_findings import cannot_tell, passes
from meshdoctor.analyze.destination_pods import pods_of
from meshdoctor.analyze.destinations_in_use import destinations_in_use
from meshdoctor.analyze.refused_ports import (
    BINDS_TO_LOCALHOST,
    TARGET_PORT_NOT_LISTENING,
    RefusingServer,
    localhost_only,
    named_port_missing,
    wrong_port,
)
from meshdoctor.analyze.server_connections import (
    Answer,
    Connections,
    calls_at,
    connections_to,
    is_refused,
)
from meshdoctor.intent.backends import target_port
from meshdoctor.model.kinds import POD, SERVICE
from meshdoctor.model.pod import is_ready

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.registry import ServicePort
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_SHOWN = 3


def _pods(mesh: Snapshot, use: Use) -> tuple[Resource, ...]:
    """Ready pods that run steadily: what a crashing one refuses says nothing of its port."""
    return tuple(
        pod for pod in pods_of(mesh, use) if is_ready(pod) and not restarted_lately(pod, mesh.now)
    )


def _accepted(mesh: Snapshot, use: Use, seen: list[Connections]) -> Iterator[Finding]:
    taken = [item for item in seen if item.answer is Answer.ACCEPTED]
    newest = [call for i in seen for call in calls_at(mesh, use, i.pod, i.port)[-1:]]
    # A refused newest connection among answered ones is no proof that somebody listens.
    if not taken or not use.is_seen or any(map(is_refused, newest)):
        return
    message = f"The application listens: {taken[0].text}"
    shown = tuple(evidence for item in taken for evidence in item.evidence)[:_SHOWN]
    yield passes(BINDS_TO_LOCALHOST, use, message, "application-listens", shown)
    signs = [_port_sign(mesh, item) for item in taken]
    # Where a sign says that the port is not the application's, somebody else may answer there.
    if all(sign is None or sign.own for sign in signs):
        declared = [evidence for sign in signs if sign for evidence in sign.evidence]
        if signs[0] is not None:
            message += f", and {signs[0].text}"
        both = (*declared[:_SHOWN], *shown)
        yield passes(TARGET_PORT_NOT_LISTENING, use, message, "application-listens", both)


def _port_sign(mesh: Snapshot, item: Connections) -> PortSign | None:
    return port_sign(mesh, item.pod, mesh.workloads.owning(item.pod).resource, item.port)


def _look_alike(
    use: Use, own: list[RefusingServer], other: list[RefusingServer]
) -> Iterator[Finding]:
    """A refused port rules out that one of the two causes which its sign speaks against."""
    for code, servers in ((TARGET_PORT_NOT_LISTENING, own), (BINDS_TO_LOCALHOST, other)):
        sign = servers[0].port_sign if servers else None
        if sign is not None and not (own and other):
            port = servers[0].seen.port
            whose = "the application's own" if servers is own else "not the application's"
            message = f"Port {port} of {servers[0].seen.pod.name} is {whose}: {sign.text}"
            yield passes(code, use, message, "port-told-apart", sign.evidence)


def _judge(
    mesh: Snapshot, use: Use, service: Resource, port: ServicePort, pods: tuple[Resource, ...]
) -> Iterator[Finding]:
    targets = [(pod, number) for pod in pods if (number := target_port(port, pod)) is not None]
    if not targets:
        yield named_port_missing(mesh, use, service, port, pods)
        return
    seen = [connections_to(mesh, use, pod, number) for pod, number in targets]
    refusing = [
        RefusingServer(
            item,
            _port_sign(mesh, item),
            localhost_sign(mesh, item.pod, item.port),
        )
        for item in seen
        if item.answer is Answer.REFUSED and not item.at_loopback
    ]
    own = [server for server in refusing if server.is_its_port]
    # Where another pod serves this very port, the Service is right and the pod is wrong.
    served = any(item.answer is Answer.ACCEPTED for item in seen)
    other = [server for server in refusing if not server.is_its_port]
    if served:
        own, other = [*own, *other], []
    if own:
        yield localhost_only(mesh, use, service, own)
    if other:
        yield wrong_port(mesh, use, service, port, other)
    yield from _look_alike(use, own, other)
    if not refusing:
        yield from _accepted(mesh, use, seen)
        if use.is_seen and not served and any(item.unread for item in seen):
            for code in (TARGET_PORT_NOT_LISTENING, BINDS_TO_LOCALHOST):
                message = f"It cannot be told whether anything listens behind {use.destination}"
                yield cannot_tell(code, use, message, (PROXY_HOSTS, PROXY_LOG))


@dataclass(frozen=True, slots=True)
class TargetPort:
    """Every called application listens at its Service's target port."""

    name: str = "target-port"
    description: str = "The application listens at the target port of every Service that is called."
    inputs: tuple[str, ...] = (SERVICE.input, POD.input, PROXY_HOSTS, PROXY_LOG)
    codes: tuple[str, ...] = (TARGET_PORT_NOT_LISTENING, BINDS_TO_LOCALHOST)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at the ready pods behind each destination."""
        for use in destinations_in_use(mesh):
            service, number = use.service, use.destination.port
            if service is None or number is None:
                continue
            port = service.port(number)
            if port is not None and (pods := _pods(mesh, use)):
                yield from _judge(mesh, use, service.resource, port, pods)


ANALYZER = TargetPort()
