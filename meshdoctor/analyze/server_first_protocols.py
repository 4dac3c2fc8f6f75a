"""Whether databases, mail servers and their like stand behind ports that proxies read as HTTP.

A proxy that expects HTTP waits for the client's request while the client waits for the server's
greeting: the connection hangs, and neither log has a line. Clients that speak first are answered
with an HTTP error instead (400, flag DPE). Nothing but configuration tells of the former, so it
must be sure: the port and what stands behind it have to say the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import access_logs
from meshdoctor.analyze.base import PROXY_CONFIG, PROXY_LOG, holds, silent, unread
from meshdoctor.analyze.destination_facts import affected_by, failed_calls_text
from meshdoctor.analyze.destination_findings import passes, problem
from meshdoctor.analyze.destinations_in_use import uses_of
from meshdoctor.analyze.port_protocol_fix import declare
from meshdoctor.analyze.protocol_signs import carried_something, codec_errors, signs_of
from meshdoctor.intent.port_protocol import PortProtocol, declared_as, declared_at, protocol_of
from meshdoctor.model.finding import Severity
from meshdoctor.model.kinds import POD, SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.access_logs import Calls
    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.analyze.protocol_signs import Signs
    from meshdoctor.model.finding import Fact, Finding
    from meshdoctor.model.registry import ServiceHost, ServicePort
    from meshdoctor.model.snapshot import Snapshot

READ_AS_HTTP = "MD0135"
_MOST_SHOWN = 3


def _calls_fact(mesh: Snapshot, found: Calls) -> Fact:
    if found:
        shown = (call.evidence for call in found[-_MOST_SHOWN:])
        return holds("no-request-succeeded", failed_calls_text(mesh, found), *shown)
    if access_logs(mesh).unread:
        return unread("no-request-succeeded", "Not every proxy's access log could be read")
    text = "The access logs hold no request to it, as they would where connections hang"
    return silent("no-request-succeeded", text)


def _consequence(signs: Signs, protocol: PortProtocol) -> str:
    name = signs.protocol.name
    if signs.protocol.speaks_first:
        return (
            f"With {name} the server speaks first: the client waits for its greeting, while the "
            "client's proxy waits for the client's first bytes before it "
            + ("connects" if protocol.is_http else "knows what to do with the connection")
            + ", so that the connection hangs until somebody gives up, and no log has a line of it"
        )
    return (
        f"What a client of {name} sends is no HTTP, so its proxy answers 400 (flag DPE) instead "
        "of handing it on, which the client takes for a broken connection"
    )


def _finding(
    mesh: Snapshot, use: Use, found: tuple[ServiceHost, ServicePort, PortProtocol], signs: Signs
) -> Finding:
    service, port, protocol = found
    errors = codec_errors(mesh, use)
    sure = signs.agree or bool(errors)
    said = declared_as(service, port)
    name = signs.protocol.name
    message = (
        f"Port {port.number} of {service.resource} is {said}, and {name} is served there: "
        f"{', '.join(signs.words)}"
    )
    # Such connections leave no line in any log: nobody can be seen to call.
    finding = problem(
        READ_AS_HTTP,
        replace(use, watched=False),
        message,
        objects=(str(service.resource),),
        facts=(
            holds(
                "port-read-as-http",
                f"Port {port.number} of {service.resource} is {said}",
                service.resource.evidence(*declared_at(service, port)),
            ),
            holds("serves-no-http", message, *signs.evidence),
            _calls_fact(mesh, errors),
        ),
        affected=affected_by(mesh, use, errors),
        fills={
            "port": str(port.number),
            "said": said,
            "protocol": name,
            "signs": ", ".join(signs.words),
            "read": "take it for HTTP" if protocol.is_http else "wait for the first bytes to guess",
            "consequence": _consequence(signs, protocol),
            **declare(service, port, "tcp"),
        },
    )
    return finding if sure else replace(finding, severity=Severity.WARNING)


def _judge(mesh: Snapshot, service: ServiceHost, port: ServicePort) -> Iterator[Finding]:
    signs = signs_of(mesh, service, port)
    protocol = protocol_of(service, port)
    if signs is None or protocol in (PortProtocol.UDP, PortProtocol.TLS):
        return
    uses = uses_of(mesh, service.host, port.number)
    if protocol is PortProtocol.TCP:
        text = f"Port {port.number} of {service.resource} is handed on as plain TCP"
        shown = [service.resource.evidence(*declared_at(service, port))]
        yield passes(READ_AS_HTTP, uses[0], text, "port-read-as-tcp", shown)
        return
    if (working := carried_something(uses)) is not None:
        text = f"Port {port.number} of {service.resource} carries what it is used for"
        yield passes(READ_AS_HTTP, uses[0], text, "calls-succeed", [working.evidence])
        return
    # A guess goes well with clients that speak first; a name alone is too little against it.
    guessed = protocol is PortProtocol.AUTO
    if not guessed or (signs.protocol.speaks_first and signs.agree):
        yield _finding(mesh, uses[0], (service, port, protocol), signs)


@dataclass(frozen=True, slots=True)
class ServerFirstProtocols:
    """No port that serves another protocol is read as HTTP."""

    name: str = "server-first-protocols"
    description: str = "No database or mail server stands behind a port that is read as HTTP."
    inputs: tuple[str, ...] = (SERVICE.input, POD.input, PROXY_CONFIG, PROXY_LOG)
    codes: tuple[str, ...] = (READ_AS_HTTP,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at every port of every Kubernetes Service, where anybody has a proxy."""
        if not (mesh.proxy_pods or mesh.proxies):
            return
        for service in mesh.registry.hosts:
            if service.is_kubernetes and not service.is_external_name:
                for port in service.ports:
                    yield from _judge(mesh, service, port)


ANALYZER = ServerFirstProtocols()
