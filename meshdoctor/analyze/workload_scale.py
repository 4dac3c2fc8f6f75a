"""Destinations whose workload has no pods: scaled to nothing, or wanting pods it cannot get."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds
from meshdoctor.analyze.destination_facts import (
    affected_by,
    callers_hold_no_host,
    failed_calls_to,
    requests_fail,
)
from meshdoctor.analyze.destination_findings import problem
from meshdoctor.analyze.destination_pods import no_ready_endpoint

if TYPE_CHECKING:
    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload


def zero_scaled(templates: tuple[Workload, ...]) -> bool:
    """Whether every one of these workloads asks for no replica."""
    return bool(templates) and all(item.wanted == 0 for item in templates)


def _replicas(templates: tuple[Workload, ...]) -> list[Evidence]:
    found = (item.resource for item in templates)
    return [resource.evidence("spec", "replicas") for resource in found if resource is not None]


def scaled_to_zero_finding(
    mesh: Snapshot, code: str, use: Use, templates: tuple[Workload, ...]
) -> Finding:
    """The workloads behind a destination ask for no replica.

    Args:
        mesh: the snapshot.
        code: the finding's code.
        use: the destination.
        templates: the workloads that would serve it, all scaled to zero.
    """
    names = ", ".join(map(str, templates))
    message = f"{names} is scaled to 0 replicas, so nothing stands behind {use.destination}"
    evidence = _replicas(templates)
    first = templates[0]
    scale = f"kubectl scale {first.kind.lower()} {first.name} -n {first.namespace} --replicas="
    services = [str(use.service.resource)] if use.service else []
    return problem(
        code,
        use,
        message,
        objects=(*map(str, templates), *services),
        facts=(
            holds("replicas-zero", message, *evidence),
            *no_ready_endpoint(mesh, use),
            callers_hold_no_host(mesh, use),
            requests_fail(mesh, use, "UH"),
        ),
        affected=affected_by(mesh, use, failed_calls_to(mesh, use, "UH")),
        fills={"workload": str(first), "command": f"{scale}1", "undo": f"{scale}0"},
    )


def no_pods_finding(
    mesh: Snapshot, code: str, use: Use, templates: tuple[Workload, ...]
) -> Finding:
    """A workload behind a destination wants pods and has none: none can be created.

    Args:
        mesh: the snapshot.
        code: the finding's code.
        use: the destination.
        templates: the workloads that should serve it.
    """
    wanting = tuple(item for item in templates if item.wanted != 0)
    names = ", ".join(map(str, wanting))
    message = f"{names} wants pods and has none, so nothing stands behind {use.destination}"
    return problem(
        code,
        use,
        message,
        objects=tuple(map(str, wanting)),
        facts=(holds("workload-has-no-pods", message, *_replicas(wanting)),),
        affected=affected_by(mesh, use, failed_calls_to(mesh, use, "UH")),
    )
