"""One proxy's log as it was read: a line per request from Envoy, beside what the agent said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from meshdoctor.model.log_line import LogLine

INBOUND_PASSTHROUGH = "InboundPassthroughCluster"
"""Where a sidecar sends requests for a port that no Service of its pod has."""
OUTBOUND_SPECIAL = ("PassthroughCluster", "BlackHoleCluster")
"""Where a sidecar sends what its workload addressed to a destination that it does not know."""


@dataclass(frozen=True, slots=True)
class AccessLogEntry:
    """One request, or one TCP connection, that a proxy finished.

    The fields are those of Istio's default format (pilot/pkg/model/telemetry_logging.go); a field
    that the line does not have, or has as ``-``, is None.
    """

    line: int
    """1-based number of the line in its file."""
    time: datetime | None
    """When the request began, UTC."""
    method: str | None
    path: str | None
    protocol: str | None
    code: int
    """HTTP status; 0 for TCP and for a client that left before there was one."""
    flags: tuple[str, ...]
    """Response flags, e.g. ``("URX", "UF")``; empty for none."""
    details: str | None
    """RESPONSE_CODE_DETAILS: who made the response and why."""
    termination: str | None
    """CONNECTION_TERMINATION_DETAILS: why Envoy itself ended the connection."""
    transport_failure: str | None
    """UPSTREAM_TRANSPORT_FAILURE_REASON: what TCP or TLS towards the upstream failed with."""
    bytes_received: int | None
    bytes_sent: int | None
    duration: int | None
    """Milliseconds."""
    request_id: str | None
    authority: str | None
    upstream_host: str | None
    """``ip:port`` of the host that was tried last."""
    cluster: str | None
    """UPSTREAM_CLUSTER, e.g. ``outbound|8080|v1|reviews.shop.svc.cluster.local``."""
    upstream_local: str | None
    downstream_local: str | None
    """``ip:port`` that the client connected to, before capture."""
    downstream_remote: str | None
    """``ip:port`` of the client."""
    sni: str | None
    """REQUESTED_SERVER_NAME."""
    route: str | None
    """ROUTE_NAME."""
    text: str
    """The line as it stands in the file."""

    @property
    def is_inbound(self) -> bool:
        """Whether this proxy received it for its own workload."""
        cluster = self.cluster
        return cluster is not None and (
            cluster.startswith("inbound|") or cluster == INBOUND_PASSTHROUGH
        )

    @property
    def is_outbound(self) -> bool:
        """Whether this proxy sent it on, to the registry's hosts or to a place it does not know."""
        cluster = self.cluster
        return cluster is not None and (
            cluster.startswith("outbound|") or cluster in OUTBOUND_SPECIAL
        )

    @property
    def is_listener_line(self) -> bool:
        """Whether a listener turned the connection away before there was a request.

        Istio's listeners log only such connections: no filter chain matched them (flag NR).
        """
        return self.method is None and "NR" in self.flags

    @property
    def remote_ip(self) -> str | None:
        """The client's address without the port; an IPv6 address without its brackets."""
        return host_port(self.downstream_remote)[0]

    @property
    def local_port(self) -> int | None:
        """The port that the client connected to."""
        return host_port(self.downstream_local)[1]

    def flagged(self, flag: str) -> bool:
        """Whether the request ended with this response flag, e.g. ``UH``."""
        return flag in self.flags


@dataclass(frozen=True, slots=True)
class ProxyLog:
    """What was kept of one istio-proxy container's log."""

    access: tuple[AccessLogEntry, ...]
    """In the order of the file, which is the order in which requests ended."""
    agent: tuple[LogLine, ...]
    """Warnings and errors of the agent and of Envoy, and the agent's few telling info lines."""
    lines: int
    """How many lines the file has."""
    unparsed: int
    """How many of them are of no known form."""
    first_time: datetime | None
    """The earliest moment that any line names."""
    last_time: datetime | None
    """The latest moment that any line names."""


def host_port(address: str | None) -> tuple[str | None, int | None]:
    """Split an address as Envoy prints it.

    Args:
        address: ``ip:port``, ``[ipv6]:port``, a bare address, or None.

    Returns:
        The host without brackets and the port; None for what is not there.
    """
    if not address:
        return None, None
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        port = rest.removeprefix(":")
    elif address.count(":") == 1:
        host, _, port = address.partition(":")
    else:
        host, port = address, ""
    readable = port.isascii() and port.isdecimal() and len(port) <= len("65535")
    return host or None, int(port) if readable else None
