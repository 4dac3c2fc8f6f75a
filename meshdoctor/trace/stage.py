"""One proxy on the way: the listener and filter chain that took a connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.model.trace import Outcome, Place
from meshdoctor.trace.destination import pods_reached
from meshdoctor.trace.replies import Kind

if TYPE_CHECKING:
    from meshdoctor.model.envoy import ConfigDump, FilterChain, Listener
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.trace import Verdict
    from meshdoctor.trace.arrival import Arrival
    from meshdoctor.trace.destination import Destination
    from meshdoctor.trace.servers import Onward
    from meshdoctor.trace.trail import Branch, Trail


@dataclass(frozen=True, slots=True)
class Stage:
    """One proxy on the way, and the connection that it took."""

    trail: Trail
    proxy: Proxy
    config: ConfigDump
    pod: Resource
    listener: Listener
    chain: FilterChain
    onward: Onward
    place: Place = Place.CLIENT_PROXY
    address: str = ""
    """Original destination, for what is sent on unchanged."""
    port: int = 0
    destination: Destination | None = None
    """What the caller asked for, at the first proxy."""
    arrival: Arrival | None = None
    """What brought the request here; None at the first proxy."""

    def has_filter(self, name: str) -> bool:
        """Whether its chain has an HTTP filter of this name."""
        http = self.chain.http
        return http is not None and any(item.name == name for item in http.filters)

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
