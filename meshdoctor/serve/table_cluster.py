"""The rows of nodes, namespaces, events, configuration and registrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.durations import UNKNOWN, age
from meshdoctor.serve.table_columns import (
    NONE,
    Cells,
    Object,
    Printer,
    at,
    created,
    items_at,
    joined,
    name_of,
    number_at,
)

if TYPE_CHECKING:
    from datetime import datetime

    from meshdoctor.serve.resource_type import Key

_ROLE, _OLD_ROLE = "node-role.kubernetes.io/", "kubernetes.io/role"


def _node_status(item: Object) -> str:
    ready = [one for one in items_at(item, "status", "conditions") if one.get("type") == "Ready"]
    words = ["Ready" if one.get("status") == "True" else "NotReady" for one in ready] or ["Unknown"]
    if at(item, "spec", "unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _roles(item: Object) -> str:
    labels = as_mapping(at(item, "metadata", "labels"))
    roles = {key.removeprefix(_ROLE) for key in labels if key.startswith(_ROLE)}
    if labels.get(_OLD_ROLE):
        roles.add(str(labels[_OLD_ROLE]))
    return joined(sorted(role for role in roles if role))


def _node(item: Object, now: datetime) -> Cells:
    addresses: dict[str, str] = {}
    for one in items_at(item, "status", "addresses"):
        addresses.setdefault(str(one.get("type")), str(one.get("address")))
    info = as_mapping(at(item, "status", "nodeInfo"))
    return [
        name_of(item),
        _node_status(item),
        _roles(item),
        created(item, now),
        info.get("kubeletVersion") or "",
        addresses.get("InternalIP", NONE),
        addresses.get("ExternalIP", NONE),
        info.get("osImage") or UNKNOWN,
        info.get("kernelVersion") or UNKNOWN,
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _namespace(item: Object, now: datetime) -> Cells:
    return [name_of(item), at(item, "status", "phase") or "", created(item, now)]


def _source(item: Object) -> str:
    source = as_mapping(item.get("source"))
    component = source.get("component") or item.get("reportingComponent") or ""
    host = source.get("host") or ""
    return ", ".join(word for word in (component, host) if word)


def _event(item: Object, now: datetime) -> Cells:
    involved = as_mapping(item.get("involvedObject"))
    first = item.get("firstTimestamp") or item.get("eventTime")
    last = at(item, "series", "lastObservedTime") or item.get("lastTimestamp") or first
    kind, name = str(involved.get("kind") or "").lower(), involved.get("name") or ""
    return [
        age(last, now),
        item.get("type") or "",
        item.get("reason") or "",
        f"{kind}/{name}" if kind else name,
        involved.get("fieldPath") or "",
        _source(item),
        str(item.get("message") or item.get("note") or "").strip(),
        age(first, now),
        number_at(item, "series", "count") or number_at(item, "count") or 1,
        name_of(item),
    ]


def _secret(item: Object, now: datetime) -> Cells:
    data = as_mapping(item.get("data"))
    return [name_of(item), item.get("type") or "Opaque", len(data), created(item, now)]


def _config_map(item: Object, now: datetime) -> Cells:
    number = len(as_mapping(item.get("data"))) + len(as_mapping(item.get("binaryData")))
    return [name_of(item), number, created(item, now)]


def _service_account(item: Object, now: datetime) -> Cells:
    return [name_of(item), len(as_list(item.get("secrets"))), created(item, now)]


def _webhooks(item: Object, now: datetime) -> Cells:
    return [name_of(item), len(as_list(item.get("webhooks"))), created(item, now)]


def _created_at(item: Object, now: datetime) -> Cells:
    return [name_of(item), at(item, "metadata", "creationTimestamp") or UNKNOWN]


def _quota(item: Object, now: datetime) -> Cells:
    hard = as_mapping(at(item, "status", "hard"))
    used = as_mapping(at(item, "status", "used"))
    shown = {name: f"{name}: {used.get(name, 0)}/{hard[name]}" for name in sorted(hard)}
    limits = [text for name, text in shown.items() if name.startswith("limits.")]
    requests = [text for name, text in shown.items() if not name.startswith("limits.")]
    return [name_of(item), ", ".join(requests), ", ".join(limits), created(item, now)]


_COUNTED_WEBHOOKS = Printer(("Name", "Webhooks#", "Age"), _webhooks)
CLUSTER_PRINTERS: dict[Key, Printer] = {
    ("", "nodes"): Printer(
        (
            "Name",
            "Status",
            "Roles",
            "Age",
            "Version",
            "Internal-IP+",
            "External-IP+",
            "OS-Image+",
            "Kernel-Version+",
            "Container-Runtime+",
        ),
        _node,
    ),
    ("", "namespaces"): Printer(("Name", "Status", "Age"), _namespace),
    ("", "events"): Printer(
        (
            "Last Seen",
            "Type",
            "Reason",
            "Object",
            "Subobject+",
            "Source+",
            "Message",
            "First Seen+",
            "Count#+",
            "Name+",
        ),
        _event,
    ),
    ("", "secrets"): Printer(("Name", "Type", "Data#", "Age"), _secret),
    ("", "configmaps"): Printer(("Name", "Data#", "Age"), _config_map),
    ("", "serviceaccounts"): Printer(("Name", "Secrets#", "Age"), _service_account),
    ("", "resourcequotas"): Printer(("Name", "Request", "Limit", "Age"), _quota),
    ("", "limitranges"): Printer(("Name", "Created At"), _created_at),
    ("apiextensions.k8s.io", "customresourcedefinitions"): Printer(
        ("Name", "Created At"), _created_at
    ),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"): _COUNTED_WEBHOOKS,
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations"): _COUNTED_WEBHOOKS,
}
