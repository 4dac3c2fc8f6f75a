"""Commands that give a workload's proxies more memory, and take it back.

The injector builds the proxy's resources from the pod's annotations alone once one of them is set
(the sidecar template of Istio's istiod chart), so all four are written.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from meshdoctor.analyze.injection_commands import restart_command
from meshdoctor.analyze.memory_kills import Limit, binary_text
from meshdoctor.analyze.upgrade_outdated import template_annotations
from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import PROXY_CONTAINER, container_path
from meshdoctor.model.resource import as_list, as_mapping, as_strings

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.workload import Workload

_PREFIX = "sidecar.istio.io/"
_SMALLEST = 256 * 2**20


def _writes_proxy_itself(workload: Workload) -> bool:
    """Whether the template has the proxy's container: a gateway's chart, or istiod's own."""
    spec = (
        as_mapping(workload.resource.get("spec", "template", "spec")) if workload.resource else {}
    )
    return any(
        as_mapping(item).get("name") == PROXY_CONTAINER for item in as_list(spec.get("containers"))
    )


def _annotations(pod: Resource, new: str) -> dict[str, str]:
    path = container_path(pod, PROXY_CONTAINER) or ()
    limits = as_strings(pod.get(*path, "resources", "limits"))
    requests = as_strings(pod.get(*path, "resources", "requests"))
    wanted = {"proxyMemory": requests.get("memory") or new, "proxyMemoryLimit": new}
    if "cpu" in requests:
        wanted["proxyCPU"] = requests["cpu"]
    if "cpu" in limits:
        wanted["proxyCPULimit"] = limits["cpu"]
    return {_PREFIX + key: value for key, value in wanted.items()}


def _patch(workload: Workload, annotations: dict[str, str | None]) -> str:
    body = json.dumps({"spec": {"template": {"metadata": {"annotations": annotations}}}})
    kind = workload.kind.lower()
    return f"kubectl patch {kind} {workload.name} -n {workload.namespace} --type merge -p '{body}'"


def limit_fills(workload: Workload, pod: Resource, limit: Limit | None) -> dict[str, str]:
    """The words of the fix: the command, what it changes and how to undo it.

    Args:
        workload: whose proxies need more.
        pod: one of its pods.
        limit: the proxy's memory limit; None when it has none.
    """
    new = binary_text(max(2 * limit.bytes, _SMALLEST) if limit else _SMALLEST)
    rolls = f"Sets the proxy's memory limit to {new}; the pods are replaced one by one."
    if _writes_proxy_itself(workload):
        target = f"{workload.kind.lower()}/{workload.name} -n {workload.namespace}"
        command = f"kubectl set resources {target} -c {PROXY_CONTAINER} --limits=memory="
        before = limit.text if limit else "0"
        return {"more": command + new, "more_changes": rolls, "more_undo": command + before}
    if workload.kind == POD.name or workload.resource is None:
        return {
            "more": restart_command([workload]),
            "more_changes": f"Makes the pods anew. Write the annotation {_PREFIX}proxyMemoryLimit "
            f"({new}) into what makes them first.",
            "more_undo": "Take the annotation out and make the pods anew.",
        }
    wanted = _annotations(pod, new)
    known = template_annotations(workload)
    return {
        "more": _patch(workload, dict(wanted)),
        "more_changes": f"{rolls} The proxy's other resources stay as they are.",
        "more_undo": _patch(workload, {key: known.get(key) for key in wanted}),
    }
