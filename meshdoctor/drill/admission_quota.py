"""LimitRange defaults and ResourceQuota, as their admission plugins apply them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.drill.objects import LIMIT_RANGES, PODS, QUOTAS, Objects, spec_of, status_of
from meshdoctor.drill.pods import is_live
from meshdoctor.model.quantity import quantity, quantity_text
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.serve.object_store import Object

_SHORT = {"cpu": "requests.cpu", "memory": "requests.memory"}
"""What a quota calls without an edge is a request."""


def with_default_limits(objects: Objects, pod: Object) -> dict[str, Any]:
    """A pod whose containers have the defaults of the namespace's LimitRanges."""
    namespace = name_of(pod)[0]
    limits: dict[str, Any] = {}
    requests: dict[str, Any] = {}
    for one in objects.all(LIMIT_RANGES, namespace):
        for entry in map(as_mapping, as_list(spec_of(one).get("limits"))):
            if entry.get("type") == "Container":
                limits |= as_mapping(entry.get("default"))
                requests |= as_mapping(entry.get("defaultRequest"))
    if not limits and not requests:
        return dict(pod)
    spec = dict(spec_of(pod))
    for key in ("initContainers", "containers"):
        if key in spec:
            spec[key] = [_filled(one, limits, requests) for one in as_list(spec[key])]
    return {**pod, "spec": spec}


def _filled(
    container: Mapping[str, Any], limits: dict[str, Any], requests: dict[str, Any]
) -> dict[str, Any]:
    own = as_mapping(container.get("resources"))
    bounded = {**limits, **as_mapping(own.get("limits"))}
    # A limit without a request is a request as well.
    asked = {**bounded, **requests, **as_mapping(own.get("requests"))}
    return {**container, "resources": {**own, "limits": bounded, "requests": asked}}


def _of_container(container: Mapping[str, Any], edge: str, name: str) -> object:
    resources = as_mapping(container.get("resources"))
    value = as_mapping(resources.get(edge)).get(name)
    if value is None and edge == "requests":
        return as_mapping(resources.get("limits")).get(name)
    return value


def _asked(pod: Object, edge: str, name: str) -> float:
    """How much a pod asks for: the sum of what runs, or its hungriest step of starting."""
    spec = spec_of(pod)

    def amount(container: Mapping[str, Any]) -> float:
        return quantity(_of_container(container, edge, name)) or 0.0

    init = [as_mapping(one) for one in as_list(spec.get("initContainers"))]
    staying = sum(amount(one) for one in init if one.get("restartPolicy") == "Always")
    running = staying + sum(amount(as_mapping(one)) for one in as_list(spec.get("containers")))
    return max([running, *(amount(one) for one in init)])


def _amount(pod: Object, resource: str) -> float:
    if resource in ("pods", "count/pods"):
        return 1.0
    edge, _, name = _SHORT.get(resource, resource).partition(".")
    return _asked(pod, edge, name) if edge in ("requests", "limits") else 0.0


def _unnamed(pod: Object, resource: str) -> list[str]:
    """Containers that do not say how much, where a quota counts it."""
    edge, _, name = _SHORT.get(resource, resource).partition(".")
    if edge not in ("requests", "limits") or name not in ("cpu", "memory"):
        return []
    spec = spec_of(pod)
    every = [*as_list(spec.get("containers")), *as_list(spec.get("initContainers"))]
    return [str(one.get("name")) for one in every if _of_container(one, edge, name) is None]


def used(objects: Objects, namespace: str, resource: str) -> float:
    """How much the live pods of a namespace take of a resource."""
    return sum(_amount(pod, resource) for pod in objects.all(PODS, namespace) if is_live(pod))


def quota_refusal(objects: Objects, namespace: str, pod: Object) -> str | None:
    """Why a quota keeps a pod out; None where it lets it in.

    Args:
        objects: what there is.
        namespace: the pod's.
        pod: after injection.
    """
    for quota in objects.all(QUOTAS, namespace):
        hard, name = as_mapping(spec_of(quota).get("hard")), name_of(quota)[1]
        unnamed = {one: names for one in sorted(hard) if (names := _unnamed(pod, one))}
        if unnamed:
            each = "; ".join(f"{one} for: {','.join(names)}" for one, names in unnamed.items())
            return f"failed quota: {name}: must specify {each}"
        over = [one for one in sorted(hard) if _exceeds(objects, namespace, pod, one, hard[one])]
        if over:
            asked = ",".join(f"{one}={quantity_text(_amount(pod, one))}" for one in over)
            taken = ",".join(
                f"{one}={quantity_text(used(objects, namespace, one))}" for one in over
            )
            most = ",".join(f"{one}={hard[one]}" for one in over)
            words = f"requested: {asked}, used: {taken}, limited: {most}"
            return f"exceeded quota: {name}, {words}"
    return None


def _exceeds(objects: Objects, namespace: str, pod: Object, resource: str, most: object) -> bool:
    bound, asked = quantity(most), _amount(pod, resource)
    return bound is not None and asked > 0 and used(objects, namespace, resource) + asked > bound


def counted(objects: Objects, quota: Object) -> dict[str, Any] | None:
    """A quota with what is used of it now; None where its status says so already."""
    namespace = name_of(quota)[0]
    hard = as_mapping(spec_of(quota).get("hard"))
    status = status_of(quota)
    known = [
        one for one in hard if one in ("pods", "count/pods") or "cpu" in one or "memory" in one
    ]
    before = as_mapping(status.get("used"))
    now = {one: used(objects, namespace, one) for one in known}
    same = all(quantity(before.get(one)) == amount for one, amount in now.items())
    if same and as_mapping(status.get("hard")) == hard:
        return None
    written = {one: quantity_text(amount) for one, amount in now.items()}
    return {**quota, "status": {"hard": dict(hard), "used": {**before, **written}}}
