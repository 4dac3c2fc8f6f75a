"""Whether every subset that a route names selects a pod of its service."""

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
from meshdoctor.analyze.destination_pods import subset_of
from meshdoctor.analyze.destinations_in_use import destinations_in_use
from meshdoctor.analyze.nearest_labels import nearest_word
from meshdoctor.analyze.service_selection import NO_PODS, SCALED_TO_ZERO
from meshdoctor.analyze.workload_scale import no_pods_finding, scaled_to_zero_finding, zero_scaled
from meshdoctor.intent.backends import BACKEND_KINDS, pods_behind, templates_behind
from meshdoctor.model.evidence import escape_pointer
from meshdoctor.model.kinds import DESTINATION_RULE, SERVICE, VIRTUAL_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.intent.destination_rules import Subset
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.registry import ServiceHost
    from meshdoctor.model.snapshot import Snapshot

SUBSET_SELECTS_NOTHING = "MD0116"


def _meant(mesh: Snapshot, service: ServiceHost, subset: Subset) -> dict[str, str]:
    """For each label of the subset the nearest value that pods of the service carry."""
    pods = pods_behind(mesh, service)
    meant: dict[str, str] = {}
    for key, value in subset.labels.items():
        values = [pod.labels[key] for pod in pods if key in pod.labels]
        near = value if value in values else nearest_word(value, values)
        if near is not None:
            meant[key] = near
    return meant


def _fills(mesh: Snapshot, service: ServiceHost, subset: Subset) -> dict[str, str]:
    rule = subset.rule
    meant = _meant(mesh, service, subset)
    wanted = ", ".join(f"{key}={value}" for key, value in subset.labels.items())
    keys = sorted(subset.labels)
    carried = sorted(
        {
            ", ".join(f"{key}={pod.labels.get(key, '(none)')}" for key in keys)
            for pod in pods_behind(mesh, service)
        }
    )
    fills = {
        "subset": subset.name,
        "labels": wanted,
        "rule": f"{rule.namespace}/{rule.name}",
        "service": f"{service.namespace}/{service.resource.name}",
        "carried": "; ".join(carried) or "nothing",
        "command": f"kubectl get pods -n {service.namespace} --show-labels",
        "undo": "nothing to undo: this only reads",
    }
    changes = [(key, near) for key, near in meant.items() if near != subset.labels[key]]
    if not changes:
        return fills
    base = "".join(f"/{part}" for part in (*subset.path, "labels"))
    where = f"kubectl patch destinationrule {rule.name} -n {rule.namespace} --type json -p"

    def patch(values: list[tuple[str, str]]) -> str:
        steps = [
            {"op": "replace", "path": f"{base}/{escape_pointer(key)}", "value": value}
            for key, value in values
        ]
        return f"{where} '{json.dumps(steps)}'"

    old = [(key, subset.labels[key]) for key, _ in changes]
    return {**fills, "command": patch(changes), "undo": patch(old)}


def _selects_nothing(mesh: Snapshot, use: Use, service: ServiceHost, subset: Subset) -> Finding:
    fills = _fills(mesh, service, subset)
    message = (
        f"Subset {subset.name} of {subset.rule} asks for {fills['labels']}, and no pod behind "
        f"{service.resource} carries that (they carry {fills['carried']})"
    )
    evidence = [subset.rule.evidence(*subset.path, "labels")]
    evidence += [pod.evidence("metadata", "labels") for pod in pods_behind(mesh, service)[:2]]
    evidence += [
        route.binding.virtual_service.evidence(*route.path, "subset") for route in use.routes[:1]
    ]
    return problem(
        SUBSET_SELECTS_NOTHING,
        use,
        message,
        objects=(str(subset.rule), *map(str, use.virtual_services)),
        facts=(
            holds("subset-selects-nothing", message, *evidence),
            callers_hold_no_host(mesh, use),
            requests_fail(mesh, use, "UH"),
        ),
        affected=affected_by(mesh, use, failed_calls_to(mesh, use, "UH")),
        fills=fills,
        root=not still_served(mesh, use),
    )


def _judge(mesh: Snapshot, use: Use, service: ServiceHost, subset: Subset) -> Iterator[Finding]:
    pods = pods_behind(mesh, service, subset.labels)
    if pods:
        names = ", ".join(pod.name for pod in pods[:3])
        message = f"Subset {subset.name} selects {names}"
        evidence = [
            subset.rule.evidence(*subset.path, "labels"),
            pods[0].evidence("metadata", "labels"),
        ]
        yield passes(SUBSET_SELECTS_NOTHING, use, message, "subset-selects", evidence)
        return
    if not pods_behind(mesh, service):
        return
    unread = mesh.catalog.unread(*BACKEND_KINDS, SERVICE)
    templates = templates_behind(mesh, service, subset.labels)
    if unread:
        message = f"It cannot be told whether subset {subset.name} selects any workload"
        yield cannot_tell(SUBSET_SELECTS_NOTHING, use, message, unread)
    elif zero_scaled(templates):
        yield scaled_to_zero_finding(mesh, SCALED_TO_ZERO, use, templates)
    elif templates:
        yield no_pods_finding(mesh, NO_PODS, use, templates)
    else:
        yield _selects_nothing(mesh, use, service, subset)


@dataclass(frozen=True, slots=True)
class SubsetSelection:
    """Every subset that a route names selects pods."""

    name: str = "subset-selection"
    description: str = "Every subset that a VirtualService routes to selects a pod."
    inputs: tuple[str, ...] = (
        VIRTUAL_SERVICE.input,
        DESTINATION_RULE.input,
        SERVICE.input,
        *(kind.input for kind in BACKEND_KINDS),
        PROXY_CONFIG,
        PROXY_HOSTS,
        PROXY_LOG,
    )
    codes: tuple[str, ...] = (SUBSET_SELECTS_NOTHING, SCALED_TO_ZERO, NO_PODS)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at each defined subset of a Kubernetes Service that routes lead to."""
        for use in destinations_in_use(mesh):
            service = use.service
            if service is None or not service.selector or not use.routes:
                continue
            if (subset := subset_of(mesh, use)) is not None:
                yield from _judge(mesh, use, service, subset)


ANALYZER = SubsetSelection()
