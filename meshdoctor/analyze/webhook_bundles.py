"""Does the API server trust the certificate that istiod's webhooks answer with?

istiod signs that certificate itself and writes its root into the caBundle of the configurations
that carry its revision's label; a bundle that was reset, or that another control plane wrote,
makes every call fail with ``x509: certificate signed by unknown authority``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import MESH_SUBJECT, holds, silent, unread, workload_subject
from meshdoctor.analyze.pod_refusals import Refusal, refusals
from meshdoctor.analyze.refusal_reasons import WebhookFailure, reason_of
from meshdoctor.analyze.refused_workloads import REFUSAL_KINDS, at_destinations, not_the_reason
from meshdoctor.intent.revision_labels import REVISION
from meshdoctor.intent.revisions import control_planes
from meshdoctor.intent.webhook_trust import (
    ROOT_CONFIG_MAP,
    ROOT_KEY,
    Trust,
    bundle_trust,
    certifies_itself,
    entry_trust,
    istio_webhooks,
)
from meshdoctor.model.finding import Affected, Fact, Finding, Outcome, Severity
from meshdoctor.model.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    MUTATING_WEBHOOK,
    VALIDATING_WEBHOOK,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.intent.injection_webhooks import InjectionWebhook
    from meshdoctor.intent.revisions import ControlPlane
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

UNTRUSTED = "MD0322"
_MOST = 3


@dataclass(frozen=True, slots=True)
class _Server:
    """One control plane's webhooks, and what is known of the trust in them."""

    mesh: Snapshot
    plane: ControlPlane
    entries: tuple[InjectionWebhook, ...]
    wrong: tuple[InjectionWebhook, ...]
    """Whose bundle is not the mesh root."""
    refused: tuple[Refusal, ...]
    """Pods that were refused because of it."""

    @property
    def configurations(self) -> tuple[Resource, ...]:
        """At fault: the injecting ones first, which keep pods out."""
        chosen = self.wrong or self.entries
        found = dict.fromkeys(item.configuration for item in chosen)
        return tuple(sorted(found, key=lambda c: (c.kind is not MUTATING_WEBHOOK, c.name)))


def _untrusted_refusals(mesh: Snapshot, services: set[tuple[str, str]]) -> Iterator[Refusal]:
    for refusal in refusals(mesh):
        reason = reason_of(refusal)
        if not isinstance(reason, WebhookFailure) or not reason.injects:
            continue
        if reason.is_untrusted and (reason.service is None or reason.service in services):
            yield refusal


def _servers(mesh: Snapshot) -> Iterator[_Server]:
    for revision, plane in control_planes(mesh).items():
        entries = tuple(
            item
            for item in istio_webhooks(mesh)
            if item.revision == revision and item.service is not None and not item.is_deactivated
        )
        services = {item.service for item in entries if item.service is not None}
        if entries:
            wrong = tuple(
                item for item in entries if entry_trust(mesh, item) in (Trust.DIFFERS, Trust.EMPTY)
            )
            refused = tuple(_untrusted_refusals(mesh, services))
            yield _Server(mesh, plane, entries, wrong, refused)


def _what_is_wrong(mesh: Snapshot, entry: InjectionWebhook) -> str:
    if entry_trust(mesh, entry) is Trust.EMPTY:
        return "is empty"
    bundle = entry.configuration.get(*entry.path, "clientConfig", "caBundle")
    if bundle_trust(mesh, bundle, mesh.root_namespace).not_after is None:
        return "holds no certificate"
    return "holds another certificate than the mesh's root"


def _bundle_fact(seen: _Server) -> Fact:
    fact = "bundle-differs-from-mesh-root"
    mesh = seen.mesh
    if seen.wrong:
        first = seen.wrong[0]
        path = (*first.path, "clientConfig", "caBundle")
        shown = [first.configuration.evidence(*path)]
        space = first.service[0] if first.service else mesh.root_namespace
        root = mesh.catalog.find(CONFIG_MAP, space, ROOT_CONFIG_MAP)
        if root is not None:
            shown.append(root.evidence("data", ROOT_KEY))
        what = _what_is_wrong(mesh, first)
        names = ", ".join(dict.fromkeys(str(item.configuration) for item in seen.wrong))
        return holds(fact, f"The caBundle of {names} {what}", *shown)
    trusts = {entry_trust(mesh, item) for item in seen.entries}
    if Trust.UNKNOWN in trusts:
        return unread(fact, f"{ROOT_CONFIG_MAP} could not be read")
    return silent(fact, "The caBundle is the mesh's root: istiod answers with an older certificate")


def _heard(seen: _Server) -> Fact:
    fact = "api-server-refuses-certificate"
    mesh = seen.mesh
    if seen.refused:
        first = seen.refused[0]
        return holds(fact, f"The API server says: {first.text}", *first.evidence[:1])
    if not mesh.catalog.known(*REFUSAL_KINDS):
        return unread(fact, "Events or ReplicaSets were not read")
    return silent(fact, "No pod is being refused at this moment")


def _fills(seen: _Server) -> dict[str, str]:
    first = seen.configurations[0]
    plane = seen.plane
    deployment = plane.deployments[0] if plane.deployments else None
    where = f"{deployment.name if deployment else 'istiod'} -n {min(plane.namespaces)}"
    fills = {
        "revision": plane.revision,
        "webhook": str(first),
        "mend": "Restart istiod: it writes its root into the configurations of its revision.",
        "command": f"kubectl rollout restart deployment {where}",
        "changes": "istiod's pods are made anew; proxies reconnect by themselves.",
        "undo": "nothing to undo, the configuration of istiod stays as it is",
    }
    if REVISION in first.labels:
        return fills
    label = f"kubectl label {first.kind.name.lower()} {first.name} {REVISION}"
    return {
        **fills,
        "mend": f"Label it with istiod's revision: without {REVISION} istiod leaves it alone.",
        "command": f"{label}={plane.revision}",
        "changes": f"The labels of {first}; istiod then writes its root into it.",
        "undo": f"{label}-",
    }


def _finding(seen: _Server) -> Finding:
    names = ", ".join(str(item) for item in seen.configurations[:_MOST])
    fact = _bundle_fact(seen)
    message = f"The API server does not trust what answers {names}: {fact.text}"
    # One root for several control planes: whose it is cannot be told from the outside.
    sure = bool(seen.refused) or len(control_planes(seen.mesh)) == 1
    proof = seen.refused[0].evidence[:1] if seen.refused else fact.evidence[:1]
    return Finding(
        code=UNTRUSTED,
        subject=MESH_SUBJECT,
        outcome=Outcome.FAIL if sure else Outcome.WARN,
        message=message,
        severity=None if sure else Severity.WARNING,
        root=sure,
        resource=str(seen.configurations[0]),
        objects=tuple(map(str, seen.configurations))[:6],
        facts=(holds("webhook-is-not-trusted", message, *proof), fact, _heard(seen)),
        affected=tuple(Affected(item.workload, "") for item in seen.refused),
        fills={**_fills(seen), "why": fact.text},
    )


def _trusted(seen: _Server) -> Finding:
    first = seen.entries[0]
    message = f"The caBundle of {first.configuration} is the mesh's root"
    shown = first.configuration.evidence(*first.path, "clientConfig", "caBundle")
    fact = holds("bundle-is-mesh-root", message, shown)
    resource = str(first.configuration)
    return Finding(UNTRUSTED, MESH_SUBJECT, Outcome.PASS, message, resource, facts=(fact,))


@dataclass(frozen=True, slots=True)
class WebhookBundlesAnalyzer:
    """Holds the webhooks' caBundles against the mesh root, and against what the API server says."""

    name: str = "webhook-bundles"
    description: str = "The API server trusts the certificate behind istiod's webhooks"
    inputs: tuple[str, ...] = (
        MUTATING_WEBHOOK.input,
        VALIDATING_WEBHOOK.input,
        CONFIG_MAP.input,
        DEPLOYMENT.input,
        *(kind.input for kind in REFUSAL_KINDS),
    )
    codes: tuple[str, ...] = (UNTRUSTED,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each control plane, and for each workload that is refused."""
        for seen in _servers(mesh):
            # Where another authority signs for istiod, another bundle is as it should be.
            if seen.refused or (seen.wrong and certifies_itself(seen.plane)):
                finding = _finding(seen)
                yield finding
                for refusal in seen.refused:
                    own = replace(
                        finding,
                        subject=workload_subject(refusal.workload),
                        resource=refusal.workload,
                        message=f"Pods of {refusal.workload} are refused: {refusal.text}",
                    )
                    yield from at_destinations(mesh, own, refusal)
            elif all(entry_trust(mesh, item) is Trust.MATCH for item in seen.entries):
                yield _trusted(seen)
        for refusal in refusals(mesh):
            reason = reason_of(refusal)
            if not (isinstance(reason, WebhookFailure) and reason.is_untrusted):
                message = f"The refusal of {refusal.workload}'s pods speaks of no certificate"
                yield not_the_reason(UNTRUSTED, refusal, message)


ANALYZER = WebhookBundlesAnalyzer()
