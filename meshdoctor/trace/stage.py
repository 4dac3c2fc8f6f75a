"""One proxy on the way, and the connection that it took.

What it does with the connection comes from what it holds (``Stage``), or, where that was not read,
from what the objects ask for (``meshdoctor.trace.intent_stage``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.proxy_evidence import cluster_origin_evidence
from meshdoctor.model.trace import Basis, Outcome, Place
from meshdoctor.trace.arrival import ALPN_FILTER
from meshdoctor.trace.destination import pods_reached
from meshdoctor.trace.replies import Kind

if TYPE_CHECKING:
    from meshdoctor.model.envoy import Cluster, ConfigDump, FilterChain, Listener
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.trace import Verdict
    from meshdoctor.trace.arrival import Arrival
    from meshdoctor.trace.destination import Destination
    from meshdoctor.trace.servers import Onward
    from meshdoctor.trace.trail import Branch, Trail


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One proxy on the way, and the connection that it took."""

    trail: Trail
    pod: Resource
    onward: Onward
    proxy: Proxy | None = None
    """What was read of it; None where the objects stand in."""
    place: Place = Place.CLIENT_PROXY
    address: str = ""
    """Original destination, for what is sent on unchanged."""
    port: int = 0
    destination: Destination | None = None
    """What the caller asked for, at the first proxy."""
    arrival: Arrival | None = None
    """What brought the request here; None at the first proxy."""

    @property
    def basis(self) -> Basis:
        """What its hops rest on."""
        return Basis.RUNTIME

    @property
    def ends_tls(self) -> bool:
        """Whether it takes the TLS off that callers speak to it."""
        return False

    @property
    def overrides_alpn(self) -> bool:
        """Whether it offers its servers the protocol that the request was in."""
        return True

    def cluster_evidence(self, cluster: Cluster) -> tuple[Evidence, ...]:
        """What shows a cluster's transport socket."""
        del cluster
        return ()

    def targets(self) -> tuple[tuple[str, int], ...]:
        """Where bytes end up that are sent to the original destination, unchanged."""
        found = self.destination
        if found is None or found.service is None or found.service.is_headless:
            return ()
        reached = pods_reached(self.trail.mesh, found, self.port)
        return tuple((address, port) for _, address, port in reached)

    def unserved(self) -> tuple[Kind, str, tuple[str, ...]] | None:
        """Why bytes to the original destination end nowhere, if it is a Service that takes none."""
        found = self.destination
        service = found.service if found else None
        if found is None or service is None or not service.is_kubernetes:
            return None
        objects = (str(service.resource),)
        if service.is_headless or service.is_external_name:
            return None
        if found.port is None:
            return Kind.SILENT, f"{service.resource} has no port {self.port}", objects
        if not self.targets():
            return Kind.REFUSED, f"{service.resource} has no ready endpoint", objects
        return None

    def hop(
        self,
        branch: Branch,
        what: str,
        name: str,
        verdict: Verdict,
        because: str,
        objects: tuple[str, ...] = (),
        evidence: tuple[Evidence, ...] = (),
    ) -> None:
        """Note a hop of this proxy."""
        self.trail.hop(
            branch,
            self.place,
            what,
            name,
            verdict,
            because,
            objects=objects,
            evidence=evidence,
            basis=self.basis,
            proxy=self.proxy,
        )

    def end(
        self,
        branch: Branch,
        status: int | None,
        flags: tuple[str, ...],
        details: str,
        because: str,
        objects: tuple[str, ...] = (),
        *,
        condition: str = "",
    ) -> Outcome:
        """An outcome that this proxy makes itself."""
        return Outcome(
            status=status,
            flags=flags,
            details=details,
            share=0.0 if condition else branch.share,
            delivered=False,
            place=self.place,
            because=because,
            objects=objects,
            condition=condition,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage(Standing):
    """A proxy whose dump was read: the listener and filter chain that took the connection."""

    proxy: Proxy
    config: ConfigDump
    listener: Listener
    chain: FilterChain

    @property
    def ends_tls(self) -> bool:
        """Whether the chain takes TLS off."""
        return self.chain.tls is not None

    @property
    def overrides_alpn(self) -> bool:
        """Whether the chain has the filter ``istio.alpn``."""
        http = self.chain.http
        return http is not None and any(item.name == ALPN_FILTER for item in http.filters)

    def cluster_evidence(self, cluster: Cluster) -> tuple[Evidence, ...]:
        """The cluster's own entry in the dump."""
        return (cluster_origin_evidence(self.proxy, cluster),)
