"""One ztunnel as it was read: the mesh it knows, the pods it serves, what became of connections.

ztunnel's own ``/config_dump`` (src/admin.rs) holds the workloads, services and policies of the
whole mesh; ``workloadState`` and ``certificates`` are of its own node alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from meshdoctor.model.log_line import LogLine

ZTUNNEL_DUMP = "config_dump.json"
ZTUNNEL_METRICS = "metrics.txt"
ZTUNNEL_LOG = "ztunnel.log"

HBONE_PORT = 15008
"""Where ztunnels and waypoints take tunnelled connections, inside each pod's own network."""


@dataclass(frozen=True, slots=True)
class ZtunnelWorkload:
    """One pod or WorkloadEntry as istiod described it to ztunnel."""

    uid: str
    """``<cluster>//Pod/<namespace>/<name>`` for a pod."""
    name: str
    namespace: str
    ips: tuple[str, ...]
    protocol: str
    """``HBONE`` when a ztunnel serves it, ``TCP`` when nothing takes tunnels for it."""
    node: str
    status: str
    """``Healthy`` or ``Unhealthy``."""
    waypoint: str
    """``network/ip`` or ``namespace/hostname``; empty for none."""
    policies: tuple[str, ...]
    """``namespace/name`` of the policies bound to it by selector."""
    pointer: str


@dataclass(frozen=True, slots=True)
class ZtunnelService:
    """One service as istiod described it to ztunnel."""

    name: str
    namespace: str
    hostname: str
    vips: tuple[str, ...]
    """Addresses without their network."""
    waypoint: str
    """``network/ip`` or ``namespace/hostname``; empty for none."""
    endpoints: int
    pointer: str


@dataclass(frozen=True, slots=True)
class ZtunnelPolicy:
    """One policy that ztunnel enforces: an AuthorizationPolicy, or a PeerAuthentication turned one.

    The latter are called ``istio_converted_static_strict`` and
    ``converted_peer_authentication_<name>``.
    """

    name: str
    namespace: str
    scope: str
    """``Global``, ``Namespace`` or ``WorkloadSelector``."""
    action: str
    """``Allow`` or ``Deny``."""
    rules: int
    pointer: str


@dataclass(frozen=True, slots=True)
class ZtunnelCertificate:
    """The certificate that a ztunnel holds for one identity of its node."""

    identity: str
    """``spiffe://…``."""
    state: str
    """``Available``, ``Initializing`` or ``Unavailable: <error>``."""
    valid_from: datetime | None
    expires: datetime | None
    roots: tuple[str, ...]
    """Serial numbers of the roots it trusts."""
    pointer: str


@dataclass(frozen=True, slots=True)
class ZtunnelPod:
    """A pod of the node that this ztunnel was told to serve."""

    uid: str
    """The Pod object's uid."""
    name: str
    namespace: str
    state: str
    """``Up``, or ``Pending`` with what it waits for."""
    pointer: str


@dataclass(frozen=True, slots=True)
class ZtunnelDump:
    """What one ztunnel knows."""

    workloads: tuple[ZtunnelWorkload, ...] = ()
    services: tuple[ZtunnelService, ...] = ()
    policies: tuple[ZtunnelPolicy, ...] = ()
    certificates: tuple[ZtunnelCertificate, ...] = ()
    pods: tuple[ZtunnelPod, ...] = ()
    version: str = ""
    errors: tuple[str, ...] = ()
    """Parts that were garbled and left out."""
    _shared: object = field(default=None, repr=False, compare=False)
    """Keeps alive what dumps of other ztunnels hold alike."""

    def service(self, namespace: str, name: str) -> ZtunnelService | None:
        """One service, by its own namespace and name."""
        return next(
            (item for item in self.services if (item.namespace, item.name) == (namespace, name)),
            None,
        )

    def workload(self, namespace: str, name: str) -> ZtunnelWorkload | None:
        """One pod's workload, by the pod's namespace and name."""
        return next(
            (item for item in self.workloads if (item.namespace, item.name) == (namespace, name)),
            None,
        )


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection that a ztunnel carried or turned down, from a line of its access log."""

    line: int
    time: datetime | None
    text: str
    """The whole line."""
    direction: str
    """``outbound`` at the client's ztunnel, ``inbound`` at the server's."""
    error: str
    """Why it failed; empty when it did not."""
    source_ip: str
    source_pod: str
    """Name of the client's pod (``src.workload``); empty when ztunnel does not know it."""
    source_namespace: str
    source_identity: str
    """The SPIFFE id that mutual TLS proved; empty for plaintext."""
    target_ip: str
    target_port: int
    """The port that was dialled: 15008 for a tunnel."""
    inner_port: int
    """The application's port within the tunnel (``dst.hbone_addr``); 0 without a tunnel."""
    service: str
    """Host name that was called; empty when a pod was called by its IP."""
    target_pod: str
    target_namespace: str


@dataclass(frozen=True, slots=True)
class ZtunnelLog:
    """One ztunnel's log, reduced as it was read."""

    failures: tuple[Connection, ...]
    """Every connection that failed, the newest few thousand, in order."""
    latest: tuple[Connection, ...]
    """The newest connection that succeeded of each client, destination and direction."""
    connections: int
    """How many access lines there are."""
    lines: tuple[LogLine, ...]
    """What else it said: warnings and worse."""
    unparsed: int
    """Lines of no known form."""
    first_time: datetime | None = None
    last_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ztunnel:
    """The node proxy of ambient mode."""

    namespace: str
    pod: str
    source: str
    """Folder within the recording: ``ztunnels/<ns>/<pod>``."""
    config: ZtunnelDump | None = None
    log: ZtunnelLog | None = None
    unread: frozenset[str] = frozenset()
    """File names under the folder that could not be read."""

    @property
    def id(self) -> str:
        """``pod.namespace``, as istiod names proxies."""
        return f"{self.pod}.{self.namespace}"

    def path(self, name: str) -> str:
        """Path of one of this ztunnel's files within the recording."""
        return f"{self.source}/{name}"
