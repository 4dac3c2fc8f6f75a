"""What changed inside one object, by field path: bookkeeping and the order of keyed lists aside."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from meshdoctor.diff.alignment import aligned, texts, without_common
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_KEYS = ("name", "type", "containerPort", "port", "number", "mountPath", "ip", "host", "key")
"""Fields that tell the items of a list apart, the best first."""
_ORDERED = frozenset({"command", "args"})
"""Lists of words whose order means something."""
_SETS = frozenset({"from", "to", "when", "ingress", "egress", "tolerations", "jwtRules"})
"""Lists whose order means nothing: of AuthorizationPolicy, NetworkPolicy, RequestAuthentication."""
_ROUTES = frozenset({"matches", "backendRefs", "filters"})
"""Fields of the Gateway API's rules, of which the first that matches may win."""
_METADATA = frozenset({"labels", "annotations", "finalizers", "deletionTimestamp"})
"""Of the metadata, what a person sets; names are compared elsewhere."""
_NOTES = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "control-plane.alpha.kubernetes.io/leader",
    "endpoints.kubernetes.io/last-change-trigger-time",
)
_COUNTS = (
    *("phase", "reason", "replicas", "readyReplicas", "availableReplicas", "unavailableReplicas"),
    *("numberReady", "desiredNumberScheduled", "numberUnavailable", "loadBalancer"),
    *("validationMessages", "used", "hard"),
)
_CONDITION = ("status", "reason")
_CONTAINER = ("ready", "image", "restartCount")
_TOP = frozenset({"apiVersion", "kind", "metadata", "status"})
_MISSING = object()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs."""

    path: str
    """``spec.http[0].route[0].destination.subset``; a keyed item stands as ``[name=v1]``."""
    old: Any
    """None where it was not there."""
    new: Any
    """None where it is not there."""


def _notes(annotations: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in annotations.items() if key not in _NOTES}


def _status(status: Mapping[str, Any]) -> dict[str, Any]:
    """Of a status what tells whether the object fares well; times and counters of events do not."""
    kept: dict[str, Any] = {key: status[key] for key in _COUNTS if key in status}
    conditions = [as_mapping(item) for item in as_list(status.get("conditions"))]
    if conditions:
        kept["conditions"] = [
            {"type": item.get("type"), **{key: item[key] for key in _CONDITION if key in item}}
            for item in conditions
        ]
    for field in ("containerStatuses", "initContainerStatuses"):
        containers = [as_mapping(item) for item in as_list(status.get(field))]
        if containers:
            kept[field] = [
                {"name": item.get("name"), **{key: item[key] for key in _CONTAINER if key in item}}
                for item in containers
            ]
    return kept


def comparable(raw: Mapping[str, Any]) -> dict[str, Any]:
    """An object without what changes by itself.

    Args:
        raw: the object.
    """
    metadata = as_mapping(raw.get("metadata"))
    kept = {key: metadata[key] for key in sorted(_METADATA & metadata.keys())}
    if "annotations" in kept:
        kept["annotations"] = _notes(as_mapping(kept["annotations"]))
    body = {key: value for key, value in raw.items() if key not in _TOP}
    return {"metadata": kept, **body, "status": _status(as_mapping(raw.get("status")))}


def field_changes(old: Any, new: Any, path: str = "") -> Iterator[FieldChange]:
    """The fields that differ between two values.

    Args:
        old: the value before.
        new: the value after.
        path: where they stand.
    """
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}, key=str):
            was, now = old.get(key, _MISSING), new.get(key, _MISSING)
            yield from _one(was, now, _joined(path, str(key)))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _list_changes(old, new, path)
    else:
        yield FieldChange(path, old, new)


def _one(was: Any, now: Any, path: str) -> Iterator[FieldChange]:
    empty: tuple[Any, ...] = ({}, [], None, "")
    if was is _MISSING:
        if now not in empty:
            yield FieldChange(path, None, now)
    elif now is _MISSING:
        if was not in empty:
            yield FieldChange(path, was, None)
    else:
        yield from field_changes(was, now, path)


def _joined(path: str, key: str) -> str:
    key = f"[{key}]" if "." in key or "/" in key else key
    return f"{path}{'' if not path or key.startswith('[') else '.'}{key}"


def _list_changes(old: list[Any], new: list[Any], path: str) -> Iterator[FieldChange]:
    key = _key_of(old, new)
    if key is not None:
        before = {item[key]: item for item in old}
        after = {item[key]: item for item in new}
        for name in sorted({*before, *after}, key=str):
            where = f"{path}[{key}={name}]"
            yield from _one(before.get(name, _MISSING), after.get(name, _MISSING), where)
    elif _are_words(old) and _are_words(new) and path.rpartition(".")[2] not in _ORDERED:
        if sorted(old, key=str) != sorted(new, key=str):
            yield FieldChange(path, old, new)
    elif _is_a_set([*old, *new], path):
        left, rest = without_common(old, new)
        yield from _paired_changes(old, new, left, rest, path)
    else:
        yield from _ordered_changes(old, new, path)


def _are_words(items: list[Any]) -> bool:
    return all(isinstance(item, str | int | float) for item in items)


def _key_of(old: list[Any], new: list[Any]) -> str | None:
    """The field that names the items of both lists; None when their order is all there is."""
    items = [*old, *new]
    if not items or not all(isinstance(item, dict) for item in items):
        return None
    for key in _KEYS:
        if all(isinstance(item.get(key), str | int) for item in items) and all(
            len({item[key] for item in side}) == len(side) for side in (old, new)
        ):
            return key
    return None


def _is_a_set(items: list[Any], path: str) -> bool:
    """Whether the order means nothing: in rules that allow or deny, not in those that route."""
    field = path.rpartition(".")[2]
    if field == "rules":
        return not any(_ROUTES & as_mapping(item).keys() for item in items)
    return field in _SETS


def _ordered_changes(old: list[Any], new: list[Any], path: str) -> Iterator[FieldChange]:
    matcher = SequenceMatcher(None, texts(old), texts(new), autojunk=False)
    for tag, start, end, first, last in matcher.get_opcodes():
        if tag != "equal":
            left, rest = list(range(start, end)), list(range(first, last))
            yield from _paired_changes(old, new, left, rest, path)


def _paired_changes(
    old: list[Any], new: list[Any], left: list[int], rest: list[int], path: str
) -> Iterator[FieldChange]:
    """What became of these items of a list, by their indices before and after."""
    for was, now in aligned([old[index] for index in left], [new[index] for index in rest]):
        if was is None and now is not None:
            yield FieldChange(f"{path}[{rest[now]}]", None, new[rest[now]])
        elif now is None and was is not None:
            yield FieldChange(f"{path}[{left[was]}]", old[left[was]], None)
        elif was is not None and now is not None:
            yield from field_changes(old[left[was]], new[rest[now]], f"{path}[{rest[now]}]")
