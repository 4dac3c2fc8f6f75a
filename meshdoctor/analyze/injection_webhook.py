"""Is there a webhook for what namespaces ask, and does it serve them?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, namespace_subject, workload_subject
from meshdoctor.analyze.injection_cases import affected_by, injection_cases
from meshdoctor.analyze.injection_commands import restart_command
from meshdoctor.analyze.injection_facts import (
    asking_label,
    choosing_evidence,
    control_plane_evidence,
    pods_lack_proxy,
    selector_evidence,
)
from meshdoctor.analyze.injection_unread import unread_finding
from meshdoctor.intent.injection_verdict import Verdict
from meshdoctor.intent.injection_webhooks import InjectionWebhook, injection_webhooks
from meshdoctor.intent.revision_labels import DEFAULT_REVISION, REVISION
from meshdoctor.intent.revisions import control_planes, default_webhooks
from meshdoctor.model.finding import Fact, Finding, Outcome, Severity
from meshdoctor.model.kinds import (
    DEPLOYMENT,
    MUTATING_WEBHOOK,
    NAMESPACE,
    POD,
    VALIDATING_WEBHOOK,
)
from meshdoctor.model.resource import object_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.injection_cases import Lacking, NamespaceCase
    from meshdoctor.intent.revision_labels import Asked
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_MISSING = "MD0300"
_CHART_NAMESPACE = "istio-system"
_MOST_SHOWN = 3


def _of_plane(revision: str, namespace: str) -> str:
    """The name that the istiod chart gives a revision's webhook configuration."""
    name = "istio-sidecar-injector"
    name += "" if revision == DEFAULT_REVISION else f"-{revision}"
    return name if namespace == _CHART_NAMESPACE else f"{name}-{namespace}"


def missing_configuration(mesh: Snapshot, wish: Asked) -> str:
    """Name of the MutatingWebhookConfiguration that should answer and is absent or idle."""
    revision = wish.revision if wish.label == REVISION else DEFAULT_REVISION
    idle = [item for item in injection_webhooks(mesh) if revision in (item.tag, item.revision)]
    altered = [item for item in idle if not item.is_deactivated]
    if altered:
        return altered[0].configuration.name
    plane = control_planes(mesh).get(revision)
    # A configuration that istioctl switched off hands its work to the tag of that name.
    if idle or plane is None:
        return f"istio-revision-tag-{revision}"
    return _of_plane(revision, min(plane.namespaces))


def _absence(mesh: Snapshot, wish: Asked, name: str) -> Fact:
    present = {item.configuration.name: item for item in injection_webhooks(mesh)}
    if name in present:
        text = f"{MUTATING_WEBHOOK.name} {name} is there, but none of its entries selects {wish}."
        return holds("webhook-absent", text, *_selectors(mesh, present[name]))
    others = [item for _, item in sorted(present.items())]
    there = ", ".join(sorted(present)) or "none at all"
    text = f"There is no {MUTATING_WEBHOOK.name} {name}; of injection webhooks there is {there}."
    # Absence has no place to point at: what is there instead is shown.
    rest = [item.configuration for item in others] or _validators(mesh)
    evidence = [item.evidence("metadata", "name") for item in dict.fromkeys(rest)]
    return holds("webhook-absent", text, *evidence[:_MOST_SHOWN])


def _validators(mesh: Snapshot) -> list[Resource]:
    """What is left of the installation among the validating webhooks."""
    found = mesh.catalog.of(VALIDATING_WEBHOOK)
    return [item for item in found if item.labels.get("app") == "istiod"]


def _selectors(mesh: Snapshot, webhook: InjectionWebhook) -> list[Evidence]:
    entries = [i for i in injection_webhooks(mesh) if i.configuration == webhook.configuration]
    return [selector_evidence(item) for item in entries[:_MOST_SHOWN]]


def _waiting(mesh: Snapshot) -> str:
    """The restart that every namespace without its webhook needs once it is back."""
    return restart_command(
        item.workload
        for case in injection_cases(mesh)
        for item in case.members_lacking
        if item.verdict.verdict is Verdict.WEBHOOK_MISSING
    )


def _restore(mesh: Snapshot, revision: str) -> tuple[str, str]:
    """The commands that bring a revision's webhook back: with istioctl, and with Helm."""
    plane = control_planes(mesh).get(revision)
    namespace = min(plane.namespaces) if plane else _CHART_NAMESPACE
    suffix = "" if revision == DEFAULT_REVISION else f"-{revision}"
    flag = "" if revision == DEFAULT_REVISION else f" --revision {revision}"
    apply = "kubectl apply -l app=sidecar-injector -f -"
    return (
        f"istioctl manifest generate{flag} | {apply}",
        f"helm get manifest istiod{suffix} -n {namespace} | {apply}",
    )


def _missing(
    mesh: Snapshot, case: NamespaceCase, wish: Asked, item: Lacking | None = None
) -> Finding:
    """The finding for a namespace that asks, or for one workload whose own pods ask."""
    name = missing_configuration(mesh, wish)
    configuration = object_text(MUTATING_WEBHOOK.name, "", name)
    workloads = (item.workload,) if item else case.sufferers
    lacking = (item,) if item else case.members_lacking
    who = str(item.workload if item else case.namespace)
    why = item.verdict.reason if item else case.verdict.reason
    nobody = mesh.catalog.known(POD) and not workloads
    revision = wish.revision if wish.revision in control_planes(mesh) else DEFAULT_REVISION
    with_istioctl, with_helm = _restore(mesh, revision)
    installed = holds(
        "control-plane-installed",
        f"istiod is installed: {', '.join(control_planes(mesh))}.",
        *control_plane_evidence(mesh),
    )
    return Finding(
        code=_MISSING,
        subject=workload_subject(item.workload) if item else namespace_subject(case.name),
        outcome=Outcome.FAIL,
        severity=Severity.INFO if nobody else None,
        root=not nobody,
        message=f"{who} asks for injection and is not heard: {why}.",
        resource=configuration,
        objects=(configuration, who),
        facts=(
            _absence(mesh, wish, name),
            holds(
                "asks-for-injection",
                f"{who} is labelled {wish}.",
                asking_label(case, wish, item.pod if item else None),
            ),
            installed,
            pods_lack_proxy(mesh, lacking, case.name),
        ),
        affected=affected_by(workloads),
        fills={
            "configuration": name,
            "wish": str(wish),
            "with_istioctl": with_istioctl,
            "with_helm": with_helm,
            "restart": _waiting(mesh),
        },
    )


def _present(subject: str, case: NamespaceCase, webhooks: tuple[InjectionWebhook, ...]) -> Finding:
    first = webhooks[0]
    message = f"{first.configuration} is called for new pods of {case.verdict.asked or case.name}."
    if not case.verdict.webhooks:
        message = f"{first.configuration} is there for namespaces that ask for it."
    return Finding(
        code=_MISSING,
        subject=subject,
        outcome=Outcome.PASS,
        message=message,
        resource=str(first.configuration),
        facts=(holds("webhook-present", message, *map(choosing_evidence, webhooks[:_MOST_SHOWN])),),
    )


@dataclass(frozen=True, slots=True)
class InjectionWebhookAnalyzer:
    """Evaluates the injection webhooks for each namespace that asks for one."""

    name: str = "injection-webhook"
    description: str = "Namespaces that ask for injection are selected by an injection webhook"
    inputs: tuple[str, ...] = (
        NAMESPACE.input,
        MUTATING_WEBHOOK.input,
        DEPLOYMENT.input,
        POD.input,
    )
    codes: tuple[str, ...] = (_MISSING,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each namespace that asks, and for its pods without a sidecar."""
        if not mesh.catalog.known(NAMESPACE, MUTATING_WEBHOOK):
            yield unread_finding(mesh, _MISSING, NAMESPACE, MUTATING_WEBHOOK)
            return
        for case in injection_cases(mesh):
            yield from self._of(mesh, case)

    def _of(self, mesh: Snapshot, case: NamespaceCase) -> Iterator[Finding]:
        wish = case.verdict.asked
        if case.verdict.verdict is Verdict.WEBHOOK_MISSING and wish is not None:
            if control_planes(mesh):
                yield _missing(mesh, case, wish)
            elif not mesh.catalog.known(DEPLOYMENT):
                yield unread_finding(mesh, _MISSING, DEPLOYMENT, case=case)
            return
        for item in case.members_lacking if control_planes(mesh) else ():
            own = item.verdict.asked
            if item.verdict.verdict is Verdict.WEBHOOK_MISSING and own is not None:
                yield _missing(mesh, case, own, item)
        webhooks = case.verdict.webhooks or default_webhooks(mesh)
        if not webhooks:
            return
        yield _present(namespace_subject(case.name), case, webhooks)
        for item in case.lacking:
            if item.verdict.verdict is not Verdict.WEBHOOK_MISSING:
                yield _present(workload_subject(item.workload), case, webhooks)


ANALYZER = InjectionWebhookAnalyzer()
