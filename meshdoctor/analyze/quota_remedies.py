"""Commands that mend what a ResourceQuota or a LimitRange refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from meshdoctor.analyze.json_patches import replace_value
from meshdoctor.model.kinds import LIMIT_RANGE
from meshdoctor.model.pod import PROXY_CONTAINER
from meshdoctor.model.quantity import quantity, quantity_text
from meshdoctor.model.resource import as_mapping, as_strings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.analyze.pod_refusals import Refusal
    from meshdoctor.analyze.refusal_reasons import Limit, Quota
    from meshdoctor.model.resource import Resource

_GUESS = {"cpu": "500m", "memory": "256Mi", "ephemeral-storage": "1Gi"}
_PROXY_ANNOTATION = {
    ("limits", "cpu"): "sidecar.istio.io/proxyCPULimit",
    ("limits", "memory"): "sidecar.istio.io/proxyMemoryLimit",
    ("requests", "cpu"): "sidecar.istio.io/proxyCPU",
    ("requests", "memory"): "sidecar.istio.io/proxyMemory",
}
"""How a workload sets its sidecar's resources (istio.io, resource annotations)."""
_ROLLED = ("deployment", "statefulset", "daemonset")


def _parts(resource: str) -> tuple[str, str]:
    """``limits.cpu`` as ``limits`` and ``cpu``; a bare ``cpu`` means requests."""
    edge, found, name = resource.partition(".")
    return (edge, name) if found and edge in ("limits", "requests") else ("requests", resource)


def _default_limits(refusal: Refusal, resources: Iterable[str]) -> tuple[str, str]:
    """A LimitRange that gives every container of the namespace what it does not name itself."""
    limit: dict[str, dict[str, str]] = {}
    for resource in resources:
        edge, name = _parts(resource)
        key = "default" if edge == "limits" else "defaultRequest"
        limit.setdefault(key, {})[name] = _GUESS.get(name, "1")
    document = {
        "apiVersion": "v1",
        "kind": LIMIT_RANGE.name,
        "metadata": {"name": "container-defaults", "namespace": refusal.namespace},
        "spec": {"limits": [{"type": "Container", **limit}]},
    }
    return (
        f"echo '{json.dumps(document)}' | kubectl apply -f -",
        f"kubectl delete limitrange container-defaults -n {refusal.namespace}",
    )


def _annotate_proxy(refusal: Refusal, values: Mapping[str, str]) -> tuple[str, str]:
    """Set annotations of a pod template, and take them away again."""
    where = f"kubectl patch {refusal.target.replace('/', ' ')} -n {refusal.namespace} --type merge"

    def patch(chosen: Mapping[str, str | None]) -> str:
        template = {"metadata": {"annotations": dict(chosen)}}
        return f"{where} -p '{json.dumps({'spec': {'template': template}})}'"

    return patch(values), patch(dict.fromkeys(values))


def _name_resources(refusal: Refusal, reason: Quota) -> dict[str, str]:
    """Let the containers name what the quota counts."""
    own = [name for name in reason.containers if not name.startswith("istio-")]
    if refusal.target.partition("/")[0] not in _ROLLED or (reason.containers and not own):
        command, undo = _default_limits(refusal, reason.resources)
        return {
            "mend": "Give every container of the namespace a default (choose the values)",
            "mend_command": command,
            "mend_changes": "New pods of the namespace get these values where they name none.",
            "mend_undo": undo,
        }
    flags: dict[str, list[str]] = {}
    for resource in reason.resources:
        edge, name = _parts(resource)
        flags.setdefault(edge, []).append(f"{name}={_GUESS.get(name, '1')}")
    asked = " ".join(f"--{edge}={','.join(values)}" for edge, values in sorted(flags.items()))
    chosen = f"-c {','.join(own)} " if own else ""
    where = f"{refusal.target} -n {refusal.namespace}"
    return {
        "mend": "Let the workload's containers name what the quota counts (choose the values)",
        "mend_command": f"kubectl set resources {where} {chosen}{asked}",
        "mend_changes": f"The pod template of {refusal.workload}, so its pods are made anew.",
        "mend_undo": f"kubectl rollout undo {where}",
    }


def _shrink_proxy(refusal: Refusal, reason: Quota) -> dict[str, str]:
    """Let the sidecar ask for less: it is what injection adds to every pod's share."""
    found = [_PROXY_ANNOTATION.get(_parts(resource)) for resource in reason.resources]
    small = {"proxyCPULimit": "200m", "proxyCPU": "10m"}
    values = {key: small.get(key.partition("/")[2], "128Mi") for key in found if key is not None}
    if not values:
        look = f"kubectl describe resourcequota {reason.name} -n {refusal.namespace}"
        return {
            "mend": "See what takes up the quota, and let go of what is not needed",
            "mend_command": look,
            "mend_changes": "Nothing; it shows what is used of what there is.",
            "mend_undo": "nothing to undo, this only reads",
        }
    command, undo = _annotate_proxy(refusal, values)
    return {
        "mend": "Let the sidecar ask for less (choose the values); it counts in every pod",
        "mend_command": command,
        "mend_changes": f"The pod template of {refusal.workload}; {PROXY_CONTAINER} gets less.",
        "mend_undo": undo,
    }


def _new_hard(quota: Resource, reason: Quota) -> dict[str, str]:
    """What the quota would have to allow, by resource."""
    hard = as_mapping(quota.spec.get("hard"))
    used = as_mapping(quota.status.get("used"))
    wanted = {}
    for resource in reason.resources:
        now, taken = quantity(hard.get(resource)), quantity(used.get(resource))
        asked = quantity(reason.requested.get(resource))
        if now is None or taken is None:
            continue
        least = taken + asked if asked is not None else max(now, taken) * 2
        wanted[resource] = quantity_text(max(least, now))
    return wanted


def _is_full(quota: Resource, resource: str) -> bool:
    """Whether nothing is left of a resource."""
    hard = quantity(as_mapping(quota.spec.get("hard")).get(resource))
    used = quantity(as_mapping(quota.status.get("used")).get(resource))
    return hard is not None and used is not None and used >= hard


def quota_remedy(refusal: Refusal, reason: Quota, quota: Resource | None) -> dict[str, str]:
    """Words and commands for a ResourceQuota: what to do first, and how to give more."""
    fills = (
        _shrink_proxy(refusal, reason) if reason.is_used_up else _name_resources(refusal, reason)
    )
    wanted = _new_hard(quota, reason) if quota is not None else {}
    name = quota.name if quota is not None else reason.name
    where = f"kubectl patch resourcequota {name} -n {refusal.namespace} --type merge -p"
    if quota is None or not wanted:
        show = f"kubectl get resourcequota {reason.name} -n {refusal.namespace} -o yaml"
        return {
            **fills,
            "raise_do": "See what the quota allows.",
            "raise_command": show,
            "raise_undo": "nothing to undo, this only reads",
        }
    both = not reason.is_used_up and any(_is_full(quota, name) for name in reason.resources)
    old = {name: as_strings(quota.spec.get("hard")).get(name) for name in wanted}
    return {
        **fills,
        "raise_do": "And let the namespace have more: the quota is used up as well."
        if both
        else "Or let the namespace have more.",
        "raise_command": f"{where} '{json.dumps({'spec': {'hard': wanted}})}'",
        "raise_undo": f"{where} '{json.dumps({'spec': {'hard': old}})}'",
    }


def limit_remedy(
    refusal: Refusal, reason: Limit, found: tuple[Resource, tuple[str | int, ...]] | None
) -> dict[str, str]:
    """Words and commands for a LimitRange: let the sidecar fit, or move the bound."""
    edge = "limits" if reason.edge == "max" else "requests"
    annotation = _PROXY_ANNOTATION.get((edge, reason.resource))
    values = {annotation: reason.bound} if annotation else {}
    look = f"kubectl describe limitrange -n {refusal.namespace}"
    fills = {
        "mend": "See which bounds there are, and what the containers ask for",
        "mend_command": look,
        "mend_changes": "Nothing; it shows the bounds.",
        "mend_undo": "nothing to undo, this only reads",
        "raise_do": "Or move the bound.",
        "raise_command": look,
        "raise_undo": "nothing to undo, this only reads",
    }
    if values and refusal.target.partition("/")[0] in _ROLLED:
        fills["mend_command"], fills["mend_undo"] = _annotate_proxy(refusal, values)
        fills["mend"] = "Let the sidecar keep within the bound (its default limits are 2 CPU, 1Gi)"
        fills["mend_changes"] = f"The pod template of {refusal.workload}; the sidecar's {edge}."
    if found is not None:
        bound = quantity(reason.bound)
        doubled = bound * 2 if bound is not None and reason.edge != "min" else (bound or 0) / 4
        forth, back = replace_value(found[0], found[1], quantity_text(doubled))
        fills["raise_command"], fills["raise_undo"] = forth, back
    return fills
