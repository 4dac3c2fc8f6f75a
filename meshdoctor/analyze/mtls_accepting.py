"""What a server accepts at one port, and what decides it: a sidecar, ztunnel, or nobody."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from meshdoctor.intent.inbound_capture import captures_inbound, is_in_ambient, takes_hbone
from meshdoctor.intent.peer_authentication import PeerMode, ServerMode, peer_mode
from meshdoctor.model.kinds import PEER_AUTHENTICATION
from meshdoctor.model.pod import has_proxy, host_network

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

TLS_MODE = "security.istio.io/tlsMode"
"""Set at injection; istiod copies it to the endpoint, where automatic mTLS looks for it."""


class Way(StrEnum):
    """What a connection to the port meets first."""

    SIDECAR = "sidecar"
    ZTUNNEL = "ztunnel"
    NO_SIDECAR = "no sidecar"
    HOST_NETWORK = "host network"
    EXCLUDED = "port excluded from capture"
    OUTSIDE = "outside the mesh"
    """A host that only a ServiceEntry names: nothing read says what it accepts."""


@dataclass(frozen=True, slots=True)
class Accepting:
    """What one port of one pod, or of several alike, accepts."""

    way: Way
    peer: PeerMode | None
    """What PeerAuthentications say of the port, enforced or not; None where they are unread."""
    is_marked: bool
    """Whether the pod tells istiod that it has a sidecar (label ``TLS_MODE``)."""
    takes_hbone: bool

    @property
    def is_enforced(self) -> bool:
        """Whether a sidecar or ztunnel stands before the application."""
        return self.way in (Way.SIDECAR, Way.ZTUNNEL)

    @property
    def mode(self) -> ServerMode | None:
        """The mode in force; None where nothing enforces one, or it is not known."""
        return self.peer.mode if self.is_enforced and self.peer else None

    @property
    def text(self) -> str:
        """What is accepted: Istio's word, or that the application answers for itself."""
        if self.way is Way.OUTSIDE:
            return "unknown"
        if not self.is_enforced:
            return f"as sent ({self.way})"
        if self.mode is None:
            return "unknown"
        if self.way is Way.ZTUNNEL:
            only = self.mode is ServerMode.STRICT
            return "HBONE only (STRICT)" if only else "HBONE or plaintext"
        return self.mode.value

    @property
    def by(self) -> str:
        """What decides: the PeerAuthentication with its level, Istio's default, or the pod."""
        if self.way is Way.OUTSIDE:
            return "a host outside the mesh"
        if not self.is_enforced:
            return f"the pod: {self.way}"
        if self.peer is None:
            return "unknown: PeerAuthentications were not read"
        if self.peer.policy is None:
            return "Istio's default"
        return f"{self.peer.policy} ({self.peer.level})"

    @property
    def policy(self) -> Resource | None:
        """The PeerAuthentication that decides, if one does."""
        return self.peer.policy if self.is_enforced and self.peer else None


OUTSIDE = Accepting(Way.OUTSIDE, None, is_marked=False, takes_hbone=False)
"""A host outside the mesh."""


def _way(pod: Resource, port: int) -> Way:
    if has_proxy(pod):
        return Way.SIDECAR if captures_inbound(pod, port) else Way.EXCLUDED
    if is_in_ambient(pod):
        return Way.ZTUNNEL
    return Way.HOST_NETWORK if host_network(pod) else Way.NO_SIDECAR


def accepting(mesh: Snapshot, pod: Resource, port: int) -> Accepting:
    """What a pod accepts at a container port."""
    known = mesh.catalog.known(PEER_AUTHENTICATION)
    return Accepting(
        way=_way(pod, port),
        peer=peer_mode(mesh, pod.namespace, pod.labels, port) if known else None,
        is_marked=pod.labels.get(TLS_MODE) == "istio",
        takes_hbone=takes_hbone(pod),
    )
