"""What a walk has met so far: hops, differences, and what could not be read."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.model.forwarding import Forwarding, Stop
from meshdoctor.model.trace import Basis, Difference, Hop, Missing, Place, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from meshdoctor.model.envoy import Route
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Gatekeeping, Request, Walk

MOST_HOPS = 400
"""A route to hundreds of subsets with hundreds of hosts is told in part."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One of the ways a walk has forked into."""

    share: float = 1.0
    """Part of the requests that go this way."""
    labels: tuple[str, ...] = ()

    def to(self, label: str, part: float) -> Branch:
        """A way further on, which this part of this branch's requests takes."""
        return Branch(self.share * part, (*self.labels, f"{label} ({part:.0%})"))


class Trail:
    """Collects what the walk meets, in order."""

    def __init__(
        self,
        mesh: Snapshot,
        request: Request,
        *,
        intent_only: bool = False,
        ask: Callable[[Snapshot, Request], Walk] | None = None,
    ) -> None:
        """Start with nothing met.

        Args:
            mesh: the snapshot.
            request: what is walked.
            intent_only: where proxies are left out on purpose.
            ask: walks a request on which this one depends; None where nothing is said of those.
        """
        self.intent_only = intent_only
        self.ask = ask
        self.mesh = mesh
        self.request = request
        self.hops: list[Hop] = []
        self.differences: list[Difference] = []
        self.unknown: list[Missing] = []
        self.forwardings: list[Forwarding] = []
        self.stops: list[Stop] = []
        self.gateways: list[tuple[str, int, Request]] = []
        """Those that the walk is inside of, outermost first: workload, port, the request there."""

    def hop(
        self,
        branch: Branch,
        place: Place,
        what: str,
        name: str,
        verdict: Verdict,
        because: str,
        *,
        objects: tuple[str, ...] = (),
        evidence: tuple[Evidence, ...] = (),
        basis: Basis = Basis.RUNTIME,
        proxy: Proxy | None = None,
        gatekeeping: Gatekeeping | None = None,
    ) -> None:
        """Note a hop."""
        if len(self.hops) < MOST_HOPS:
            self.hops.append(
                Hop(
                    place=place,
                    what=what,
                    name=name,
                    verdict=verdict,
                    because=because,
                    objects=tuple(dict.fromkeys(objects)),
                    evidence=evidence,
                    basis=Basis.INTENT if self.intent_only else basis,
                    branch=branch.labels,
                    proxy=proxy.id if proxy else "",
                    gatekeeping=gatekeeping,
                )
            )

    def send(
        self, branch: Branch, sender: Resource, place: Place, cluster: str, route: Route | None
    ) -> None:
        """Note that a proxy sends this branch's requests to one of its clusters."""
        request = self.request
        self.forwardings.append(
            Forwarding(sender, place, branch.share, cluster, route, request.authority, request.path)
        )

    def stop(self, branch: Branch, address: str, port: int, pod: Resource | None) -> None:
        """Note that this branch's requests come to an address."""
        self.stops.append(Stop(address, port, pod, branch.share))

    @contextmanager
    def asking(self, request: Request) -> Iterator[None]:
        """What lies behind sees the request as a route has rewritten it."""
        before, self.request = self.request, request
        try:
            yield
        finally:
            self.request = before

    def miss(self, what: str, why: str, *, decisive: bool = False) -> None:
        """Note something that nobody read."""
        found = Missing(what, why, decisive)
        if found not in self.unknown:
            self.unknown.append(found)

    def differ(self, difference: Difference) -> None:
        """Note that a proxy holds something else than the objects ask for."""
        if difference not in self.differences:
            self.differences.append(difference)
