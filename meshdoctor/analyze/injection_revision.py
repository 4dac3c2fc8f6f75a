"""Does the revision that a namespace or a pod asks for have a control plane?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, namespace_subject, workload_subject
from meshdoctor.analyze.injection_cases import (
    affected_by,
    injection_cases,
    is_sidecar_candidate,
    label_evidence,
)
from meshdoctor.analyze.injection_commands import join_mesh_command, restart_command
from meshdoctor.analyze.injection_facts import (
    asking_label,
    choosing_evidence,
    no_control_plane,
    pods_lack_proxy,
    selector_evidence,
)
from meshdoctor.analyze.injection_unread import unread_finding
from meshdoctor.intent.injection_verdict import Verdict
from meshdoctor.intent.injection_webhooks import injection_webhooks
from meshdoctor.intent.revision_labels import REVISION
from meshdoctor.intent.revisions import (
    control_planes,
    got_revision,
    tag_configurations,
    usable_revisions,
)
from meshdoctor.model.finding import Fact, Finding, Outcome, Severity
from meshdoctor.model.kinds import DEPLOYMENT, MUTATING_WEBHOOK, NAMESPACE, POD
from meshdoctor.model.pod import has_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.injection_cases import Lacking, NamespaceCase
    from meshdoctor.intent.injection_verdict import InjectionVerdict
    from meshdoctor.intent.revision_labels import Asked
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

_ABSENT = "MD0303"
_MOST_SHOWN = 3


def _not_served(mesh: Snapshot, verdict: InjectionVerdict) -> Fact:
    """``revision-not-served``: no entry for it, or one that calls nobody."""
    shown = verdict.webhooks or tuple(
        item
        for item in injection_webhooks(mesh)
        if item.name.startswith("rev.namespace.") and not item.is_deactivated
    )
    evidence = [selector_evidence(item) for item in shown[:_MOST_SHOWN]]
    text = f"{verdict.reason[0].upper()}{verdict.reason[1:]}."
    return holds("revision-not-served", text, *evidence)


def _left_behind(mesh: Snapshot, namespace: str, revision: str) -> tuple[Resource, ...]:
    """Pods whose proxy still looks for the absent control plane."""
    return tuple(
        pod
        for pod in mesh.catalog.within(POD, namespace)
        if has_proxy(pod) and got_revision(pod) == revision and is_sidecar_candidate(pod)
    )


def _cut_off(pods: tuple[Resource, ...], revision: str) -> Fact | None:
    """``proxies-of-the-revision``: proxies that get no configuration any more."""
    if not pods:
        return None
    evidence = [pod.evidence("metadata", "annotations", REVISION) for pod in pods[:_MOST_SHOWN]]
    text = f"{len(pods)} of its proxies look for istiod of revision {revision}."
    return holds("proxies-of-the-revision", text, *evidence)


def _revision_behind(mesh: Snapshot, wish: Asked) -> str:
    """The revision that a tag stands for; the name itself when it is no tag."""
    configuration = tag_configurations(mesh).get(wish.revision)
    return configuration.labels.get(REVISION, wish.revision) if configuration else wish.revision


def _facts(
    mesh: Snapshot,
    case: NamespaceCase,
    wish: Asked,
    verdict: InjectionVerdict,
    item: Lacking | None,
) -> tuple[Fact, ...]:
    revision = _revision_behind(mesh, wish)
    where = str(item.workload) if item is not None else str(case.namespace)
    lacking = (item,) if item is not None else case.members_lacking
    facts = [
        _not_served(mesh, verdict),
        holds(
            "asks-for-revision",
            f"{where} is labelled {wish}.",
            asking_label(case, wish, item.pod if item is not None else None),
        ),
        no_control_plane(mesh, revision),
        pods_lack_proxy(mesh, lacking, case.name),
    ]
    left = _cut_off(_left_behind(mesh, case.name, revision), revision)
    return (*facts, left) if left is not None else tuple(facts)


def _sufferers(mesh: Snapshot, case: NamespaceCase, revision: str) -> tuple[Workload, ...]:
    """Workloads without a sidecar, and those whose proxies are cut off; else all members."""
    hit = {str(item.workload) for item in case.members_lacking}
    hit |= {str(mesh.workloads.owning(pod)) for pod in _left_behind(mesh, case.name, revision)}
    return tuple(item for item in case.members if str(item) in hit) or case.members


def _absent_for_namespace(mesh: Snapshot, case: NamespaceCase, wish: Asked) -> Finding:
    tag = tag_configurations(mesh).get(wish.revision)
    revision = _revision_behind(mesh, wish)
    usable = usable_revisions(mesh)
    label, command, undo = join_mesh_command(mesh, case.namespace)
    if tag is not None and usable:
        label = f"{wish} (tag moved to {usable[0]})"
        command = f"istioctl tag set {wish.revision} --revision {usable[0]} --overwrite"
        undo = f"istioctl tag set {wish.revision} --revision {revision} --overwrite"
    nobody = mesh.catalog.known(POD) and not case.members
    workloads = _sufferers(mesh, case, revision)
    objects = (str(case.namespace), str(tag)) if tag is not None else (str(case.namespace),)
    return Finding(
        code=_ABSENT,
        subject=namespace_subject(case.name),
        outcome=Outcome.FAIL,
        severity=Severity.INFO if nobody else None,
        root=not nobody,
        message=f"{case.namespace} asks for {wish}: {case.verdict.reason}.",
        resource=str(case.namespace),
        objects=objects,
        facts=_facts(mesh, case, wish, case.verdict, None),
        affected=affected_by(workloads),
        fills={
            "wish": str(wish),
            "revision": revision,
            "label": label,
            "installed": ", ".join(usable) or "none",
            "command": command,
            "undo": undo,
            "restart": restart_command(workloads),
        },
    )


def _absent_for_pod(mesh: Snapshot, case: NamespaceCase, wish: Asked, item: Lacking) -> Finding:
    """A workload whose own pods ask, in a namespace that does not."""
    usable = usable_revisions(mesh)
    target = item.workload
    kind = target.kind.lower()
    path = '{"spec":{"template":{"metadata":{"labels":{"istio.io/rev":"%s"}}}}}'
    patch = f"kubectl patch {kind} {target.name} -n {target.namespace} --type merge -p '{path}'"
    return Finding(
        code=_ABSENT,
        subject=workload_subject(target),
        outcome=Outcome.FAIL,
        message=f"{target} asks for {wish}: {item.verdict.reason}.",
        resource=str(target),
        objects=(str(target),),
        facts=_facts(mesh, case, wish, item.verdict, item),
        affected=affected_by((target,)),
        fills={
            "wish": str(wish),
            "revision": _revision_behind(mesh, wish),
            "label": f"{REVISION}={usable[0]}" if usable else "no revision, none is installed",
            "installed": ", ".join(usable) or "none",
            "command": patch % (usable[0] if usable else "default"),
            "undo": patch % wish.revision,
            "restart": restart_command((target,)),
        },
    )


def _alive(subject: str, case: NamespaceCase, wish: Asked) -> Finding:
    webhook = case.verdict.webhooks[0]
    asked = asking_label(case, wish)
    message = f"{wish} is served by {webhook.configuration}, and its control plane is installed."
    return Finding(
        code=_ABSENT,
        subject=subject,
        outcome=Outcome.PASS,
        message=message,
        resource=str(case.namespace),
        facts=(holds("revision-served", message, asked, choosing_evidence(webhook)),),
    )


def _no_wish(case: NamespaceCase) -> Finding:
    message = f"{case.namespace} asks for no revision that could be absent."
    return Finding(
        code=_ABSENT,
        subject=namespace_subject(case.name),
        outcome=Outcome.PASS,
        message=message,
        resource=str(case.namespace),
        facts=(holds("no-revision-asked", message, *label_evidence(case.namespace, REVISION)),),
    )


@dataclass(frozen=True, slots=True)
class InjectionRevisionAnalyzer:
    """Joins what is asked for with the webhooks, tags and istiods there are."""

    name: str = "injection-revision"
    description: str = "Every revision that is asked for has a control plane"
    inputs: tuple[str, ...] = (
        NAMESPACE.input,
        MUTATING_WEBHOOK.input,
        DEPLOYMENT.input,
        POD.input,
    )
    codes: tuple[str, ...] = (_ABSENT,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each namespace, and each workload, that names a revision."""
        if not mesh.catalog.known(NAMESPACE, MUTATING_WEBHOOK):
            yield unread_finding(mesh, _ABSENT, NAMESPACE, MUTATING_WEBHOOK)
            return
        for case in injection_cases(mesh):
            yield from self._of_namespace(mesh, case)
            yield from self._of_pods(mesh, case)

    def _of_namespace(self, mesh: Snapshot, case: NamespaceCase) -> Iterator[Finding]:
        verdict, wish = case.verdict, case.verdict.asked
        if verdict.verdict is Verdict.REVISION_ABSENT and wish is not None:
            # Without any control plane the mesh is not installed, or down: another matter.
            if control_planes(mesh):
                yield _absent_for_namespace(mesh, case, wish)
            elif not mesh.catalog.known(DEPLOYMENT):
                yield unread_finding(mesh, _ABSENT, DEPLOYMENT, case=case)
        elif verdict.verdict is Verdict.UNKNOWN and wish is not None:
            yield unread_finding(mesh, _ABSENT, DEPLOYMENT, case=case)
        elif wish is None and verdict.verdict is Verdict.NOT_LABELLED:
            yield _no_wish(case)
        elif wish is not None and verdict.webhooks:
            yield _alive(namespace_subject(case.name), case, wish)
            for item in case.lacking:
                yield _alive(workload_subject(item.workload), case, wish)

    def _of_pods(self, mesh: Snapshot, case: NamespaceCase) -> Iterator[Finding]:
        for item in case.lacking if control_planes(mesh) else ():
            wish = item.verdict.asked
            if item.verdict.verdict is Verdict.REVISION_ABSENT and wish and wish.by_pod:
                yield _absent_for_pod(mesh, case, wish, item)


ANALYZER = InjectionRevisionAnalyzer()
