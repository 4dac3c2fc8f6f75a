"""Whether a new pod gets a proxy, and why: the API server's and istiod's decision, replayed.

The order is Istio's own (facts of the istiod chart's mutatingwebhook template and of
``injectRequired`` in pkg/kube/inject): labels of namespace and pod choose the webhooks, then
istiod's policy decides about those pods that reach it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from meshdoctor.intent.injection_policy import NEVER_INJECTED, injection_policies
from meshdoctor.intent.injection_webhooks import (
    InjectionWebhook,
    selecting,
)
from meshdoctor.intent.revision_labels import (
    DATAPLANE_MODE,
    INJECT,
    INJECTION,
    REVISION,
    Asked,
    asked,
    opting_out,
)
from meshdoctor.intent.revisions import (
    default_webhooks,
    is_present,
    is_served,
    webhooks_for,
)
from meshdoctor.model.kinds import DEPLOYMENT, MUTATING_WEBHOOK, NAMESPACE
from meshdoctor.model.pod import containers, host_network, is_gateway, is_istiod, is_ztunnel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_CNI_CONTAINER = "install-cni"


class Verdict(StrEnum):
    """What becomes of a new pod."""

    INJECTED = "injected"
    INFRASTRUCTURE = "infrastructure"
    """A proxy or a part of Istio itself: it needs no sidecar."""
    NEVER = "never injected"
    NOT_LABELLED = "not labelled"
    """Nothing asks for injection."""
    AMBIENT = "ambient"
    """ztunnel carries the traffic: rightly without a sidecar."""
    LABELS_CONFLICT = "labels conflict"
    WEBHOOK_MISSING = "webhook missing"
    """A control plane of that revision is there, its webhook is not."""
    REVISION_ABSENT = "revision absent"
    """No control plane of the revision asked for."""
    OPTED_OUT = "opted out"
    HOST_NETWORK = "host network"
    SKIPPED = "skipped by policy"
    """istiod is asked and leaves the pod alone."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class InjectionVerdict:
    """The decision about a new pod, with its reason in plain words."""

    verdict: Verdict
    reason: str
    asked: Asked | None = None
    webhooks: tuple[InjectionWebhook, ...] = ()
    """The entries that the API server calls."""
    unread: tuple[str, ...] = ()
    """Inputs that would decide, or confirm, and were not read."""

    @property
    def injects(self) -> bool | None:
        """Whether a new pod gets a proxy; None when that cannot be told."""
        return None if self.verdict is Verdict.UNKNOWN else self.verdict is Verdict.INJECTED


def _unlabelled(namespace: Mapping[str, str], pod: Mapping[str, str]) -> InjectionVerdict:
    if "ambient" in (namespace.get(DATAPLANE_MODE), pod.get(DATAPLANE_MODE)):
        return InjectionVerdict(Verdict.AMBIENT, "ambient mode: ztunnel carries its traffic")
    if INJECTION in namespace:
        value = namespace[INJECTION]
        return InjectionVerdict(
            Verdict.NOT_LABELLED,
            f"the namespace is labelled {INJECTION}={value}; only the value enabled asks for it",
        )
    return InjectionVerdict(
        Verdict.NOT_LABELLED, f"the namespace carries neither {INJECTION} nor {REVISION}"
    )


def _names(webhooks: tuple[InjectionWebhook, ...]) -> str:
    return ", ".join(dict.fromkeys(item.configuration.name for item in webhooks))


def _by_webhooks(
    mesh: Snapshot, wish: Asked | None, webhooks: tuple[InjectionWebhook, ...]
) -> InjectionVerdict:
    """The decision when at least one webhook is called."""
    if all(item.is_conditional for item in webhooks):
        reason = f"{_names(webhooks)} also has matchConditions, which meshdoctor does not evaluate"
        return InjectionVerdict(Verdict.UNKNOWN, reason, wish, webhooks)
    served = [is_served(mesh, item) for item in webhooks]
    revisions = ", ".join(dict.fromkeys(item.revision for item in webhooks))
    if not any(served):
        if None in served:
            unread = mesh.catalog.unread(DEPLOYMENT)
            reason = f"whether revision {revisions} still has a control plane was not read"
            return InjectionVerdict(Verdict.UNKNOWN, reason, wish, webhooks, unread)
        reason = f"{_names(webhooks)} calls revision {revisions}, which has no control plane"
        return InjectionVerdict(Verdict.REVISION_ABSENT, reason, wish, webhooks)
    reason = f"{wish or 'the webhook by default'} is served by {_names(webhooks)}"
    return InjectionVerdict(Verdict.INJECTED, reason, wish, webhooks)


def _without_webhook(mesh: Snapshot, wish: Asked) -> InjectionVerdict:
    """The decision when something asks and no webhook is called."""
    if wish.label != REVISION:
        reason = f"no injection webhook selects {wish}"
        return InjectionVerdict(Verdict.WEBHOOK_MISSING, reason, wish)
    present = is_present(mesh, wish.revision)
    if present:
        reason = f"istiod of revision {wish.revision} is installed, but no webhook selects {wish}"
        return InjectionVerdict(Verdict.WEBHOOK_MISSING, reason, wish)
    reason = f"no webhook, tag or control plane is called {wish.revision}"
    unread = mesh.catalog.unread(DEPLOYMENT) if present is None else ()
    return InjectionVerdict(Verdict.REVISION_ABSENT, reason, wish, unread=unread)


def _conflict(mesh: Snapshot, labels: Mapping[str, str]) -> InjectionVerdict | None:
    """The verdict on a namespace that carries both injection labels, where they disagree."""
    if INJECTION not in labels or not labels.get(REVISION):
        return None
    value, revision = labels[INJECTION], labels[REVISION]
    if value != "enabled":
        reason = f"{INJECTION}={value} switches injection off and beats {REVISION}={revision}"
        return InjectionVerdict(Verdict.LABELS_CONFLICT, reason)
    wish = Asked("default", INJECTION, value)
    if not mesh.catalog.known(MUTATING_WEBHOOK):
        return None
    winning = {item.revision for item in default_webhooks(mesh)}
    # Where both labels lead to the same place, or nowhere at all, they do not contradict.
    if winning == {item.revision for item in webhooks_for(mesh, revision)}:
        return None
    reason = f"{INJECTION}=enabled asks for the default revision and beats {REVISION}={revision}"
    return InjectionVerdict(Verdict.LABELS_CONFLICT, reason, wish)


def _selected(
    mesh: Snapshot, namespace: Mapping[str, str], pod: Mapping[str, str]
) -> InjectionVerdict:
    """What the API server decides: which webhooks the labels choose."""
    conflict = _conflict(mesh, namespace)
    if conflict is not None:
        return conflict
    wish = asked(namespace, pod)
    if not mesh.catalog.known(MUTATING_WEBHOOK):
        # Even a namespace without labels may be chosen (enableNamespacesByDefault).
        unread = mesh.catalog.unread(MUTATING_WEBHOOK)
        return InjectionVerdict(
            Verdict.UNKNOWN, "the injection webhooks were not read", wish, unread=unread
        )
    webhooks = selecting(mesh, namespace, pod)
    if webhooks:
        return _by_webhooks(mesh, wish, webhooks)
    return _without_webhook(mesh, wish) if wish else _unlabelled(namespace, pod)


def _is_infrastructure(pod: Resource) -> bool:
    if is_istiod(pod) or is_ztunnel(pod) or is_gateway(pod):
        return True
    return any(item.get("name") == _CNI_CONTAINER for _, item in containers(pod))


def _policy_verdict(
    mesh: Snapshot, found: InjectionVerdict, labels: Mapping[str, str]
) -> InjectionVerdict:
    """What istiod decides, for a pod whose webhook is called."""
    policies = [injection_policies(mesh).get(item.revision) for item in found.webhooks]
    skips = [policy.skips(labels) if policy else None for policy in policies]
    if skips and all(skips):
        return InjectionVerdict(
            Verdict.SKIPPED, f"istiod skips it: {skips[0]}", found.asked, found.webhooks
        )
    return found


def _explicit(pod: Resource) -> InjectionVerdict | None:
    """What the pod itself says against a sidecar: the host's network, or an opt-out."""
    if host_network(pod):
        reason = "it uses the host's network, which istiod never redirects"
        return InjectionVerdict(Verdict.HOST_NETWORK, reason)
    place = opting_out(pod.labels, pod.annotations)
    if place is None:
        return None
    reason = f"its {place.removesuffix('s')} {INJECT}=false opts out"
    return InjectionVerdict(Verdict.OPTED_OUT, reason)


def _namespace_verdict(mesh: Snapshot, namespace: Resource) -> InjectionVerdict:
    if namespace.name in NEVER_INJECTED:
        return InjectionVerdict(Verdict.NEVER, f"istiod never injects {namespace.name}")
    found = _selected(mesh, namespace.labels, {})
    return _policy_verdict(mesh, found, {}) if found.injects else found


def _pod_verdict(mesh: Snapshot, pod: Resource) -> InjectionVerdict:
    if _is_infrastructure(pod):
        return InjectionVerdict(Verdict.INFRASTRUCTURE, "it is itself a part of the mesh")
    if pod.namespace in NEVER_INJECTED:
        return InjectionVerdict(Verdict.NEVER, f"istiod never injects {pod.namespace}")
    namespace = mesh.catalog.find(NAMESPACE, "", pod.namespace)
    if namespace is None:
        return InjectionVerdict(
            Verdict.UNKNOWN, "namespaces were not read", unread=mesh.catalog.unread(NAMESPACE)
        )
    # What the pod says counts only where the rest would have given it a sidecar.
    labels = {key: value for key, value in pod.labels.items() if (key, value) != (INJECT, "false")}
    found = _selected(mesh, namespace.labels, labels)
    said = _explicit(pod)
    if said is not None and (found.injects or (found.injects is None and found.asked)):
        return InjectionVerdict(
            said.verdict, said.reason, found.asked, found.webhooks, found.unread
        )
    return _policy_verdict(mesh, found, labels) if found.injects else found


def injection_verdict(mesh: Snapshot, resource: Resource) -> InjectionVerdict:
    """Whether new pods get a proxy, and why.

    Args:
        mesh: the snapshot.
        resource: a Namespace (the verdict on a pod without labels of its own) or a Pod (the
            verdict on the same pod if it were created now).
    """
    if resource.kind is NAMESPACE:
        return _namespace_verdict(mesh, resource)
    return _pod_verdict(mesh, resource)
