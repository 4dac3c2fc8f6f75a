"""Does a ResourceQuota or a LimitRange keep pods from being created?

Every injected pod asks for its sidecar's share as well, so quotas run out sooner in a mesh, and a
bound that fits the application may not fit the sidecar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, silent, unread, workload_subject
from meshdoctor.analyze.pod_refusals import refusals
from meshdoctor.analyze.quota_remedies import limit_remedy, quota_remedy
from meshdoctor.analyze.refusal_reasons import Limit, Quota, reason_of
from meshdoctor.analyze.refused_workloads import (
    REFUSAL_KINDS,
    at_destinations,
    not_the_reason,
    refused_fact,
    still_served_words,
    sufferer,
)
from meshdoctor.model.finding import Finding, Outcome, Severity
from meshdoctor.model.kinds import LIMIT_RANGE, RESOURCE_QUOTA
from meshdoctor.model.quantity import quantity
from meshdoctor.model.resource import as_list, as_mapping, object_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.pod_refusals import Refusal
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

REFUSED = "MD0321"
_FACT = "quota-stands"
_Bound = tuple["Resource", tuple[str | int, ...]]


def _amounts(quota: Resource, resources: tuple[str, ...]) -> str:
    """How much of each resource is used, for a sentence."""
    hard = as_mapping(quota.status.get("hard")) or as_mapping(quota.spec.get("hard"))
    used = as_mapping(quota.status.get("used"))
    found = [f"{used[r]} of {hard[r]} {r}" for r in resources if r in used and r in hard]
    return ", ".join(found)


def _quota_fact(mesh: Snapshot, quota: Resource | None, reason: Quota) -> Fact:
    if quota is None:
        if mesh.catalog.known(RESOURCE_QUOTA):
            return silent(_FACT, f"ResourceQuota {reason.name} is not there any more")
        return unread(_FACT, "ResourceQuotas were not read")
    counted = [name for name in reason.resources if quota.get("spec", "hard", name) is not None]
    if not counted:
        text = f"{quota} counts {', '.join(reason.resources)} no more"
        return silent(_FACT, text, quota.evidence("spec", "hard"))
    text = f"{quota} counts {', '.join(counted)}"
    if amounts := _amounts(quota, tuple(counted)):
        text += f"; used: {amounts}"
    shown = [quota.evidence("spec", "hard", name) for name in counted]
    shown += [quota.evidence("status", "used", name) for name in counted]
    return holds(_FACT, text, *shown)


def _has_room(quota: Resource, reason: Quota) -> bool:
    """Whether what was refused would fit now."""
    hard = as_mapping(quota.spec.get("hard"))
    used = as_mapping(quota.status.get("used"))
    for resource, asked in reason.requested.items():
        most, taken, more = (
            quantity(value) for value in (hard.get(resource), used.get(resource), asked)
        )
        if most is None or taken is None or more is None or taken + more > most:
            return False
    return bool(reason.requested)


def _is_mended(mesh: Snapshot, quota: Resource | None, reason: Quota) -> bool:
    """Whether the quota that refused is gone, counts other things now, or has room again."""
    if quota is None:
        return mesh.catalog.known(RESOURCE_QUOTA)
    hard = as_mapping(quota.spec.get("hard"))
    return not any(name in hard for name in reason.resources) or _has_room(quota, reason)


def _quota_words(reason: Quota, quota: Resource | None) -> str:
    names = ", ".join(reason.resources)
    if reason.is_used_up:
        asked = ", ".join(f"{value} {name}" for name, value in reason.requested.items())
        left = _amounts(quota, reason.resources) if quota is not None else ""
        return f"too little is left for the {asked} that a pod asks for" + (
            f" (used: {left})" if left else ""
        )
    whose = f", and {', '.join(reason.containers)} names none" if reason.containers else ""
    text = f"it wants every container to name {names}{whose}"
    if quota is not None and (amounts := _amounts(quota, reason.resources)):
        text += f" (used: {amounts})"
    return text


def _standing(mesh: Snapshot, namespace: str, reason: Quota) -> Resource | None:
    """The quota that refused; where it is gone, another that would refuse the same now."""
    named = mesh.catalog.find(RESOURCE_QUOTA, namespace, reason.name)
    if named is not None:
        return named
    for item in mesh.catalog.within(RESOURCE_QUOTA, namespace):
        hard = as_mapping(item.spec.get("hard"))
        if any(name in hard for name in reason.resources) and not _has_room(item, reason):
            return item
    return None


def _of_quota(mesh: Snapshot, refusal: Refusal, reason: Quota) -> Finding:
    quota = _standing(mesh, refusal.namespace, reason)
    name = object_text(
        RESOURCE_QUOTA.name, refusal.namespace, quota.name if quota is not None else reason.name
    )
    fact = _quota_fact(mesh, quota, reason)
    return _refused(
        mesh,
        refusal,
        name,
        _quota_words(reason, quota),
        fact,
        quota_remedy(refusal, reason, quota),
        mended=_is_mended(mesh, quota, reason),
    )


def _bounds(mesh: Snapshot, namespace: str, reason: Limit) -> Iterator[_Bound]:
    """The LimitRange entries of a namespace that set such a bound, with their paths."""
    for item in mesh.catalog.within(LIMIT_RANGE, namespace):
        for index, value in enumerate(as_list(item.spec.get("limits"))):
            entry = as_mapping(value)
            bound = as_mapping(entry.get(reason.edge)).get(reason.resource)
            if entry.get("type") == reason.type and bound is not None:
                yield item, ("spec", "limits", index, reason.edge, reason.resource)


def _of_limit(mesh: Snapshot, refusal: Refusal, reason: Limit) -> Finding:
    bounds = list(_bounds(mesh, refusal.namespace, reason))
    exact = [b for b in bounds if quantity(b[0].get(*b[1])) == quantity(reason.bound)]
    found = next(iter(exact or bounds), None)
    edge = {"max": "at most", "min": "at least"}.get(reason.edge, "a limit-to-request ratio of")
    unit = "container" if reason.type == "Container" else "pod"
    words = f"it allows {edge} {reason.bound} {reason.resource} for each {unit}, sidecar included"
    if found is not None:
        fact = holds(_FACT, f"{found[0]}: {words}", found[0].evidence(*found[1]))
    elif mesh.catalog.known(LIMIT_RANGE):
        fact = silent(_FACT, "No LimitRange of the namespace sets such a bound any more")
    else:
        fact = unread(_FACT, "LimitRanges were not read")
    name = str(found[0]) if found is not None else refusal.workload
    mended = (not exact) if mesh.catalog.known(LIMIT_RANGE) else False
    return _refused(
        mesh, refusal, name, words, fact, limit_remedy(refusal, reason, found), mended=mended
    )


def _refused(
    mesh: Snapshot,
    refusal: Refusal,
    at_fault: str,
    words: str,
    fact: Fact,
    remedy: dict[str, str],
    *,
    mended: bool,
) -> Finding:
    message = f"Pods of {refusal.workload} are refused by {at_fault}: {words}"
    if mended:
        message += "; that bound does not stand any more, so the next try will succeed"
    return Finding(
        code=REFUSED,
        subject=workload_subject(refusal.workload),
        outcome=Outcome.FAIL,
        message=message,
        resource=refusal.workload,
        objects=tuple(dict.fromkeys((at_fault, refusal.workload))),
        facts=(refused_fact(refusal), fact),
        affected=sufferer(refusal),
        severity=Severity.INFO if mended else None,
        root=not mended,
        fills={
            "words": words,
            "served": still_served_words(mesh, refusal),
            "space": refusal.namespace,
            "workload": refusal.workload,
            "target": refusal.target,
            **remedy,
        },
    )


@dataclass(frozen=True, slots=True)
class ResourceQuotaAnalyzer:
    """Reads refusals of the ResourceQuota and LimitRanger admission plugins."""

    name: str = "resource-quota"
    description: str = "Quotas and limits leave room for the pods that workloads want"
    inputs: tuple[str, ...] = (
        RESOURCE_QUOTA.input,
        LIMIT_RANGE.input,
        *(kind.input for kind in REFUSAL_KINDS),
    )
    codes: tuple[str, ...] = (REFUSED,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each refused workload."""
        for refusal in refusals(mesh):
            reason = reason_of(refusal)
            if isinstance(reason, Quota):
                yield from at_destinations(mesh, _of_quota(mesh, refusal, reason), refusal)
            elif isinstance(reason, Limit):
                yield from at_destinations(mesh, _of_limit(mesh, refusal, reason), refusal)
            else:
                message = f"The refusal of {refusal.workload}'s pods speaks of no quota or limit"
                yield not_the_reason(REFUSED, refusal, message)


ANALYZER = ResourceQuotaAnalyzer()
