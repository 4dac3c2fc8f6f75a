"""The commands that give workloads the proxy of their control plane: restarts, and unpinning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.upgrade_outdated import PINNED_IMAGE, template_annotations
from meshdoctor.model.evidence import join_pointer
from meshdoctor.model.kinds import DEPLOYMENT, POD

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.workload import Workload

_ANNOTATION = ("spec", "template", "metadata", "annotations", PINNED_IMAGE)


def ordered(workloads: Iterable[Workload]) -> tuple[Workload, ...]:
    """Each workload once, Deployments first, then by name."""
    found = {str(item): item for item in workloads}
    return tuple(sorted(found.values(), key=lambda item: (item.kind != DEPLOYMENT.name, str(item))))


def is_pinned(workload: Workload) -> bool:
    """Whether the pod template fixes the proxy's image: a restart alone changes nothing then."""
    return workload.kind != POD.name and PINNED_IMAGE in template_annotations(workload)


def pin_evidence(workloads: Iterable[Workload]) -> tuple[Evidence, ...]:
    """Where the proxies' images are pinned."""
    return tuple(
        item.resource.evidence(*_ANNOTATION)
        for item in workloads
        if item.resource is not None and is_pinned(item)
    )


def _target(workload: Workload) -> str:
    return f"{workload.kind.lower()}/{workload.name}"


def _unpin(workload: Workload) -> str:
    pointer = join_pointer("", _ANNOTATION)
    return (
        f"kubectl patch {workload.kind.lower()} {workload.name} -n {workload.namespace} --type=json"
        f' -p=\'[{{"op":"remove","path":"{pointer}"}}]\''
    )


def restart_fills(workloads: Sequence[Workload]) -> dict[str, str]:
    """Words for the fix of one namespace's workloads.

    Args:
        workloads: those that lag behind, all of one namespace.
    """
    namespace = workloads[0].namespace
    pinned = [item for item in workloads if is_pinned(item)]
    bare = [item for item in workloads if item.kind == POD.name]
    plain = [item for item in workloads if item not in pinned and item not in bare]
    commands = [_unpin(item) for item in pinned]
    if plain:
        targets = " ".join(_target(item) for item in plain)
        commands.append(f"kubectl rollout restart {targets} -n {namespace}")
    if bare:
        names = " ".join(item.name for item in bare)
        commands.append(f"kubectl delete pod {names} -n {namespace}")
    steps = []
    if pinned:
        steps.append(f"Take {PINNED_IMAGE} off the pod template, which rolls the pods.")
    if plain:
        steps.append("Restart them, so that new pods get the proxy of their control plane.")
    if bare:
        steps.append("Pods without a controller must be created again by hand.")
    owners = " ".join(_target(item) for item in workloads if item.kind != POD.name)
    undo = f"kubectl rollout undo {owners} -n {namespace}" if owners else "Nothing to undo."
    return {
        "restart": " ".join(steps),
        "restart_command": " && ".join(commands),
        "restart_undo": undo,
        "workloads": ", ".join(item.name for item in workloads),
    }
