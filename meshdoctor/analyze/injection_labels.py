"""Is a namespace labelled for injection, and do its labels agree?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import (
    ISTIOD_LOG,
    holds,
    namespace_subject,
    silent,
    unread,
    workload_subject,
)
from meshdoctor.analyze.injection_cases import affected_by, injection_cases, label_evidence
from meshdoctor.analyze.injection_commands import (
    join_mesh_command,
    relabel_command,
    restart_command,
)
from meshdoctor.analyze.injection_facts import listed, pods_lack_proxy
from meshdoctor.analyze.injection_membership import injected_by_former_label, signs_of_membership
from meshdoctor.analyze.injection_unread import unread_finding
from meshdoctor.intent.injection_verdict import Verdict
from meshdoctor.intent.revision_labels import DATAPLANE_MODE, INJECTION, REVISION
from meshdoctor.intent.revisions import got_revision, is_served, webhooks_for
from meshdoctor.model.finding import Fact, Finding, Outcome, Severity
from meshdoctor.model.kinds import EVENT, MUTATING_WEBHOOK, NAMESPACE, POD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.injection_cases import Lacking, NamespaceCase
    from meshdoctor.analyze.injection_membership import Sign
    from meshdoctor.model.snapshot import Snapshot

_NOT_LABELLED = "MD0301"
_CONFLICT = "MD0302"
_SIDECAR_AND_AMBIENT = "MD0309"


def _membership(mesh: Snapshot, case: NamespaceCase, signs: tuple[Sign, ...]) -> Fact:
    fact = "namespace-belongs-to-mesh"
    if signs:
        text = " ".join(f"{sentence}." for sentence, _ in signs)
        evidence = [item for _, found in signs for item in found]
        return holds(fact, text, *evidence)
    logs_read = all(istiod.log is not None for istiod in mesh.istiods)
    if not mesh.catalog.known(EVENT) or not logs_read:
        return unread(fact, "Whether its pods ever had a sidecar was not read.")
    return silent(fact, f"Nothing shows that {case.name} was ever in the mesh.")


def _not_labelled(mesh: Snapshot, case: NamespaceCase) -> Iterator[Finding]:
    lacking = tuple(
        item for item in case.members_lacking if item.verdict.verdict is Verdict.NOT_LABELLED
    )
    signs = signs_of_membership(mesh, case)
    if not lacking and not signs:
        return
    former = injected_by_former_label(mesh, case)
    revision = got_revision(former[0]) if former else ""
    label, command, undo = join_mesh_command(mesh, case.namespace, revision)
    yield Finding(
        code=_NOT_LABELLED,
        subject=namespace_subject(case.name),
        outcome=Outcome.FAIL,
        severity=_severity(lacking, signs),
        root=bool(lacking and signs),
        message=_message(case, lacking, signs),
        resource=str(case.namespace),
        objects=(str(case.namespace),),
        facts=(
            holds(
                "namespace-has-no-injection-label",
                f"{case.namespace}: {case.verdict.reason}.",
                *label_evidence(case.namespace, INJECTION),
            ),
            pods_lack_proxy(mesh, lacking, case.name),
            _membership(mesh, case, signs),
        ),
        affected=affected_by(item.workload for item in lacking),
        fills={
            "label": label,
            "command": command,
            "undo": undo,
            "restart": restart_command(item.workload for item in lacking),
            "why": signs[0][0] if signs else "nothing shows whether that is meant",
            "lacking": listed([str(item.workload) for item in lacking]) or "none yet",
        },
    )


def _severity(lacking: tuple[Lacking, ...], signs: tuple[Sign, ...]) -> Severity:
    if not signs:
        return Severity.INFO
    return Severity.ERROR if lacking else Severity.WARNING


def _message(case: NamespaceCase, lacking: tuple[Lacking, ...], signs: tuple[Sign, ...]) -> str:
    name = case.namespace
    if not signs:
        return f"{name} is not labelled for injection, so its pods have no sidecar."
    if not lacking:
        return f"{name} is not labelled for injection: its next pods will have no sidecar."
    return f"{name} is not labelled for injection although it is meant to be in the mesh."


def _labelled(case: NamespaceCase, subject: str) -> Finding:
    keys = [key for key in (INJECTION, REVISION) if key in case.namespace.labels]
    evidence = case.namespace.evidence("metadata", "labels")
    text = " and ".join(f"{key}={case.namespace.labels[key]}" for key in keys)
    message = f"{case.namespace} is labelled {text}."
    return Finding(
        code=_NOT_LABELLED,
        subject=subject,
        outcome=Outcome.PASS,
        message=message,
        resource=str(case.namespace),
        facts=(holds("namespace-is-labelled", message, evidence),),
    )


def _mending_label(mesh: Snapshot, case: NamespaceCase) -> str:
    """The label to take away: the revision's where nothing serves it, else the older one."""
    revision = case.namespace.labels[REVISION]
    served = any(is_served(mesh, item) for item in webhooks_for(mesh, revision))
    return INJECTION if served or case.verdict.asked is None else REVISION


def _conflict(mesh: Snapshot, case: NamespaceCase) -> Finding:
    labels = case.namespace.labels
    value, revision = labels[INJECTION], labels[REVISION]
    remove = _mending_label(mesh, case)
    command, undo = relabel_command(case.namespace, {remove: None})
    nobody = mesh.catalog.known(POD) and not case.members
    return Finding(
        code=_CONFLICT,
        subject=namespace_subject(case.name),
        outcome=Outcome.FAIL,
        # With "enabled" pods still get a proxy, of another revision than istio.io/rev names.
        severity=_conflict_severity(case, nobody=nobody),
        root=not nobody,
        message=f"{case.namespace} carries two labels that contradict: {case.verdict.reason}.",
        resource=str(case.namespace),
        objects=(str(case.namespace),),
        facts=(
            holds(
                "both-injection-labels",
                f"{case.namespace} is labelled {INJECTION}={value} and {REVISION}={revision}.",
                *label_evidence(case.namespace, INJECTION, REVISION),
            ),
            pods_lack_proxy(mesh, case.members_lacking, case.name),
        ),
        affected=affected_by(case.sufferers),
        fills={
            "value": value,
            "revision": revision,
            "remove": remove,
            "effect": "no new pod gets a sidecar"
            if case.verdict.asked is None
            else "new pods get the default revision",
            "command": command,
            "undo": undo,
            "restart": restart_command(case.sufferers),
        },
    )


def _conflict_severity(case: NamespaceCase, *, nobody: bool) -> Severity:
    if nobody:
        return Severity.INFO
    return Severity.ERROR if case.verdict.asked is None else Severity.WARNING


def _agreeing(case: NamespaceCase, subject: str) -> Finding:
    keys = [key for key in (INJECTION, REVISION) if key in case.namespace.labels]
    message = f"{case.namespace} carries one injection label, {', '.join(keys)}."
    if len(keys) > 1:
        message = f"Both injection labels of {case.namespace} lead to the same revision."
    evidence = case.namespace.evidence("metadata", "labels")
    return Finding(
        code=_CONFLICT,
        subject=subject,
        outcome=Outcome.PASS,
        message=message,
        resource=str(case.namespace),
        facts=(holds("labels-agree", message, evidence),),
    )


def _sidecar_and_ambient(case: NamespaceCase) -> Iterator[Finding]:
    if case.namespace.labels.get(DATAPLANE_MODE) != "ambient" or case.verdict.asked is None:
        return
    evidence = label_evidence(case.namespace, DATAPLANE_MODE, case.verdict.asked.label)
    message = (
        f"{case.namespace} asks for ambient mode and for sidecars ({case.verdict.asked}): "
        "new pods get a sidecar and leave ambient mode."
    )
    yield Finding(
        code=_SIDECAR_AND_AMBIENT,
        subject=namespace_subject(case.name),
        outcome=Outcome.WARN,
        root=False,
        message=message,
        resource=str(case.namespace),
        objects=(str(case.namespace),),
        facts=(holds("sidecar-and-ambient-labels", message, *evidence),),
        affected=affected_by(case.members),
    )


@dataclass(frozen=True, slots=True)
class InjectionLabelsAnalyzer:
    """Looks at the labels of namespaces that are, were or might be in the mesh."""

    name: str = "injection-labels"
    description: str = "Namespaces in the mesh carry one injection label, and it takes effect"
    inputs: tuple[str, ...] = (
        NAMESPACE.input,
        POD.input,
        MUTATING_WEBHOOK.input,
        EVENT.input,
        ISTIOD_LOG,
    )
    codes: tuple[str, ...] = (_NOT_LABELLED, _CONFLICT, _SIDECAR_AND_AMBIENT)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding a code for each namespace that concerns injection."""
        if not mesh.catalog.known(NAMESPACE):
            for code in (_NOT_LABELLED, _CONFLICT):
                yield unread_finding(mesh, code, NAMESPACE)
            return
        for case in injection_cases(mesh):
            yield from self._of(mesh, case)

    def _of(self, mesh: Snapshot, case: NamespaceCase) -> Iterator[Finding]:
        verdict = case.verdict.verdict
        subjects = [
            namespace_subject(case.name),
            *(workload_subject(item.workload) for item in case.lacking),
        ]
        if case.asks and verdict is not Verdict.NOT_LABELLED:
            yield from (_labelled(case, subject) for subject in subjects)
        elif verdict is Verdict.NOT_LABELLED:
            yield from _not_labelled(mesh, case)
        elif verdict is Verdict.UNKNOWN:
            yield unread_finding(mesh, _NOT_LABELLED, MUTATING_WEBHOOK, case=case)
        if verdict is Verdict.LABELS_CONFLICT:
            yield _conflict(mesh, case)
        elif verdict is Verdict.UNKNOWN and {INJECTION, REVISION} <= case.namespace.labels.keys():
            yield unread_finding(mesh, _CONFLICT, MUTATING_WEBHOOK, case=case)
        elif case.asks:
            yield from (_agreeing(case, subject) for subject in subjects)
        yield from _sidecar_and_ambient(case)


ANALYZER = InjectionLabelsAnalyzer()
