"""Pods that were let through without a sidecar while istiod did not answer.

With failurePolicy Ignore the API server creates a pod as it is when the webhook's call fails. That
a pod lacks its sidecar for this reason, and not because the label came later, is told by pods of
the same namespace, or earlier ones of the same workload, that the label had given one before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, silent, workload_subject
from meshdoctor.analyze.injection_cases import affected_by
from meshdoctor.analyze.injection_commands import restart_command
from meshdoctor.analyze.injection_facts import pods_lack_proxy
from meshdoctor.analyze.injection_history import former_proxy
from meshdoctor.analyze.json_patches import json_patch
from meshdoctor.intent.revision_labels import INJECT
from meshdoctor.intent.revisions import was_injected
from meshdoctor.model.finding import Fact, Finding, Outcome, Severity
from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import is_gateway

if TYPE_CHECKING:
    from meshdoctor.analyze.injection_cases import Lacking, NamespaceCase
    from meshdoctor.intent.injection_webhooks import InjectionWebhook
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

BYPASSED = "MD0308"


def _injected_before(mesh: Snapshot, case: NamespaceCase, item: Lacking) -> Resource | None:
    """An older pod of the namespace that the namespace's label gave a sidecar."""
    created = item.pod.created
    for pod in mesh.catalog.within(POD, case.name):
        older = pod.created is not None and created is not None and pod.created < created
        if older and was_injected(pod) and not is_gateway(pod) and INJECT not in pod.labels:
            return pod
    return None


def label_fact(mesh: Snapshot, case: NamespaceCase, item: Lacking) -> Fact:
    """``label-is-older-than-pod``: something was injected before by the same wish; else silent."""
    fact = "label-is-older-than-pod"
    wish = item.verdict.asked
    if wish is not None and wish.by_pod:
        text = f"The pod itself asks for its sidecar ({wish}), so it did when it was made"
        return holds(fact, text, item.pod.evidence("metadata", "labels", wish.label))
    before = _injected_before(mesh, case, item)
    if before is not None:
        text = f"{before} is older and has a sidecar, so the namespace was labelled before"
        stamp = ("metadata", "creationTimestamp")
        return holds(fact, text, before.evidence(*stamp), item.pod.evidence(*stamp))
    former = former_proxy(mesh, item.workload)
    if former is not None:
        text = f"An earlier pod of {item.workload}, {former.pod}, had a sidecar"
        return holds(fact, text, former.evidence)
    return silent(fact, "Whether the label is older than the pod is not told")


def _failure_policies(webhook: InjectionWebhook) -> tuple[str, str]:
    """The command that lets a webhook's entry fail closed, and the one that opens it again."""
    path = f"/webhooks/{webhook.index}/failurePolicy"

    def patch(value: str) -> str:
        step = {"op": "replace", "path": path, "value": value}
        return json_patch(webhook.configuration, [step])

    return patch("Fail"), patch("Ignore")


def bypassed(mesh: Snapshot, case: NamespaceCase, item: Lacking) -> Finding:
    """The finding about one workload; no root cause where its label may be younger than its pods.

    Args:
        mesh: the snapshot.
        case: its namespace.
        item: the workload, whose webhooks all ignore failures.
    """
    webhook = item.verdict.webhooks[0]
    message = (
        f"The pods of {item.workload} are selected for injection and have no sidecar; "
        f"{webhook.configuration} lets pods through when istiod does not answer."
    )
    policy = webhook.configuration.evidence(*webhook.path, "failurePolicy")
    label = label_fact(mesh, case, item)
    close, reopen = _failure_policies(webhook)
    return Finding(
        code=BYPASSED,
        subject=workload_subject(item.workload),
        outcome=Outcome.FAIL if label.evidence else Outcome.WARN,
        message=message,
        resource=str(item.workload),
        objects=(str(item.workload), str(webhook.configuration)),
        facts=(
            pods_lack_proxy(mesh, (item,), case.name),
            holds("webhook-ignores-failures", message, policy),
            label,
        ),
        affected=affected_by((item.workload,)),
        severity=None if label.evidence else Severity.WARNING,
        root=bool(label.evidence),
        fills={
            "webhook": str(webhook.configuration),
            "before": label.text,
            "restart": restart_command((item.workload,)),
            "close": close,
            "open": reopen,
        },
    )
