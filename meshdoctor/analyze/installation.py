"""Is Istio installed in this cluster at all?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import MESH_SUBJECT, holds, silent, unread
from meshdoctor.analyze.istio_crds import istio_crds
from meshdoctor.intent.injection_webhooks import injection_webhooks
from meshdoctor.intent.installation import (
    NEEDED,
    has_no_control_plane,
    istiod_services,
    namespaces_asking_for_istio,
    pods_with_proxies,
)
from meshdoctor.intent.revisions import control_planes
from meshdoctor.model.finding import Affected, Fact, Finding, Outcome
from meshdoctor.model.kinds import CRD, DEPLOYMENT, NAMESPACE
from meshdoctor.model.resource import object_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_MOST_SHOWN = 6
NOT_INSTALLED = "MD0450"
"""Istio is not installed."""
_SHOWN = 3


def _nothing_there(mesh: Snapshot) -> Fact:
    """That there is no istiod; what can be quoted of an absence is what stands in its place."""
    text = "No Deployment or pod of istiod is in any namespace, and no webhook leads to another"
    root = mesh.catalog.find(NAMESPACE, "", mesh.root_namespace)
    shown = [root.evidence("metadata", "name")] if root else []
    if not root:
        others = mesh.catalog.of(DEPLOYMENT) or mesh.catalog.of(NAMESPACE)
        shown = [item.evidence("metadata", "name") for item in others[:1]]
        text += f"; there is no namespace {mesh.root_namespace}"
    return holds("no-istiod-anywhere", text, *shown)


def _asked_for(spaces: tuple[Resource, ...], pods: tuple[Resource, ...]) -> Fact:
    fact = "something-asks-for-istio"
    names = ", ".join(item.name for item in spaces)
    if spaces:
        shown = [item.evidence("metadata", "labels") for item in spaces[:_SHOWN]]
        return holds(fact, f"Labelled for Istio: {names}", *shown)
    if pods:
        shown = [item.evidence("metadata", "name") for item in pods[:_SHOWN]]
        return holds(fact, f"{len(pods)} pods carry a proxy of Istio's", *shown)
    return silent(fact, "Nothing in the cluster asks for Istio either")


def _crds(mesh: Snapshot) -> Fact:
    fact = "istio-crds-absent-too"
    found = istio_crds(mesh)
    if found:
        text = f"{len(found)} of Istio's CRDs are left of an earlier installation"
        first = found[min(found)]
        return silent(fact, text, first.evidence("metadata", "name"))
    if not mesh.catalog.known(CRD):
        return unread(fact, "CustomResourceDefinitions were not read")
    defined = mesh.catalog.of(CRD)[:1]
    shown = [item.evidence("metadata", "name") for item in defined]
    return holds(fact, "None of Istio's CRDs is installed", *shown)


def _missing(mesh: Snapshot) -> Finding:
    spaces, pods = namespaces_asking_for_istio(mesh), pods_with_proxies(mesh)
    asked, crds = _asked_for(spaces, pods), _crds(mesh)
    root = object_text(NAMESPACE.name, "", mesh.root_namespace)
    workloads = sorted({str(mesh.workloads.owning(pod)) for pod in pods})
    objects = dict.fromkeys((root, *(str(item) for item in spaces)))
    left = "" if crds.state == "holds" else f"; {crds.text[0].lower()}{crds.text[1:]}"
    return Finding(
        code=NOT_INSTALLED,
        subject=MESH_SUBJECT,
        outcome=Outcome.FAIL,
        message=f"Istio is not installed in this cluster. {asked.text}{left}",
        resource=root,
        objects=tuple(objects)[:6],
        facts=(_nothing_there(mesh), crds, asked),
        affected=tuple(Affected(name, "") for name in workloads),
        fills={"asks": asked.text, "left": crds.text, "root": mesh.root_namespace},
    )


@dataclass(frozen=True, slots=True)
class IstioInstalled:
    """Istio is installed."""

    name: str = "istio-installed"
    description: str = "The cluster has a control plane of Istio's, or uses another cluster's."
    # CRDs only confirm.
    inputs: tuple[str, ...] = tuple(kind.input for kind in NEEDED)
    codes: tuple[str, ...] = (NOT_INSTALLED,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding about the cluster; an istiod that left its Service is down, not absent."""
        root = object_text(NAMESPACE.name, "", mesh.root_namespace)
        absent = has_no_control_plane(mesh)
        planes = control_planes(mesh)
        if absent is None:
            message = "Whether Istio is installed is not known"
            needs = mesh.catalog.unread(*NEEDED)
            outcome = Outcome.UNKNOWN
            yield Finding(NOT_INSTALLED, MESH_SUBJECT, outcome, message, root, needs=needs)
        elif absent and not (istiod_services(mesh) and injection_webhooks(mesh)):
            yield _missing(mesh)
        elif planes:
            parts = [
                part for plane in planes.values() for part in (*plane.deployments, *plane.pods)
            ]
            message = f"{parts[0]} is installed"
            shown = (part.evidence("metadata", "labels", "app") for part in parts[:_MOST_SHOWN])
            facts = (holds("istiod-is-installed", message, *shown),)
            yield Finding(
                NOT_INSTALLED, MESH_SUBJECT, Outcome.PASS, message, str(parts[0]), facts=facts
            )


ANALYZER = IstioInstalled()
