"""Objects compared: those of people by field, those of controllers by what they amount to."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import yaml

from meshdoctor.diff.change import Change, ObjectChange
from meshdoctor.diff.fields import comparable, field_changes
from meshdoctor.model import kinds
from meshdoctor.model.pod import is_finished, is_ready, is_terminating
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from meshdoctor.model.kinds import Kind
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_BY_WORKLOAD = kinds.POD
_LEFT_OUT = (kinds.EVENT, kinds.NODE, kinds.ENDPOINTS, kinds.REPLICA_SET, kinds.SERVICE_ACCOUNT)
"""They change by themselves, or repeat what a Deployment or an EndpointSlice says."""
COMPARED = tuple(kind for kind in kinds.ALL if kind not in _LEFT_OUT)
_CONTROLLERS = (kinds.POD, kinds.ENDPOINT_SLICE)
_ROOT_CERTIFICATE = "istio-ca-root-cert"
"""istiod writes it into every namespace."""
_READ_BY_NAME = (kinds.CONFIG_MAP, kinds.SECRET)
_NAMING = (kinds.GATEWAY, kinds.KUBERNETES_GATEWAY, kinds.DESTINATION_RULE)
_ISTIOS_OWN = re.compile(
    r"istio|istio-(?!ca-crl|leader|namespace-controller).*|cacerts|values(?:-.*)?"
)
"""ConfigMaps and Secrets of the control plane, which every recorder asks for."""
_LOCKS = re.compile(r".*(?:-leader(?:-election)?|-election|^istio-leader)$")
_WORD = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_MOST_WORDS = 400
_ANCHOR = re.compile(r"(?:^|[\s\[{:,-])[&*][A-Za-z0-9_-]", re.MULTILINE)
_LONGEST_TEXT = 100_000
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def object_changes(old: Snapshot, new: Snapshot) -> tuple[ObjectChange, ...]:
    """Every object that is new, gone or different, of the kinds that both sides read.

    Args:
        old: the mesh before.
        new: the mesh after.
    """
    found: list[ObjectChange] = []
    for kind in COMPARED:
        if old.catalog.known(kind) and new.catalog.known(kind):
            compare = _pods if kind is _BY_WORKLOAD else _of_kind
            found += compare(old, new, kind)
    return tuple(sorted(found, key=lambda item: (item.derived, item.object)))


def _of_kind(old: Snapshot, new: Snapshot, kind: Kind) -> Iterator[ObjectChange]:
    before = {(item.namespace, item.name): item for item in old.catalog.of(kind)}
    after = {(item.namespace, item.name): item for item in new.catalog.of(kind)}
    asked = _named_by_gateways(old, new) if kind in _READ_BY_NAME else frozenset()
    for key in sorted({*before, *after}):
        was, now = before.get(key), after.get(key)
        if _is_lock(kind, key[1]):
            continue
        # One that nobody asked for is absent from a recording, not from the cluster.
        by_name = kind in _READ_BY_NAME and (was is None or now is None)
        if by_name and not _ISTIOS_OWN.fullmatch(key[1]) and key[1] not in asked:
            continue
        if was is None and now is not None:
            yield _whole(now, Change.ADDED)
        elif now is None and was is not None:
            yield _whole(was, Change.REMOVED)
        elif was is not None and now is not None:
            yield from _changed(was, now)


def _named_by_gateways(*meshes: Snapshot) -> frozenset[str]:
    """The Secrets that gateways and rules name: those are read wherever they exist."""
    return frozenset().union(
        *(
            _words(resource.raw)
            for mesh in meshes
            for kind in _NAMING
            for resource in mesh.catalog.of(kind)
        )
    )


def _is_lock(kind: Kind, name: str) -> bool:
    """Whether controllers elect their leader with it."""
    return kind is kinds.CONFIG_MAP and _LOCKS.fullmatch(name) is not None


def _whole(resource: Resource, change: Change) -> ObjectChange:
    return ObjectChange(
        object=str(resource),
        change=change,
        fields=(),
        at=resource.created if change is Change.ADDED else None,
        derived=_is_controllers(resource),
        words=_words(resource.raw),
        body=_REDUCED.get(resource.kind, comparable)(resource.raw),
        command=_shows(resource),
    )


def _shows(resource: Resource) -> str:
    """The kubectl command that shows a whole object."""
    kind = resource.kind
    plural = f"{kind.plural}.{kind.group}" if kind.custom else kind.plural
    scope = f" -n {resource.namespace}" if resource.namespace else ""
    return f"kubectl get {plural} {resource.name}{scope} -o yaml"


def _is_controllers(resource: Resource) -> bool:
    """Whether a controller writes the whole object."""
    root = resource.kind is kinds.CONFIG_MAP and resource.name == _ROOT_CERTIFICATE
    return root or resource.kind in _CONTROLLERS


def _is_derived(path: str) -> bool:
    """Whether a controller writes the field: a status, the CA that istiod puts into webhooks."""
    return path.startswith("status") or path.endswith(".caBundle")


def _changed(was: Resource, now: Resource) -> Iterator[ObjectChange]:
    reduce = _REDUCED.get(now.kind, comparable)
    fields = tuple(field_changes(reduce(was.raw), reduce(now.raw)))
    if fields:
        yield ObjectChange(
            object=str(now),
            change=Change.CHANGED,
            fields=fields,
            at=_written(was, now),
            derived=_is_controllers(now) or all(_is_derived(field.path) for field in fields),
            words=_words(now.raw) | _words(was.raw),
            command=_shows(now),
        )


def _written(was: Resource, now: Resource) -> datetime | None:
    """When it was written since, as far as its managedFields tell."""
    before, after = was.changed, now.changed
    return after if before is not None and after is not None and after > before else None


def _slice(raw: Mapping[str, Any]) -> dict[str, Any]:
    """An EndpointSlice by how many endpoints are ready: addresses change with every restart."""
    ready = Counter(
        "ready"
        if as_mapping(as_mapping(item).get("conditions")).get("ready") is not False
        else "notReady"
        for item in as_list(raw.get("endpoints"))
    )
    return {"endpoints": dict(ready), "ports": raw.get("ports")}


def _definition(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A CRD by the versions it serves: its schema is long and says nothing here."""
    versions = [as_mapping(item) for item in as_list(as_mapping(raw.get("spec")).get("versions"))]
    return {"versions": [{"name": v.get("name"), "served": v.get("served")} for v in versions]}


def _settings(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A ConfigMap by its settings: values that are YAML, as mesh configuration is, field by field.

    Mirrors istiod, to which the order of keys and comments mean nothing (pkg/config/mesh).
    """
    kept = comparable(raw)
    data = as_mapping(kept.get("data"))
    return {**kept, "data": {key: _parsed(value) for key, value in data.items()}} if data else kept


def _parsed(value: Any) -> Any:
    # Anchors make a short text a large value: such a text is compared as it stands.
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or _ANCHOR.search(value):
        return value
    try:
        parsed = yaml.load(value, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return value
    return parsed if isinstance(parsed, dict) else value


def _without_status(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in comparable(raw).items() if key != "status"}


_REDUCED = {
    kinds.CONFIG_MAP: _settings,
    kinds.ENDPOINT_SLICE: _slice,
    kinds.CRD: _definition,
    kinds.HORIZONTAL_POD_AUTOSCALER: _without_status,
    kinds.GATEWAY_CLASS: _without_status,
}


def _pods(old: Snapshot, new: Snapshot, kind: Kind) -> Iterator[ObjectChange]:
    """Pods by workload: their names change with every restart, their number and health count."""
    del kind
    before, after = _by_workload(old), _by_workload(new)
    for name in sorted({*before, *after}):
        was, now = before.get(name, {}), after.get(name, {})
        fields = tuple(field_changes(was, now, "pods"))
        if fields:
            yield ObjectChange(
                name,
                Change.CHANGED,
                fields,
                None,
                derived=True,
                words=frozenset(),
                command=f"kubectl get pods{_in_namespace(name)} -o wide",
            )


def _in_namespace(name: str) -> str:
    namespace, slash, _ = name.partition(" ")[2].partition("/")
    return f" -n {namespace}" if slash else ""


def _by_workload(mesh: Snapshot) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for pod in mesh.catalog.of(kinds.POD):
        if is_finished(pod) or is_terminating(pod):
            continue
        workload = mesh.workloads.owning(pod)
        known = found.setdefault(str(workload or pod), {"number": 0, "ready": 0, "restarts": 0})
        known["number"] += 1
        known["ready"] += is_ready(pod)
        statuses = as_list(pod.status.get("containerStatuses"))
        counts = [as_mapping(item).get("restartCount") for item in statuses]
        known["restarts"] += sum(count for count in counts if isinstance(count, int))
        names = sorted(
            str(as_mapping(item).get("name"))
            for field in ("containers", "initContainers")
            for item in as_list(pod.spec.get(field))
        )
        known["containers"] = names
        known["labels"] = {
            key: value for key, value in pod.labels.items() if key != "pod-template-hash"
        }
    return found


def _words(value: Any) -> frozenset[str]:
    """The names in an object, as far as they may name another."""
    found: set[str] = set()
    waiting: list[Any] = [
        as_mapping(as_mapping(value).get("metadata")).get("name"),
        *(part for key, part in as_mapping(value).items() if key not in ("metadata", "status")),
    ]
    while waiting and len(found) < _MOST_WORDS:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, str) and len(item) < 254 and _WORD.fullmatch(item):
            found.add(item)
    return frozenset(found)
