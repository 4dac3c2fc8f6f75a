"""What a proxy's own log says of its way to istiod, since it was last connected."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshdoctor.model.access_log import ProxyLog
    from meshdoctor.model.log_line import LogLine

_CONNECTED = re.compile(r"connected to (?:delta )?upstream XDS server")
_CERTIFICATE = re.compile(r"x509:|certificate signed by|failed to verify certificate|tls: bad cert")
_REFUSED = re.compile(r"code = (?:Unauthenticated|PermissionDenied)|authentication failure")
_UNREACHABLE = re.compile(
    r"i/o timeout|connection refused|no route to host|network is unreachable|no such host"
    r"|connection reset by peer|context deadline exceeded|keepalive ping failed"
    r"|failed to connect to (?:upstream|endpoint)|Failed to connect to endpoint"
    r"|is Istiod running\?|upstream connect error|code = Unavailable",
)
_ABOUT_ISTIOD = re.compile(
    r":1501[02]\b|xds-grpc|XDS server|failed to sign CSR|create certificate"
    r"|upstream terminated|failed to connect to upstream",
    re.IGNORECASE,
)


class Way(StrEnum):
    """How a proxy fares on its way to istiod, by its log."""

    CONNECTED = "connected"
    """The last thing it says is that it connected."""
    UNREACHABLE = "unreachable"
    """It cannot open a connection, or an open one went dead."""
    CERTIFICATE = "certificate"
    """It gets there, but does not trust istiod's certificate."""
    REFUSED = "refused"
    """It gets there, but istiod does not accept its identity."""
    SILENT = "silent"
    """The log says nothing about it."""


@dataclass(frozen=True, slots=True)
class Report:
    """The last word of a proxy's log on its connection to istiod."""

    way: Way
    line: LogLine | None


def _kind(line: LogLine) -> Way | None:
    text = line.full_message
    if _CONNECTED.search(text):
        return Way.CONNECTED
    about = line.scope == "xdsproxy" or _ABOUT_ISTIOD.search(text) is not None
    if not about:
        return None
    for way, pattern in (
        (Way.CERTIFICATE, _CERTIFICATE),
        (Way.REFUSED, _REFUSED),
        (Way.UNREACHABLE, _UNREACHABLE),
    ):
        if pattern.search(text):
            return way
    return None


def report(log: ProxyLog) -> Report:
    """Read a proxy's log backwards to its last successful connection.

    A certificate that is not trusted outweighs time-outs of the same outage: while the CA is
    replaced istiod restarts, and both are logged.
    """
    worst = Report(Way.SILENT, None)
    order = (Way.CERTIFICATE, Way.REFUSED, Way.UNREACHABLE)
    for line in reversed(log.agent):
        way = _kind(line)
        if way is Way.CONNECTED:
            return Report(way, line) if worst.line is None else worst
        if way is not None and (worst.line is None or order.index(way) < order.index(worst.way)):
            worst = Report(way, line)
    return worst
