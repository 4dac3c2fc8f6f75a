"""The rows of workloads and of what scales them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.resource import as_mapping, parse_time
from meshdoctor.serve.durations import human_duration
from meshdoctor.serve.table_columns import (
    NONE,
    Cells,
    Object,
    Printer,
    at,
    created,
    items_at,
    joined,
    labels_text,
    name_of,
    number_at,
    selector_text,
    template_cells,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from meshdoctor.serve.resource_type import Key

_UNKNOWN = "<unknown>"


def _wanted(item: Object) -> int:
    """Replicas in the spec; the API server's default is one."""
    value = at(item, "spec", "replicas")
    return value if isinstance(value, int) else 1


def _deployment(item: Object, now: datetime) -> Cells:
    ready, status = number_at(item, "status", "readyReplicas"), at(item, "status")
    return [
        name_of(item),
        f"{ready}/{_wanted(item)}",
        number_at(status, "updatedReplicas"),
        number_at(status, "availableReplicas"),
        created(item, now),
        *template_cells(item),
        selector_text(at(item, "spec", "selector")),
    ]


def _replica_set(item: Object, now: datetime) -> Cells:
    return [
        name_of(item),
        _wanted(item),
        number_at(item, "status", "replicas"),
        number_at(item, "status", "readyReplicas"),
        created(item, now),
        *template_cells(item),
        selector_text(at(item, "spec", "selector")),
    ]


def _stateful_set(item: Object, now: datetime) -> Cells:
    ready = number_at(item, "status", "readyReplicas")
    return [name_of(item), f"{ready}/{_wanted(item)}", created(item, now), *template_cells(item)]


def _daemon_set(item: Object, now: datetime) -> Cells:
    status = at(item, "status")
    return [
        name_of(item),
        number_at(status, "desiredNumberScheduled"),
        number_at(status, "currentNumberScheduled"),
        number_at(status, "numberReady"),
        number_at(status, "updatedNumberScheduled"),
        number_at(status, "numberAvailable"),
        labels_text(at(item, "spec", "template", "spec", "nodeSelector")),
        created(item, now),
        *template_cells(item),
        selector_text(at(item, "spec", "selector")),
    ]


def _job_status(item: Object) -> str:
    held = {
        str(one.get("type"))
        for one in items_at(item, "status", "conditions")
        if one.get("status") == "True"
    }
    if "Complete" in held:
        return "Complete"
    if "Failed" in held:
        return "Failed"
    if at(item, "metadata", "deletionTimestamp"):
        return "Terminating"
    for name in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if name in held:
            return name
    return "Running"


def _job(item: Object, now: datetime) -> Cells:
    done = number_at(item, "status", "succeeded")
    wanted = at(item, "spec", "completions")
    if wanted is None:
        parallel = number_at(item, "spec", "parallelism")
        wanted = f"1 of {parallel}" if parallel > 1 else 1
    start, end = (parse_time(at(item, "status", key)) for key in ("startTime", "completionTime"))
    return [
        name_of(item),
        _job_status(item),
        f"{done}/{wanted}",
        human_duration((end or now) - start) if start else "",
        created(item, now),
        *template_cells(item),
        selector_text(at(item, "spec", "selector")),
    ]


def _metric(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    """One target of a HorizontalPodAutoscaler, of the common kind ``Resource``."""
    source = str(spec.get("type") or "")
    part = source[:1].lower() + source[1:]
    target = as_mapping(at(spec, part, "target"))
    current = as_mapping(at(status, part, "current"))
    if target.get("averageUtilization") is not None:
        now = current.get("averageUtilization")
        text = f"{_UNKNOWN if now is None else f'{now}%'}/{target['averageUtilization']}%"
    else:
        wanted = target.get("averageValue") or target.get("value") or "<auto>"
        now = current.get("averageValue") or current.get("value") or _UNKNOWN
        text = f"{now}/{wanted}"
    return f"{at(spec, 'resource', 'name')}: {text}" if source == "Resource" else text


def _autoscaler(item: Object, now: datetime) -> Cells:
    reference = as_mapping(at(item, "spec", "scaleTargetRef"))
    wanted = items_at(item, "spec", "metrics")
    current = items_at(item, "status", "currentMetrics")
    shown = [
        _metric(one, current[index] if index < len(current) else {})
        for index, one in enumerate(wanted[:2])
    ]
    more = f" + {len(wanted) - 2} more..." if len(wanted) > 2 else ""
    least = at(item, "spec", "minReplicas")
    return [
        name_of(item),
        f"{reference.get('kind')}/{reference.get('name')}",
        ", ".join(shown) + more or NONE,
        "<unset>" if least is None else str(least),
        number_at(item, "spec", "maxReplicas"),
        number_at(item, "status", "currentReplicas"),
        created(item, now),
    ]


def _pod_metrics(item: Object, now: datetime) -> Cells:
    return [
        name_of(item),
        joined((at(one, "usage", "cpu") for one in items_at(item, "containers")), ""),
        joined((at(one, "usage", "memory") for one in items_at(item, "containers")), ""),
        str(item.get("window") or ""),
    ]


def _node_metrics(item: Object, now: datetime) -> Cells:
    usage = as_mapping(item.get("usage"))
    return [
        name_of(item),
        str(usage.get("cpu") or ""),
        str(usage.get("memory") or ""),
        str(item.get("window") or ""),
    ]


_METRICS = ("Name", "CPU", "Memory", "Window")
_TEMPLATE = ("Containers+", "Images+")
WORKLOAD_PRINTERS: dict[Key, Printer] = {
    ("apps", "deployments"): Printer(
        ("Name", "Ready", "Up-to-date#", "Available#", "Age", *_TEMPLATE, "Selector+"), _deployment
    ),
    ("apps", "replicasets"): Printer(
        ("Name", "Desired#", "Current#", "Ready#", "Age", *_TEMPLATE, "Selector+"), _replica_set
    ),
    ("apps", "statefulsets"): Printer(("Name", "Ready", "Age", *_TEMPLATE), _stateful_set),
    ("apps", "daemonsets"): Printer(
        (
            "Name",
            "Desired#",
            "Current#",
            "Ready#",
            "Up-to-date#",
            "Available#",
            "Node Selector",
            "Age",
            *_TEMPLATE,
            "Selector+",
        ),
        _daemon_set,
    ),
    ("batch", "jobs"): Printer(
        ("Name", "Status", "Completions", "Duration", "Age", *_TEMPLATE, "Selector+"), _job
    ),
    ("autoscaling", "horizontalpodautoscalers"): Printer(
        ("Name", "Reference", "Targets", "MinPods", "MaxPods#", "Replicas#", "Age"), _autoscaler
    ),
    ("metrics.k8s.io", "pods"): Printer(_METRICS, _pod_metrics),
    ("metrics.k8s.io", "nodes"): Printer(_METRICS, _node_metrics),
}
