"""Commands that bring a port back into a workload's sidecar: its template's annotations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from meshdoctor.analyze.injection_commands import restart_command
from meshdoctor.model.workload import CONTROLLERS

if TYPE_CHECKING:
    from meshdoctor.intent.traffic_capture import Exclusion
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.workload import Workload

_ROLLED = {kind.name for kind in CONTROLLERS}
_TEMPLATE = ("spec", "template", "metadata", "annotations")


def _patched(workload: Workload, annotation: str, value: str | None) -> str:
    patch = {"spec": {"template": {"metadata": {"annotations": {annotation: value}}}}}
    return (
        f"kubectl patch {workload.kind.lower()} {workload.name} -n {workload.namespace} "
        f"--type merge -p '{json.dumps(patch)}'"
    )


def _annotated(workload: Workload, annotation: str, value: str | None) -> str:
    change = f"{annotation}-" if value is None else f"{annotation}={value} --overwrite"
    kind, name, space = workload.kind.lower(), workload.name, workload.namespace
    return f"kubectl annotate {kind} {name} -n {space} {change} && {restart_command([workload])}"


def capture_again(workload: Workload, exclusion: Exclusion) -> tuple[str, str]:
    """The command after which new pods capture the traffic, and its undo."""
    change = _patched if workload.kind in _ROLLED else _annotated
    return (
        change(workload, exclusion.annotation, exclusion.captured),
        change(workload, exclusion.annotation, exclusion.value),
    )


def exclusion_evidence(
    workload: Workload, pod: Resource, exclusion: Exclusion
) -> tuple[Evidence, ...]:
    """Where the annotation stands: on the pod, and in the template it came from."""
    shown = [pod.evidence("metadata", "annotations", exclusion.annotation)]
    owner = workload.resource
    if owner is not None and owner.get(*_TEMPLATE, exclusion.annotation) == exclusion.value:
        shown.append(owner.evidence(*_TEMPLATE, exclusion.annotation))
    return tuple(shown)
