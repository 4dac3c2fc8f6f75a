"""Whether a called Service selects any pod, and if not, why: its selector or its workload."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import PROXY_CONFIG, PROXY_HOSTS, PROXY_LOG, holds
from meshdoctor.analyze.destination_facts import (
    affected_by,
    callers_hold_no_host,
    failed_calls_to,
    requests_fail,
    still_served,
)
from meshdoctor.analyze.destination_findings import cannot_tell, passes, problem
from meshdoctor.analyze.destination_pods import no_ready_endpoint
from meshdoctor.analyze.destinations_in_use import destinations_in_use
from meshdoctor.analyze.nearest_labels import nearest_workload
from meshdoctor.analyze.workload_scale import no_pods_finding, scaled_to_zero_finding, zero_scaled
from meshdoctor.intent.backends import (
    BACKEND_KINDS,
    former_pods_behind,
    pods_behind,
    templates_behind,
    workload_entries_behind,
)
from meshdoctor.model.kinds import SERVICE, VIRTUAL_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact, Finding
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

SELECTOR_MATCHES_NOTHING = "MD0113"
SCALED_TO_ZERO = "MD0114"
NO_PODS = "MD0115"
_MOST_SHOWN = 3


def _nearest(mesh: Snapshot, service: ServiceHost) -> Workload | None:
    """The workload that the selector probably means, one that no Service selects before others."""
    others = [
        other
        for other in mesh.registry.hosts
        if other.is_kubernetes and other.namespace == service.namespace and other.selector
    ]
    taken = {str(item) for other in others for item in templates_behind(mesh, other)}
    candidates = [item for item in mesh.workloads.within(service.namespace) if item.resource]
    free = [item for item in candidates if str(item) not in taken]
    name = service.resource.name
    return nearest_workload(service.selector, name, free) or nearest_workload(
        service.selector, name, candidates
    )


def _fills(service: ServiceHost, nearest: Workload | None) -> dict[str, str]:
    resource = service.resource
    where = f"kubectl patch service {resource.name} -n {resource.namespace} --type merge -p"
    selector = ", ".join(f"{key}={value}" for key, value in service.selector.items())
    fills = {
        "service": f"{resource.namespace}/{resource.name}",
        "selector": selector,
        "nearest": "no workload of the namespace looks like the one that is meant",
        "command": f"kubectl get pods -n {resource.namespace} --show-labels",
        "undo": "nothing to undo: this only reads",
    }
    if nearest is None:
        return fills
    labels = nearest.template_labels
    meant = {key: labels.get(key) for key in service.selector}
    if not any(meant.values()):
        meant |= labels
    said = ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))
    old = {**dict.fromkeys(meant), **service.selector}
    return {
        **fills,
        "nearest": f"the pods of {nearest} carry {said}",
        "command": f"{where} '{json.dumps({'spec': {'selector': meant}})}'",
        "undo": f"{where} '{json.dumps({'spec': {'selector': old}})}'",
    }


def _mismatch(mesh: Snapshot, use: Use, service: ServiceHost) -> Finding:
    nearest = _nearest(mesh, service)
    fills = _fills(service, nearest)
    message = (
        f"Service {fills['service']} selects {fills['selector']}, and no pod and no workload of "
        f"namespace {service.namespace} carries that; {fills['nearest']}"
    )
    evidence = [service.resource.evidence("spec", "selector")]
    if nearest is not None and nearest.resource is not None:
        path = ("spec", "template", "metadata", "labels")
        evidence.append(nearest.resource.evidence(*path))
    facts: tuple[Fact, ...] = (
        holds("selector-matches-nothing", message, *evidence),
        *no_ready_endpoint(mesh, use),
        callers_hold_no_host(mesh, use),
        requests_fail(mesh, use, "UH"),
    )
    objects = (str(service.resource), *([str(nearest)] if nearest else []))
    return problem(
        SELECTOR_MATCHES_NOTHING,
        use,
        message,
        objects=objects,
        facts=facts,
        affected=affected_by(mesh, use, failed_calls_to(mesh, use, "UH")),
        fills=fills,
        root=not still_served(mesh, use),
    )


def _without_pods(mesh: Snapshot, use: Use, service: ServiceHost) -> Iterator[Finding]:
    """Nothing is selected: tell a wrong selector from a workload without pods."""
    templates = templates_behind(mesh, service)
    if not templates:
        if unread := mesh.catalog.unread(*BACKEND_KINDS):
            message = f"It cannot be told whether {service.resource} selects any workload"
            yield cannot_tell(SELECTOR_MATCHES_NOTHING, use, message, unread)
            yield cannot_tell(SCALED_TO_ZERO, use, message, unread)
        elif former := former_pods_behind(mesh, service):
            owners = dict.fromkeys(mesh.workloads.owning(pod) for pod in former)
            yield no_pods_finding(mesh, NO_PODS, use, tuple(owners))
        elif not workload_entries_behind(mesh, service):
            yield _mismatch(mesh, use, service)
            yield from _not_scaled_down(mesh, use, service)
        return
    message = f"The selector of {service.resource} matches {templates[0]}"
    evidence = service.resource.evidence("spec", "selector")
    yield passes(SELECTOR_MATCHES_NOTHING, use, message, "selector-matches", [evidence])
    if zero_scaled(templates) and not mesh.catalog.unread(*BACKEND_KINDS):
        yield scaled_to_zero_finding(mesh, SCALED_TO_ZERO, use, templates)
    elif mesh.catalog.unread(*BACKEND_KINDS):
        message = f"It cannot be told whether {service.resource} has pods"
        yield cannot_tell(SCALED_TO_ZERO, use, message, mesh.catalog.unread(*BACKEND_KINDS))
    else:
        yield no_pods_finding(mesh, NO_PODS, use, templates)


def _not_scaled_down(mesh: Snapshot, use: Use, service: ServiceHost) -> Iterator[Finding]:
    """Nothing is selected: the workload that is probably meant wants pods."""
    nearest = _nearest(mesh, service)
    if nearest is None or nearest.resource is None or not nearest.wanted:
        return
    message = (
        f"The selector of {service.resource} matches no workload, scaled down or not; the nearest, "
        f"{nearest}, wants {nearest.wanted} pod(s)"
    )
    shown = [*_wishes((nearest,)), service.resource.evidence("spec", "selector")]
    yield passes(SCALED_TO_ZERO, use, message, "no-template-matches", shown)


def _wishes(workloads: Iterable[Workload]) -> list[Evidence]:
    """How many pods some workloads want."""
    return [
        item.resource.evidence("spec", "replicas")
        for item in workloads
        if item.resource is not None and "replicas" in item.resource.spec
    ][:_MOST_SHOWN]


def _with_pods(mesh: Snapshot, use: Use, service: ServiceHost) -> Iterator[Finding]:
    pods = pods_behind(mesh, service)
    names = ", ".join(pod.name for pod in pods[:3])
    more = f" and {len(pods) - 3} more" if len(pods) > 3 else ""
    message = f"{service.resource} selects {names}{more}"
    evidence = [
        service.resource.evidence("spec", "selector"),
        pods[0].evidence("metadata", "labels"),
    ]
    for code in (SELECTOR_MATCHES_NOTHING, NO_PODS):
        yield passes(code, use, message, "pods-selected", evidence)
    templates = templates_behind(mesh, service)
    # Pods that are still there may be the last of a workload that was just scaled down.
    if all(item.wanted != 0 for item in templates):
        wishes = _wishes(templates)
        if wishes:
            names = ", ".join(map(str, templates[:_MOST_SHOWN]))
            message += f", and {names} {'wants' if len(templates) == 1 else 'want'} pods"
        yield passes(SCALED_TO_ZERO, use, message, "pods-selected", [*wishes, *evidence])


@dataclass(frozen=True, slots=True)
class ServiceSelection:
    """Every Service that is called selects pods."""

    name: str = "service-selection"
    description: str = "Every Service that is called selects a pod."
    inputs: tuple[str, ...] = (
        SERVICE.input,
        VIRTUAL_SERVICE.input,
        *(kind.input for kind in BACKEND_KINDS),
        PROXY_CONFIG,
        PROXY_HOSTS,
        PROXY_LOG,
    )
    codes: tuple[str, ...] = (SELECTOR_MATCHES_NOTHING, SCALED_TO_ZERO, NO_PODS)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at each destination that a Service with a selector answers for."""
        for use in destinations_in_use(mesh):
            service = use.service
            if service is None or not service.selector or service.is_external_name:
                continue
            if pods_behind(mesh, service):
                if use.is_seen:
                    yield from _with_pods(mesh, use, service)
            else:
                yield from _without_pods(mesh, use, service)


ANALYZER = ServiceSelection()
