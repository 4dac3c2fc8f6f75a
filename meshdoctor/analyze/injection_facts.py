"""Facts that several injection findings share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, silent, unread
from meshdoctor.analyze.injection_cases import label_evidence
from meshdoctor.analyze.pod_evidence import container_names
from meshdoctor.intent.revision_labels import INJECT, INJECTION, REVISION
from meshdoctor.intent.revisions import control_planes, is_present
from meshdoctor.model.kinds import DEPLOYMENT, POD
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.analyze.injection_cases import Lacking, NamespaceCase
    from meshdoctor.intent.injection_webhooks import InjectionWebhook
    from meshdoctor.intent.revision_labels import Asked
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_MOST_SHOWN = 3


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, the first few of many."""
    shown = ", ".join(names[:_MOST_SHOWN])
    more = len(names) - _MOST_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def pods_lack_proxy(mesh: Snapshot, lacking: Sequence[Lacking], where: str) -> Fact:
    """``pods-lack-proxy``: pods that run without a sidecar now."""
    fact = "pods-lack-proxy"
    if not mesh.catalog.known(POD):
        return unread(fact, "Pods were not read.")
    if not lacking:
        return silent(fact, f"No pod of {where} runs without a sidecar yet.")
    names = listed([str(item.workload) for item in lacking])
    evidence = [one for item in lacking[:_MOST_SHOWN] for one in container_names(item.pod)]
    return holds(fact, f"Pods without a sidecar: {names}.", *evidence)


def namespace_asks(case: NamespaceCase) -> Fact:
    """``namespace-asks-for-injection``: the labels that ask."""
    keys = [key for key in (INJECTION, REVISION) if key in case.namespace.labels]
    wish = case.verdict.asked
    text = f"{case.namespace} is labelled {wish}." if wish else f"{case.verdict.reason}."
    return holds("namespace-asks-for-injection", text, *label_evidence(case.namespace, *keys))


def selector_evidence(webhook: InjectionWebhook) -> Evidence:
    """Which namespaces a webhook entry is called for, as it stands in its configuration."""
    return webhook.configuration.evidence(*webhook.path, "namespaceSelector")


def choosing_evidence(webhook: InjectionWebhook) -> Evidence:
    """The label values that a webhook entry is called for; its whole selector where it has none."""
    for selector in ("namespaceSelector", "objectSelector"):
        path = (*webhook.path, selector, "matchExpressions")
        for index, value in enumerate(as_list(webhook.configuration.get(*path))):
            item = as_mapping(value)
            if item.get("key") in (INJECTION, REVISION, INJECT) and item.get("operator") == "In":
                return webhook.configuration.evidence(*path, index, "values")
    return selector_evidence(webhook)


def asking_label(case: NamespaceCase, wish: Asked, pod: Resource | None = None) -> Evidence:
    """The label that asks, on the namespace or on a pod."""
    owner = pod if wish.by_pod and pod is not None else case.namespace
    return owner.evidence("metadata", "labels", wish.label)


def control_plane_evidence(mesh: Snapshot) -> tuple[Evidence, ...]:
    """The revision of each control plane that is installed."""
    found: list[Evidence] = []
    for plane in control_planes(mesh).values():
        owner = (*plane.deployments, *plane.pods)[0]
        found.append(owner.evidence("metadata", "labels", REVISION))
    return tuple(found[:_MOST_SHOWN])


def no_control_plane(mesh: Snapshot, revision: str) -> Fact:
    """``no-istiod-of-revision``: nothing runs this revision."""
    fact = "no-istiod-of-revision"
    if is_present(mesh, revision) is None:
        return unread(fact, f"{DEPLOYMENT.name}s were not read; no pod of {revision} was seen.")
    installed = listed(tuple(control_planes(mesh))) or "none"
    text = f"No istiod of revision {revision} is installed; there is {installed}."
    return holds(fact, text, *control_plane_evidence(mesh))
