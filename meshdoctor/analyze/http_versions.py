"""Whether applications speak the version of HTTP that their port declares.

A proxy speaks HTTP/2 to a port declared http2 or grpc, and HTTP/1.1 to one declared http; an
application that cannot answer so ends the call with 502 (or 503) and flag UPE, protocol error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import recent
from meshdoctor.analyze.base import PROXY_LOG, holds
from meshdoctor.analyze.destination_facts import affected_by, failed_calls_text
from meshdoctor.analyze.destination_findings import passes, problem
from meshdoctor.analyze.destination_pods import pods_of
from meshdoctor.analyze.destinations_in_use import destinations_in_use
from meshdoctor.analyze.port_protocol_fix import declare
from meshdoctor.analyze.server_connections import calls_at
from meshdoctor.intent.backends import target_port
from meshdoctor.intent.port_protocol import PortProtocol, declared_as, declared_at, protocol_of
from meshdoctor.model.kinds import POD, SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.access_logs import Call, Calls
    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.registry import ServiceHost, ServicePort
    from meshdoctor.model.snapshot import Snapshot

OTHER_VERSION = "MD0134"
_FLAG = "UPE"
_HTTP_2 = "HTTP/2"
_MOST_SHOWN = 3


def _calls(mesh: Snapshot, use: Use, port: ServicePort) -> Calls:
    """What went to the application: as its own proxies saw it, else as its callers' did."""
    inbound = [
        call
        for pod in pods_of(mesh, use)
        if (number := target_port(port, pod)) is not None
        for call in calls_at(mesh, use, pod, number)
    ]
    found = recent(mesh, tuple(inbound)) or recent(mesh, use.calls)
    return tuple(sorted(found, key=lambda call: call.time))


def _speaks_other(call: Call, protocol: PortProtocol) -> bool:
    """Whether a call failed because its application does not speak what its port declares.

    To a port declared http the proxy speaks HTTP/1.1 even where the caller spoke HTTP/2; that
    the caller did is the sign that the application does.
    """
    if not call.entry.flagged(_FLAG):
        return False
    return protocol is PortProtocol.HTTP2 or call.entry.protocol == _HTTP_2


def _finding(
    mesh: Snapshot, use: Use, where: tuple[ServiceHost, ServicePort, PortProtocol], bad: Calls
) -> Finding:
    owner, port, protocol = where
    said = declared_as(owner, port)
    spoken, other = (
        ("HTTP/2", "HTTP/1.1") if protocol is PortProtocol.HTTP2 else ("HTTP/1.1", "HTTP/2")
    )
    wanted = "http" if protocol is PortProtocol.HTTP2 else "http2"
    message = (
        f"Port {port.number} of {owner.resource} is {said}, so proxies speak {spoken} to its "
        "application, which answers with a protocol error"
    )
    shown = [call.evidence for call in bad[-_MOST_SHOWN:]]
    return problem(
        OTHER_VERSION,
        use,
        message,
        objects=(str(owner.resource),),
        facts=(
            holds(
                "port-declared-otherwise",
                message,
                owner.resource.evidence(*declared_at(*where[:2])),
            ),
            holds("proxies-follow-it", f"The proxies' requests end with flag {_FLAG}", *shown[-1:]),
            holds("calls-show-it", failed_calls_text(mesh, bad), *shown),
        ),
        affected=affected_by(mesh, use, tuple(c for c in bad if not c.entry.is_inbound)),
        fills={
            "summary": (
                f"Port {port.number} of {owner.resource} is {said}, so proxies speak {spoken} to "
                f"its application. It answers with a protocol error, as one does that speaks "
                f"{other} alone: callers get {bad[-1].entry.code}, flag UPE"
            ),
            "consequence": f"its application does not understand {spoken}",
            "port": str(port.number),
            "said": said,
            **declare(owner, port, wanted),
        },
    )


def _judge(mesh: Snapshot, use: Use, owner: ServiceHost, port: ServicePort) -> Finding | None:
    protocol = protocol_of(owner, port)
    if not protocol.is_http:
        return None
    calls = _calls(mesh, use, port)
    bad = tuple(call for call in calls if _speaks_other(call, protocol))
    if bad and calls[-1] in bad:
        return _finding(mesh, use, (owner, port, protocol), bad)
    if calls and not any(call.entry.flagged(_FLAG) for call in calls):
        text = f"No call to {use.destination} ends with a protocol error: {calls[-1].outcome} last"
        return passes(OTHER_VERSION, use, text, "version-understood", [calls[-1].evidence])
    return None


@dataclass(frozen=True, slots=True)
class HttpVersions:
    """Applications speak the HTTP that their port declares."""

    name: str = "http-versions"
    description: str = "Applications speak the version of HTTP that their port declares."
    inputs: tuple[str, ...] = (SERVICE.input, POD.input, PROXY_LOG)
    codes: tuple[str, ...] = (OTHER_VERSION,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at the newest calls to each destination whose port declares HTTP."""
        for use in destinations_in_use(mesh):
            for owner in mesh.registry.find(use.destination.host):
                port = owner.port(use.destination.port or 0)
                if port is not None and (found := _judge(mesh, use, owner, port)) is not None:
                    yield found
                    break


ANALYZER = HttpVersions()
