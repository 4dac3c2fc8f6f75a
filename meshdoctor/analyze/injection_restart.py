"""Are there pods that would get a sidecar if they were only made anew?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, namespace_subject, unread, workload_subject
from meshdoctor.analyze.injection_bypass import BYPASSED, bypassed, label_fact
from meshdoctor.analyze.injection_cases import (
    affected_by,
    injection_cases,
    is_sidecar_candidate,
)
from meshdoctor.analyze.injection_commands import restart_command
from meshdoctor.analyze.injection_facts import (
    asking_label,
    choosing_evidence,
    listed,
    pods_lack_proxy,
    selector_evidence,
)
from meshdoctor.analyze.injection_unread import unread_finding
from meshdoctor.intent.injection_policy import injection_policies
from meshdoctor.intent.injection_verdict import Verdict
from meshdoctor.intent.injection_webhooks import injection_webhooks
from meshdoctor.intent.revision_labels import INJECT, opting_out
from meshdoctor.intent.revisions import control_planes
from meshdoctor.intent.webhook_trust import Trust, entry_trust
from meshdoctor.model.finding import Fact, Finding, Outcome
from meshdoctor.model.kinds import CONFIG_MAP, MUTATING_WEBHOOK, NAMESPACE, POD
from meshdoctor.model.pod import (
    ISTIOD_CONTAINER,
    PROXY_CONTAINER,
    container_status,
    containers,
    is_ready,
)
from meshdoctor.model.resource import as_list, as_mapping, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from meshdoctor.analyze.injection_cases import Lacking, NamespaceCase
    from meshdoctor.intent.injection_webhooks import InjectionWebhook
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_NOT_RESTARTED = "MD0305"
_MOST_SHOWN = 6


def _ready_since(istiod: Resource) -> datetime | None:
    """Since when an istiod pod has answered without a break; None when it does not."""
    status = container_status(istiod, ISTIOD_CONTAINER)
    running = as_mapping(as_mapping(status[1].get("state")).get("running")) if status else {}
    started = parse_time(running.get("startedAt"))
    turned = next(
        (
            parse_time(condition.get("lastTransitionTime"))
            for condition in map(as_mapping, as_list(istiod.status.get("conditions")))
            if condition.get("type") == "Ready"
        ),
        None,
    )
    if not is_ready(istiod) or started is None or turned is None:
        return None
    return max(started, turned)


def _answered(mesh: Snapshot, revision: str, when: datetime | None) -> Resource | None:
    """An istiod replica that was ready when a pod was created, and has been ever since."""
    plane = control_planes(mesh).get(revision)
    for istiod in plane.pods if plane else ():
        since = _ready_since(istiod)
        if since is not None and when is not None and since < when:
            return istiod
    return None


def _certain_call(mesh: Snapshot, case: NamespaceCase, item: Lacking) -> Fact | None:
    """``admission-cannot-be-skipped``: had the webhook selected the pod then, it had injected it.

    Returns:
        None where the pod may have been let through while istiod did not answer.
    """
    fact = "admission-cannot-be-skipped"
    for webhook in item.verdict.webhooks:
        if webhook.failure_policy == "Fail":
            text = "The webhook fails closed: a pod that it selects is injected or not created."
            path = (*webhook.path, "failurePolicy")
            return holds(fact, text, webhook.configuration.evidence(*path))
    created = item.pod.created
    for webhook in item.verdict.webhooks:
        born = webhook.configuration.created
        if born is not None and created is not None and created < born:
            text = f"The pod is older than {webhook.configuration}."
            path = ("metadata", "creationTimestamp")
            evidence = (webhook.configuration.evidence(*path), item.pod.evidence(*path))
            return holds(fact, text, *evidence)
        istiod = _answered(mesh, webhook.revision, created)
        # istiod may have been ready, and the API server not have reached or not believed it.
        doubted = entry_trust(mesh, webhook) in (Trust.DIFFERS, Trust.EMPTY)
        if istiod is not None and not doubted and not label_fact(mesh, case, item).evidence:
            text = f"istiod was ready when the pod was created: {istiod}."
            return holds(fact, text, item.pod.evidence("metadata", "creationTimestamp"))
    return None


def _selected(
    case: NamespaceCase, item: Lacking, webhook: InjectionWebhook
) -> tuple[Evidence, ...]:
    wish = item.verdict.asked
    if wish is None:
        return (selector_evidence(webhook),)
    return (asking_label(case, wish, item.pod), selector_evidence(webhook))


def _would_inject(mesh: Snapshot, webhook: InjectionWebhook) -> Fact:
    fact = "istiod-would-inject"
    policy = injection_policies(mesh).get(webhook.revision)
    if policy is None:
        return unread(fact, f"istiod's injection policy ({CONFIG_MAP.name}) was not read.")
    text = f"Nothing in {policy.resource} makes istiod skip the pod."
    return holds(fact, text, policy.resource.evidence("metadata", "name"))


def _stale(
    mesh: Snapshot, case: NamespaceCase, items: list[tuple[Lacking, Fact]], *, alone: bool
) -> Finding:
    """The finding for a namespace, or for a workload whose own pods ask.

    Args:
        mesh: the snapshot.
        case: the namespace.
        items: what lacks a sidecar, each with the fact that its webhook cannot be skipped.
        alone: whether a single workload is spoken of.
    """
    lacking = [item for item, _ in items]
    first, certain = items[0]
    webhook = first.verdict.webhooks[0]
    names = [str(item.workload) for item in lacking]
    who = names[0] if alone else str(case.namespace)
    wish = first.verdict.asked
    return Finding(
        code=_NOT_RESTARTED,
        subject=workload_subject(names[0]) if alone else namespace_subject(case.name),
        outcome=Outcome.FAIL,
        message=f"{who} is selected for injection now, but its pods are older and have no sidecar: "
        f"{listed(names)}.",
        resource=who,
        objects=tuple(names) if alone else (str(case.namespace), *names),
        facts=(
            pods_lack_proxy(mesh, lacking, case.name),
            holds(
                "webhook-selects-pods-now",
                f"{webhook.configuration} would be called for these pods: {first.verdict.reason}.",
                *_selected(case, first, webhook),
            ),
            certain,
            _would_inject(mesh, webhook),
        ),
        affected=affected_by(item.workload for item in lacking),
        fills={
            "wish": str(wish) if wish else "injection by default",
            "who": who,
            "lacking": listed(names),
            "restart": restart_command(item.workload for item in lacking),
        },
    )


def _sidecars(case: NamespaceCase) -> tuple[Evidence, ...]:
    """The sidecars of a namespace's pods, by the names of their containers."""
    return tuple(
        pod.evidence(*path, "name")
        for workload in case.members
        for pod in workload.pods
        for path, container in containers(pod)
        if container.get("name") == PROXY_CONTAINER and is_sidecar_candidate(pod)
    )[:_MOST_SHOWN]


def _in_the_way(mesh: Snapshot, case: NamespaceCase) -> tuple[Evidence, ...]:
    """Why nothing would be injected: the namespace's labels, and what no webhook chooses."""
    shown = [case.namespace.evidence("metadata", "labels")]
    if case.verdict.verdict in (Verdict.WEBHOOK_MISSING, Verdict.REVISION_ABSENT):
        shown += [choosing_evidence(webhook) for webhook in injection_webhooks(mesh)]
    return tuple(shown)[:_MOST_SHOWN]


def _up_to_date(mesh: Snapshot, case: NamespaceCase) -> Finding | None:
    """A PASS; None where some pod would have a sidecar, had it been made when istiod answered."""
    if case.verdict.injects and any(
        item.verdict.verdict is Verdict.INJECTED for item in case.lacking
    ):
        return None
    if case.verdict.injects:
        message = f"Every pod of {case.name} that is selected for injection has a sidecar."
        shown = _sidecars(case) or (case.namespace.evidence("metadata", "labels"),)
    else:
        message = f"A restart would not inject the pods of {case.name}: {case.verdict.reason}."
        shown = _in_the_way(mesh, case)
    fact = holds("restart-changes-nothing", message, *shown)
    subject, resource = namespace_subject(case.name), str(case.namespace)
    return Finding(_NOT_RESTARTED, subject, Outcome.PASS, message, resource, facts=(fact,))


@dataclass(frozen=True, slots=True)
class InjectionRestartAnalyzer:
    """Compares the pods there are with what the webhooks would make of them now."""

    name: str = "injection-restart"
    description: str = "Pods that are selected for injection have been made since"
    inputs: tuple[str, ...] = (
        NAMESPACE.input,
        POD.input,
        MUTATING_WEBHOOK.input,
        CONFIG_MAP.input,
    )
    codes: tuple[str, ...] = (_NOT_RESTARTED, BYPASSED)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each namespace that concerns injection."""
        if not mesh.catalog.known(NAMESPACE, POD, MUTATING_WEBHOOK):
            yield unread_finding(mesh, _NOT_RESTARTED, NAMESPACE, POD, MUTATING_WEBHOOK)
            return
        for case in injection_cases(mesh):
            yield from self._of(mesh, case)

    def _of(self, mesh: Snapshot, case: NamespaceCase) -> Iterator[Finding]:
        if case.verdict.verdict is Verdict.UNKNOWN:
            yield unread_finding(mesh, _NOT_RESTARTED, MUTATING_WEBHOOK, case=case)
            return
        stale: list[tuple[Lacking, Fact]] = []
        for item in case.lacking:
            if item.verdict.verdict is not Verdict.INJECTED:
                yield _up_to_date_workload(case, item)
                continue
            certain = _certain_call(mesh, case, item)
            if certain is None:
                yield bypassed(mesh, case, item)
            elif case.verdict.injects:
                stale.append((item, certain))
            else:
                yield _stale(mesh, case, [(item, certain)], alone=True)
        if stale:
            yield _stale(mesh, case, stale, alone=False)
        elif (fine := _up_to_date(mesh, case)) is not None:
            yield fine


def _up_to_date_workload(case: NamespaceCase, item: Lacking) -> Finding:
    message = f"A restart would not inject {item.workload}: {item.verdict.reason}."
    place = opting_out(item.pod.labels, item.pod.annotations)
    if item.verdict.verdict is Verdict.HOST_NETWORK:
        shown = item.pod.evidence("spec", "hostNetwork")
    elif item.verdict.verdict is Verdict.OPTED_OUT and place is not None:
        shown = item.pod.evidence("metadata", place, INJECT)
    else:
        shown = case.namespace.evidence("metadata", "labels")
    fact = holds("restart-changes-nothing", message, shown)
    subject, resource = workload_subject(item.workload), str(item.workload)
    return Finding(_NOT_RESTARTED, subject, Outcome.PASS, message, resource, facts=(fact,))


ANALYZER = InjectionRestartAnalyzer()
