"""A proxy that was not read: what it does is what the objects ask istiod to give it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.model.kinds import (
    ALL,
    DESTINATION_RULE,
    ENDPOINT_SLICE,
    POD,
    SERVICE,
    SERVICE_ENTRY,
    VIRTUAL_SERVICE,
)
from meshdoctor.model.proxy import CONFIG_DUMP
from meshdoctor.model.trace import Basis, Place, Verdict
from meshdoctor.trace.stage import Standing

if TYPE_CHECKING:
    from meshdoctor.model.envoy import Cluster
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.kinds import Kind
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.trace.trail import Branch, Trail

AS_ASKED = "as the objects ask; the proxy was not read"
ROUTED_BY = (SERVICE, SERVICE_ENTRY, VIRTUAL_SERVICE, DESTINATION_RULE, ENDPOINT_SLICE, POD)
"""Without any of these nothing can be said of where a request goes."""


def object_named(mesh: Snapshot, text: str) -> Resource | None:
    """The object that ``Kind namespace/name`` means; None where it was not read."""
    name, _, place = text.partition(" ")
    namespace, _, own = place.rpartition("/")
    found = (mesh.catalog.find(kind, namespace, own) for kind in ALL if kind.name == name)
    return next((item for item in found if item is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentStage(Standing):
    """A proxy whose configuration is computed from the objects."""

    terminates: bool = False
    """Whether it takes the TLS off that callers speak to it."""

    @property
    def basis(self) -> Basis:
        """The objects alone."""
        return Basis.INTENT

    @property
    def ends_tls(self) -> bool:
        """Whether it takes TLS off."""
        return self.terminates

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
        """Note a hop; without evidence of its own it shows the objects that decide it."""
        shown = evidence or tuple(
            found.evidence("metadata", "name")
            for text in objects[:2]
            if (found := object_named(self.trail.mesh, text)) is not None
        )
        Standing.hop(self, branch, what, name, verdict, because, objects, shown)

    def cluster_evidence(self, cluster: Cluster) -> tuple[Evidence, ...]:
        """The DestinationRule that shapes the cluster, or the Service behind it."""
        mesh = self.trail.mesh
        if cluster.config is not None:
            rule = mesh.catalog.find(
                DESTINATION_RULE, cluster.config.namespace, cluster.config.name
            )
            if rule is not None:
                return (rule.evidence("spec", "host"),)
        hosts = [host for item in cluster.services for host in mesh.registry.find(item.host)]
        return tuple(host.resource.evidence("spec", "ports") for host in hosts[:1])


def note_unread(trail: Trail, branch: Branch, pod: Resource, place: Place) -> None:
    """Say that a proxy's objects stand in for what it holds.

    Args:
        trail: takes the hop; where proxies are left out on purpose nothing counts as missing.
        branch: where it stands.
        pod: whose proxy it is.
        place: where the proxy stands.
    """
    if not trail.intent_only:
        what = f"proxies/{pod.namespace}/{pod.name}/{CONFIG_DUMP}"
        trail.miss(what, "what the proxy really holds; its objects stand in")
    trail.hop(
        branch,
        place,
        "proxy",
        f"{pod.name}.{pod.namespace}",
        Verdict.PASSES,
        AS_ASKED,
        objects=(str(trail.mesh.workloads.owning(pod)),),
        evidence=(pod.evidence("metadata", "name"),),
        basis=Basis.INTENT,
    )


def lacks(trail: Trail, *kinds: Kind) -> bool:
    """Whether objects that decide were not read; each is noted."""
    missing = trail.mesh.catalog.unread(*kinds)
    for what in missing:
        trail.miss(what, "where the request goes; the proxy was not read either", decisive=True)
    return bool(missing)
