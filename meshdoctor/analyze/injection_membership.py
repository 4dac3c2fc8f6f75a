"""Signs that a namespace without an injection label is meant to be in the mesh.

Being unlabelled is nobody's fault by itself: most namespaces of most clusters are. It is a fault
where something shows that the namespace was in the mesh, or that someone believes it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meshdoctor.analyze.injection_cases import has_own_proxy
from meshdoctor.analyze.injection_history import former_proxy
from meshdoctor.intent.injection_webhooks import selecting
from meshdoctor.intent.revision_labels import INJECT, INJECTION, REVISION
from meshdoctor.intent.revisions import got_revision, was_injected
from meshdoctor.model.kinds import POD, SIDECAR
from meshdoctor.model.pod import has_proxy, is_finished, is_gateway, is_terminating

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.injection_cases import NamespaceCase
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

Sign = tuple[str, tuple["Evidence", ...]]
"""A plain sentence, and what proves it."""

_NEAR_MISS = re.compile(r"(?i).*istio.*inject.*|istio[._/-]?(io/)?rev(ision)?")
"""Keys that people write for ``istio-injection`` or ``istio.io/rev``."""
_SIDECAR_ANNOTATION = re.compile(
    r"(traffic\.sidecar|proxy)\.istio\.io/.+|sidecar\.istio\.io/(?!status|inject).+"
    r"|inject\.istio\.io/templates"
)
"""Annotations that only a sidecar obeys."""
_MOST_SHOWN = 3


def injected_by_former_label(mesh: Snapshot, case: NamespaceCase) -> tuple[Resource, ...]:
    """Pods with an injected sidecar that none of today's labels would give them.

    Pods that ask for themselves, gateways and hand-injected templates tell nothing of their
    namespace, so they are left out.
    """
    return tuple(
        pod
        for pod in mesh.catalog.within(POD, case.name)
        if has_proxy(pod)
        and was_injected(pod)
        and not (is_gateway(pod) or is_finished(pod) or is_terminating(pod))
        and pod.labels.keys().isdisjoint((INJECT, REVISION))
        and not selecting(mesh, case.namespace.labels, pod.labels)
        and not _template_has_proxy(mesh.workloads.owning(pod))
    )


def _template_has_proxy(workload: Workload) -> bool:
    return workload.resource is not None and has_own_proxy(workload.resource)


def _neighbours(mesh: Snapshot, case: NamespaceCase) -> Iterator[Sign]:
    pods = injected_by_former_label(mesh, case)
    if not pods:
        return
    evidence: list[Evidence] = []
    for pod in pods[:_MOST_SHOWN]:
        key = REVISION if REVISION in pod.annotations else "sidecar.istio.io/status"
        evidence.append(pod.evidence("metadata", "annotations", key))
    number = "1 pod" if len(pods) == 1 else f"{len(pods)} pods"
    verb = "carries" if len(pods) == 1 else "carry"
    revision = got_revision(pods[0])
    yield (
        f"{number} of {case.name} still {verb} a sidecar that revision {revision} injected, which "
        "no label of today would give",
        tuple(evidence),
    )


def _history(mesh: Snapshot, case: NamespaceCase) -> Iterator[Sign]:
    for item in case.members_lacking[:_MOST_SHOWN]:
        former = former_proxy(mesh, item.workload)
        if former is not None:
            yield (
                f"An earlier pod of {item.workload}, {former.pod}, had a sidecar",
                (former.evidence,),
            )


def _written_labels(case: NamespaceCase) -> Iterator[Sign]:
    labels = case.namespace.labels
    for key, value in sorted(labels.items()):
        if key in (INJECTION, REVISION):
            # "disabled" is a wish; any other value than "enabled" is a slip.
            slip = key == INJECTION and value not in ("enabled", "disabled")
        else:
            slip = bool(_NEAR_MISS.fullmatch(key)) and value not in ("false", "disabled")
        if slip:
            yield (
                f"Somebody meant to ask for injection: {case.namespace} is labelled {key}={value}, "
                "which no webhook knows",
                (case.namespace.evidence("metadata", "labels", key),),
            )


def _templates(case: NamespaceCase) -> Iterator[Sign]:
    for item in case.members_lacking:
        annotations = item.pod.annotations
        wished = [
            key
            for key in sorted(annotations)
            if _SIDECAR_ANNOTATION.fullmatch(key) or (key == INJECT and annotations[key] == "true")
        ]
        if wished:
            yield (
                f"{item.workload} carries the annotation {wished[0]}, which only a sidecar obeys",
                (item.pod.evidence("metadata", "annotations", wished[0]),),
            )


def _sidecar_objects(mesh: Snapshot, case: NamespaceCase) -> Iterator[Sign]:
    for sidecar in mesh.catalog.within(SIDECAR, case.name):
        yield (
            f"{sidecar} configures the sidecars of this namespace, and there are none",
            (sidecar.evidence("metadata", "name"),),
        )


def signs_of_membership(mesh: Snapshot, case: NamespaceCase) -> tuple[Sign, ...]:
    """What shows that the namespace is meant to be in the mesh, the strongest first."""
    found = [
        *_neighbours(mesh, case),
        *_history(mesh, case),
        *_written_labels(case),
        *_templates(case),
    ]
    if case.members_lacking:
        found += _sidecar_objects(mesh, case)
    return tuple(found[:_MOST_SHOWN])
