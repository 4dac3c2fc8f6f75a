"""Evidence from a pod: its containers, where a proxy is lacking, and whether it is ready."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.model.pod import containers
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource

_MOST_SHOWN = 4


def container_names(pod: Resource) -> tuple[Evidence, ...]:
    """The name of each container, the first few, with the command that lists all of them."""
    names = "{.spec.initContainers[*].name} {.spec.containers[*].name}"
    command = f"kubectl get pod {pod.name} -n {pod.namespace} -o jsonpath='{names}'"
    return tuple(
        replace(pod.evidence(*path, "name"), command=command)
        for path, item in list(containers(pod))[:_MOST_SHOWN]
        if item.get("name")
    )


def containers_text(pod: Resource) -> str:
    """Which containers a pod has, for a sentence."""
    names = [str(item.get("name")) for _, item in containers(pod)]
    if len(names) == 1:
        return f"its only container is {names[0]}"
    return f"its containers are {', '.join(names)}"


def ready_evidence(pod: Resource) -> Evidence:
    """The status of a pod's Ready condition; of its first condition where it has none."""
    for index, value in enumerate(as_list(pod.status.get("conditions"))):
        if as_mapping(value).get("type") == "Ready":
            return pod.evidence("status", "conditions", index, "status")
    return pod.evidence("status", "conditions", 0, "status")
