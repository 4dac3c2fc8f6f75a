"""Injection webhooks: one for each revision, answered, trusted, and never two for one pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.check.checker import MeshChecker
from meshdoctor.check.control_plane import absence
from meshdoctor.check.outcome import Result, failed_if, skipped
from meshdoctor.check.webhook_entries import answers, fails_closed, injection_entries, trusted
from meshdoctor.intent.injection_webhooks import InjectionWebhook, injection_webhooks, selecting
from meshdoctor.intent.revision_labels import DEFAULT_REVISION, REVISION, TAG, asked_by_namespace
from meshdoctor.intent.revisions import control_planes, is_present, is_served
from meshdoctor.model.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    MUTATING_WEBHOOK,
    NAMESPACE,
    POD,
    SERVICE,
)
from meshdoctor.model.pod import is_finished

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.model.snapshot import Snapshot


def _exist(mesh: Snapshot) -> Result:
    if nothing := absence(mesh):
        return nothing
    served = {row.revision for row in injection_entries(mesh)}
    return failed_if(
        f"no MutatingWebhookConfiguration injects for revision {revision}"
        for revision in control_planes(mesh)
        if revision not in served
    )


def _answer(mesh: Snapshot) -> Result:
    return answers(injection_entries(mesh))


def _trust(mesh: Snapshot) -> Result:
    return trusted(mesh, injection_entries(mesh))


def _closed(mesh: Snapshot) -> Result:
    harm = "while istiod is down, pods start without a proxy"
    return fails_closed(injection_entries(mesh), harm)


def _asked_for(mesh: Snapshot) -> Result:
    asking = [item for item in mesh.catalog.of(NAMESPACE) if asked_by_namespace(item.labels)]
    if not asking:
        return skipped("no namespace asks for injection")
    return failed_if(
        f"namespace {item.name} asks for {asked_by_namespace(item.labels)}, which nothing serves"
        for item in asking
        if not any(is_served(mesh, hook) for hook in selecting(mesh, item.labels, {}))
    )


def _configurations(hooks: Iterable[InjectionWebhook]) -> list[str]:
    return sorted({hook.configuration.name for hook in hooks})


def _doubly(mesh: Snapshot) -> Iterator[str]:
    """Namespaces, then pods, that two configurations would inject (IST0139)."""
    labels = {item.name: item.labels for item in mesh.catalog.of(NAMESPACE)}
    told = set()
    for name, own in labels.items():
        names = _configurations(selecting(mesh, own, {}))
        if len(names) > 1:
            told.add(name)
            yield f"new pods of namespace {name} are injected by {' and '.join(names)}"
    for pod in mesh.catalog.of(POD):
        if pod.namespace in told or is_finished(pod):
            continue
        names = _configurations(selecting(mesh, labels.get(pod.namespace, {}), pod.labels))
        if len(names) > 1:
            yield f"{pod} would be injected by {' and '.join(names)}"


def _distinct(mesh: Snapshot) -> Result:
    return failed_if(_doubly(mesh))


def _tags(mesh: Snapshot) -> Result:
    tags = [hook for hook in injection_webhooks(mesh) if hook.tag]
    leads = {f"tag {hook.tag}": (hook.revision, is_served(mesh, hook)) for hook in tags}
    # Since 1.25 the chart gives a tag a Service too, by which proxies find their istiod.
    for item in mesh.catalog.of(SERVICE):
        if TAG in item.labels:
            revision = item.labels.get(REVISION, DEFAULT_REVISION)
            leads[str(item)] = revision, is_present(mesh, revision)
    if not leads:
        return skipped("there are no revision tags")
    problems = [
        f"{name} leads to revision {revision}, which is not installed"
        for name, (revision, present) in leads.items()
        if present is False
    ]
    return failed_if(problems, ", ".join(f"{name} → {to}" for name, (to, _) in leads.items()))


CHECKERS = (
    MeshChecker(
        id="injection-webhooks",
        description="every revision has an injection webhook",
        needs=(DEPLOYMENT, POD, MUTATING_WEBHOOK),
        check=_exist,
    ),
    MeshChecker(
        id="injection-webhooks-answer",
        description="something answers behind the injection webhooks",
        needs=(MUTATING_WEBHOOK, SERVICE, ENDPOINT_SLICE),
        check=_answer,
    ),
    MeshChecker(
        id="injection-webhooks-trust",
        description="the API server trusts what injects (caBundle)",
        needs=(MUTATING_WEBHOOK, CONFIG_MAP),
        check=_trust,
    ),
    MeshChecker(
        id="injection-webhooks-fail-closed",
        description="a pod that cannot be injected is not created without a proxy",
        warning=True,
        needs=(MUTATING_WEBHOOK,),
        check=_closed,
    ),
    MeshChecker(
        id="injection-webhooks-distinct",
        description="no pod is injected by two webhooks",
        needs=(MUTATING_WEBHOOK, NAMESPACE, POD),
        check=_distinct,
    ),
    MeshChecker(
        id="injection-asked-for",
        description="every namespace that asks for injection is served",
        needs=(MUTATING_WEBHOOK, DEPLOYMENT, NAMESPACE),
        check=_asked_for,
    ),
    MeshChecker(
        id="revision-tags",
        description="every revision tag leads to a revision that is installed",
        needs=(MUTATING_WEBHOOK, DEPLOYMENT, SERVICE),
        check=_tags,
    ),
)
