"""Whether a proxy can be told anything new: whether an istiod serves, and the network lets it.

A proxy that istiod does not reach keeps what it had, so what the objects ask for may not be what
it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.intent.control_plane import (
    XDS_PORT,
    controller_of,
    is_external,
    plane_of,
    ready_pods,
)
from meshdoctor.intent.network_policies import Verdict, decide
from meshdoctor.model.kinds import DEPLOYMENT, POD

if TYPE_CHECKING:
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class CutOff:
    """Why a proxy cannot be told anything new."""

    text: str
    objects: tuple[str, ...]
    evidence: tuple[Evidence, ...] = ()


def cut_off(mesh: Snapshot, pod: Resource) -> CutOff | None:
    """Why istiod does not reach a pod's proxy, by the objects; None where nothing says so.

    Args:
        mesh: the snapshot.
        pod: whose proxy it is.
    """
    if is_external(pod, None) or not mesh.catalog.known(POD, DEPLOYMENT):
        return None
    plane = plane_of(mesh, pod, None)
    if plane is None or not (plane.deployments or plane.pods):
        return None
    ready = ready_pods(plane)
    if not ready:
        name = controller_of(mesh, plane)
        shown = tuple(item.evidence("spec", "replicas") for item in plane.deployments[:1])
        return CutOff(f"{name} has no pod that is ready", (name,), shown)
    decisions = [decide(mesh, pod, istiod, XDS_PORT) for istiod in ready]
    if not all(item.verdict is Verdict.BLOCKED for item in decisions):
        return None
    blocks = decisions[0].blocks
    objects = tuple(dict.fromkeys(str(item.policy) for item in blocks))
    shown = tuple(item.policy.evidence(*item.path) for item in blocks[:2])
    return CutOff(f"{', '.join(objects)} keeps it from istiod's port {XDS_PORT}", objects, shown)
