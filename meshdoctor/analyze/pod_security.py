"""Does the Pod Security level of a namespace let injected pods in?

istio-init needs NET_ADMIN and NET_RAW and runs as root; the levels baseline and restricted forbid
that (kubernetes.io, Pod Security Standards). With istio-cni no such container is added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, namespace_subject, silent, unread, workload_subject
from meshdoctor.analyze.pod_refusals import refusals
from meshdoctor.analyze.refusal_reasons import INIT_CONTAINER, PodSecurity, reason_of
from meshdoctor.analyze.refused_workloads import (
    REFUSAL_KINDS,
    at_destinations,
    not_the_reason,
    refused_fact,
    still_served_words,
    sufferer,
)
from meshdoctor.model.finding import Finding, Outcome, Severity
from meshdoctor.model.kinds import NAMESPACE, POD
from meshdoctor.model.pod import container_path, is_finished
from meshdoctor.model.resource import object_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.pod_refusals import Refusal
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

FORBIDDEN = "MD0320"
ENFORCE = "pod-security.kubernetes.io/enforce"
_FORBIDDING = ("baseline", "restricted")
_LET_IN = "privileged"


def _label(mesh: Snapshot, name: str) -> tuple[str | None, Fact]:
    """The level that a namespace enforces by its label, and the fact of it."""
    fact = "namespace-enforces-pod-security"
    namespace = mesh.catalog.find(NAMESPACE, "", name)
    if namespace is None:
        return None, unread(fact, "Namespaces were not read")
    level = namespace.labels.get(ENFORCE)
    if level is None:
        text = f"Namespace {name} carries no {ENFORCE}: the cluster's own default is enforced"
        return None, silent(fact, text, namespace.evidence("metadata", "name"))
    text = f"Namespace {name} is labelled {ENFORCE}={level}"
    return level, holds(fact, text, namespace.evidence("metadata", "labels", ENFORCE))


def _fills(namespace: str, level: str | None, restart: str, served: str) -> dict[str, str]:
    label = f"kubectl label namespace {namespace} "
    return {
        "level": level or "of the cluster's default",
        "served": served,
        "space": namespace,
        "command": f"{label}{ENFORCE}={_LET_IN} --overwrite",
        "undo": f"{label}{ENFORCE}={level} --overwrite" if level else f"{label}{ENFORCE}-",
        "restart": restart,
    }


def _forbidden(mesh: Snapshot, refusal: Refusal, reason: PodSecurity) -> Finding:
    namespace = object_text(NAMESPACE.name, "", refusal.namespace)
    level, enforced = _label(mesh, refusal.namespace)
    mended = level == _LET_IN
    message = (
        f"Pods of {refusal.workload} are refused: Pod Security level {reason.level} forbids "
        f"{INIT_CONTAINER}, which injection adds"
    )
    if mended:
        message += f"; {namespace} enforces {_LET_IN} by now, so the next try will succeed"
    restart = f"kubectl rollout restart {refusal.target} -n {refusal.namespace}"
    text = f"The refusal names the container {INIT_CONTAINER}, which injection adds"
    return Finding(
        code=FORBIDDEN,
        subject=workload_subject(refusal.workload),
        outcome=Outcome.FAIL,
        message=message,
        resource=refusal.workload,
        objects=(namespace, refusal.workload),
        facts=(
            holds("init-container-is-forbidden", text, *refusal.evidence),
            refused_fact(refusal),
            enforced,
        ),
        affected=sufferer(refusal),
        severity=Severity.INFO if mended else None,
        root=not mended,
        fills=_fills(
            refusal.namespace,
            level or reason.level,
            restart,
            still_served_words(mesh, refusal),
        ),
    )


def _latent(mesh: Snapshot, namespace: Resource, pods: list[Resource]) -> Finding:
    """Nothing was refused yet: the pods are older than the label."""
    owners = list(dict.fromkeys(str(mesh.workloads.owning(pod)) for pod in pods))
    path = container_path(pods[0], INIT_CONTAINER) or ()
    level, enforced = _label(mesh, namespace.name)
    message = (
        f"{namespace} enforces Pod Security level {level}, which forbids {INIT_CONTAINER}: the "
        f"pods of {len(owners)} workloads run on, and will be refused when they are made anew"
    )
    first = mesh.workloads.owning(pods[0])
    restart = f"kubectl rollout restart {first.kind.lower()}/{first.name} -n {namespace.name}"
    return Finding(
        code=FORBIDDEN,
        subject=namespace_subject(namespace.name),
        outcome=Outcome.WARN,
        message=message,
        resource=str(namespace),
        objects=(str(namespace), *owners)[:6],
        facts=(
            holds("init-container-is-forbidden", message, pods[0].evidence(*path, "name")),
            enforced,
        ),
        severity=Severity.INFO,
        root=False,
        fills=_fills(namespace.name, level, restart, "pods that are there already still serve"),
    )


def _latent_findings(mesh: Snapshot, told: set[str]) -> Iterator[Finding]:
    for namespace in mesh.catalog.of(NAMESPACE):
        if namespace.labels.get(ENFORCE) not in _FORBIDDING or namespace.name in told:
            continue
        pods = [
            pod
            for pod in mesh.catalog.within(POD, namespace.name)
            if container_path(pod, INIT_CONTAINER) is not None and not is_finished(pod)
        ]
        if pods:
            yield _latent(mesh, namespace, pods)


@dataclass(frozen=True, slots=True)
class PodSecurityAnalyzer:
    """Reads refusals of the PodSecurity admission plugin."""

    name: str = "pod-security"
    description: str = "Pod Security lets the container in that injection adds"
    inputs: tuple[str, ...] = (NAMESPACE.input, POD.input, *(k.input for k in REFUSAL_KINDS))
    codes: tuple[str, ...] = (FORBIDDEN,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each refused workload, and a note for namespaces that will refuse."""
        told: set[str] = set()
        for refusal in refusals(mesh):
            reason = reason_of(refusal)
            if isinstance(reason, PodSecurity) and reason.names_init_container:
                told.add(refusal.namespace)
                yield from at_destinations(mesh, _forbidden(mesh, refusal, reason), refusal)
            else:
                message = f"The refusal of {refusal.workload}'s pods does not name {INIT_CONTAINER}"
                yield not_the_reason(FORBIDDEN, refusal, message)
        yield from _latent_findings(mesh, told)


ANALYZER = PodSecurityAnalyzer()
