"""One Envoy as it was read: what it holds, how its hosts fare, what it logged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.access_log import ProxyLog
    from meshdoctor.model.envoy import (
        BoundListener,
        CertInfo,
        ConfigDump,
        HostStatuses,
        ServerInfo,
        Stat,
    )

CONFIG_DUMP = "config_dump.json"
CLUSTERS = "clusters.json"
CERTS = "certs.json"
LISTENERS = "listeners.json"
SERVER_INFO = "server_info.json"
STATS = "stats.txt"
READY = "ready.txt"
LOG = "istio-proxy.log"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A sidecar, gateway or waypoint: its admin interface's answers and its log."""

    namespace: str
    pod: str
    source: str
    """Folder within the recording: ``proxies/<ns>/<pod>``."""
    config: ConfigDump | None = None
    hosts: HostStatuses | None = None
    certs: tuple[CertInfo, ...] | None = None
    listeners: tuple[BoundListener, ...] | None = None
    server: ServerInfo | None = None
    stats: Mapping[str, Stat] | None = None
    ready: bool | None = None
    log: ProxyLog | None = None
    unread: frozenset[str] = field(default_factory=frozenset)
    """File names under the folder that could not be read."""

    @property
    def id(self) -> str:
        """The proxy id that istiod uses, ``pod.namespace``."""
        return f"{self.pod}.{self.namespace}"

    def path(self, name: str) -> str:
        """Path of one of this proxy's files within the recording."""
        return f"{self.source}/{name}"
