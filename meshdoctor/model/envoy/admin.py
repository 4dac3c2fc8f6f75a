"""Small answers of Envoy's admin interface: certs, listeners, server_info, stats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class CertDetails:
    """One certificate in ``/certs``."""

    serial: str
    """Hexadecimal, as Envoy prints it."""
    path: str
    sans: tuple[str, ...]
    """URIs, DNS names and IP addresses."""
    days_until_expiration: int | None
    """Whole days left when the file was read."""
    valid_from: datetime | None
    expiration_time: datetime | None
    pointer: str
    expires: str = ""
    """``expiration_time`` as it is written."""


@dataclass(frozen=True, slots=True)
class CertInfo:
    """One TLS context's certificates in ``/certs``."""

    ca_cert: tuple[CertDetails, ...]
    cert_chain: tuple[CertDetails, ...]
    pointer: str


@dataclass(frozen=True, slots=True)
class BoundListener:
    """One listener in ``/listeners?format=json``: a socket Envoy really serves."""

    name: str
    address: str
    port: int
    """0 for internal listeners and pipes."""
    pointer: str


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """Envoy's ``/server_info``; every field is at the root of the file."""

    version: str
    """``<commit>/<version>/<status>/<type>/<ssl>``."""
    state: str
    """LIVE, DRAINING, PRE_INITIALIZING or INITIALIZING."""
    uptime_seconds: float | None
    """Uptime of this process (``uptime_current_epoch``)."""
    uptime_all_seconds: float | None
    hot_restart_version: str
    hot_restart_initializing: bool
    concurrency: int | None
    """Worker threads."""
    restart_epoch: int

    @property
    def envoy_version(self) -> str:
        """The version number, e.g. ``1.40.0``; empty when it cannot be read."""
        parts = self.version.split("/")
        return parts[1] if len(parts) > 1 else ""


@dataclass(frozen=True, slots=True)
class Stat:
    """One line of ``/stats``."""

    name: str
    """Name as printed, which may hold Istio's ``;`` delimiter."""
    value: int | str
    line: int
    """1-based line number in the file."""
