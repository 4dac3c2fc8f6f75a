"""Who should have a sidecar and who lacks one: what the injection analyzers look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.intent.injection_verdict import InjectionVerdict, Verdict, injection_verdict
from meshdoctor.intent.revision_labels import DATAPLANE_MODE, INJECTION, REVISION, opting_out
from meshdoctor.intent.revisions import control_plane_namespaces, was_injected
from meshdoctor.model.finding import Affected
from meshdoctor.model.kinds import NAMESPACE, POD
from meshdoctor.model.pod import (
    PROXY_CONTAINER,
    has_proxy,
    is_finished,
    is_gateway,
    is_terminating,
)
from meshdoctor.model.resource import as_list, as_mapping, as_strings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

_REDIRECTED = "ambient.istio.io/redirection"
"""The mark that istio-cni leaves on a pod whose traffic goes through ztunnel."""
_TEMPLATE_LABELS = ("pod-template-hash", "controller-revision-hash")
"""Labels that tell pods of different pod templates apart."""


@dataclass(frozen=True, slots=True)
class Lacking:
    """A workload whose current pods have no sidecar."""

    workload: Workload
    pods: tuple[Resource, ...]
    """Those of its newest template without a proxy, the newest first."""
    verdict: InjectionVerdict
    """What would become of the newest of them if it were created now."""

    @property
    def pod(self) -> Resource:
        """The newest pod without a proxy."""
        return self.pods[0]


@dataclass(frozen=True, slots=True)
class NamespaceCase:
    """One namespace that concerns injection."""

    namespace: Resource
    verdict: InjectionVerdict
    """What becomes of a new pod without labels of its own."""
    lacking: tuple[Lacking, ...]
    members: tuple[Workload, ...]
    """Workloads that would be in the mesh if the namespace were: no opt-outs, no proxies."""

    @property
    def name(self) -> str:
        """The namespace's name."""
        return self.namespace.name

    @property
    def asks(self) -> bool:
        """Whether a label of the namespace speaks of injection."""
        return INJECTION in self.namespace.labels or REVISION in self.namespace.labels

    @property
    def sufferers(self) -> tuple[Workload, ...]:
        """The members without a sidecar; where all still have one, all: they lose it next."""
        return tuple(item.workload for item in self.members_lacking) or self.members

    @property
    def members_lacking(self) -> tuple[Lacking, ...]:
        """The members without a sidecar."""
        return tuple(item for item in self.lacking if item.workload in self.members)


def is_sidecar_candidate(pod: Resource) -> bool:
    """Whether a pod runs something of its own that a sidecar could stand beside."""
    return not (is_finished(pod) or is_terminating(pod) or is_gateway(pod))


def lacks_proxy(pod: Resource) -> bool:
    """Whether nothing was injected: no Envoy, no proxyless agent, no redirection to ztunnel."""
    in_ambient = _REDIRECTED in pod.annotations or pod.labels.get(DATAPLANE_MODE) == "ambient"
    return not (has_proxy(pod) or was_injected(pod) or in_ambient)


def _template_of(pod: Resource) -> tuple[str | None, ...]:
    return tuple(pod.labels.get(key) for key in _TEMPLATE_LABELS)


def _lacking(mesh: Snapshot, workload: Workload) -> Lacking | None:
    pods = [pod for pod in workload.pods if is_sidecar_candidate(pod)]
    if not pods:
        return None
    pods.sort(key=lambda pod: (str(pod.metadata.get("creationTimestamp")), pod.name), reverse=True)
    # Pods of an older template are being replaced: only the newest template counts.
    without = tuple(
        pod for pod in pods if _template_of(pod) == _template_of(pods[0]) and lacks_proxy(pod)
    )
    if not without:
        return None
    verdict = injection_verdict(mesh, without[0])
    if verdict.verdict in (Verdict.INFRASTRUCTURE, Verdict.AMBIENT, Verdict.NEVER):
        return None
    return Lacking(workload, without, verdict)


def has_own_proxy(controller: Resource) -> bool:
    """Whether an object's own pod template carries the proxy (kube-inject, or a gateway)."""
    spec = as_mapping(controller.get("spec", "template", "spec"))
    return any(
        as_mapping(item).get("name") == PROXY_CONTAINER
        for key in ("containers", "initContainers")
        for item in as_list(spec.get(key))
    )


def _is_member(mesh: Snapshot, workload: Workload) -> bool:
    """Whether a workload takes part when its namespace does, by its template or its pods."""
    if mesh.catalog.known(POD) and not any(map(is_sidecar_candidate, workload.pods)):
        return False
    source = workload.resource if workload.resource is not None else workload.pods[0]
    template = as_mapping(source.get("spec", "template")) or source.raw
    metadata = as_mapping(template.get("metadata"))
    if as_mapping(template.get("spec")).get("hostNetwork") is True or has_own_proxy(source):
        return False
    place = opting_out(as_strings(metadata.get("labels")), as_strings(metadata.get("annotations")))
    return place is None


def _is_of_interest(mesh: Snapshot, case: NamespaceCase) -> bool:
    if case.verdict.verdict in (Verdict.NEVER, Verdict.AMBIENT):
        return False
    if case.asks:
        return True
    return case.name not in control_plane_namespaces(mesh) and bool(case.members)


@lru_cache(maxsize=2)
def injection_cases(mesh: Snapshot) -> tuple[NamespaceCase, ...]:
    """Every namespace that asks for injection, or holds workloads that might want it."""
    cases: list[NamespaceCase] = []
    by_namespace: dict[str, list[Workload]] = {}
    for workload in mesh.workloads.all:
        by_namespace.setdefault(workload.namespace, []).append(workload)
    for namespace in mesh.catalog.of(NAMESPACE):
        workloads = by_namespace.get(namespace.name, ())
        case = NamespaceCase(
            namespace=namespace,
            verdict=injection_verdict(mesh, namespace),
            lacking=tuple(
                found for item in workloads if (found := _lacking(mesh, item)) is not None
            ),
            members=tuple(item for item in workloads if _is_member(mesh, item)),
        )
        if _is_of_interest(mesh, case):
            cases.append(case)
    return tuple(cases)


def affected_by(workloads: Iterable[Workload]) -> tuple[Affected, ...]:
    """Workloads that suffer, as a finding lists them."""
    return tuple(Affected(source=str(item), to="") for item in workloads)


def label_evidence(namespace: Resource, *keys: str) -> tuple[Evidence, ...]:
    """Evidence for labels of a namespace; for those it lacks, all the labels it has."""
    found = [namespace.evidence("metadata", "labels", key) for key in keys]
    return tuple(dict.fromkeys(found))
