"""Strategic merge patch: kubectl's way to change lists of built-in kinds element by element.

After k8s.io/apimachinery ``util/strategicpatch``: ``$patch``, ``$retainKeys``,
``$setElementOrder/…`` and ``$deleteFromPrimitiveList/…`` are understood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meshdoctor.serve.json_patch import PatchError
from meshdoctor.serve.merge_keys import SETS, merge_key

_PATCH, _RETAIN = "$patch", "$retainKeys"
_ORDER, _DELETE = "$setElementOrder/", "$deleteFromPrimitiveList/"


def strategic_patch(document: Mapping[str, Any], patch: object) -> dict[str, Any]:
    """Apply a strategic merge patch.

    Args:
        document: what it is applied to; stays as it is.
        patch: the patch.

    Raises:
        PatchError: it is none.
    """
    if not isinstance(patch, Mapping):
        raise PatchError("a strategic merge patch is an object")
    return _merge_object(document, patch, "")


def _merge_object(
    current: Mapping[str, Any], patch: Mapping[str, Any], parent: str
) -> dict[str, Any]:
    match patch.get(_PATCH):
        case "replace":
            return {key: _plain(value) for key, value in patch.items() if key != _PATCH}
        case "delete":
            return {}
    merged = dict(current)
    if _RETAIN in patch:
        kept = set(_sequence(patch[_RETAIN]))
        merged = {key: value for key, value in merged.items() if key in kept}
    for key, value in patch.items():
        if not key.startswith("$"):
            _merge_member(merged, key, value, parent)
    for key, value in patch.items():
        if key.startswith(_DELETE):
            field = key.removeprefix(_DELETE)
            gone = _sequence(value)
            merged[field] = [one for one in _sequence(merged.get(field, [])) if one not in gone]
        elif key.startswith(_ORDER):
            _reorder(merged, key.removeprefix(_ORDER), _sequence(value), parent)
    return merged


def _merge_member(merged: dict[str, Any], key: str, value: Any, parent: str) -> None:
    current = merged.get(key)
    if value is None:
        merged.pop(key, None)
    elif isinstance(value, Mapping):
        if value.get(_PATCH) == "delete":
            merged.pop(key, None)
        else:
            merged[key] = _merge_object(current if isinstance(current, Mapping) else {}, value, key)
    elif isinstance(value, list):
        merged[key] = _merge_list(_sequence(current or []), value, parent, key)
    else:
        merged[key] = value


def _merge_list(current: list[Any], patch: list[Any], parent: str, field: str) -> list[Any]:
    if field in SETS:
        return [*current, *(one for one in patch if one not in current)]
    key = merge_key(parent, field)
    if key is None or not all(isinstance(one, Mapping) for one in (*current, *patch)):
        return [_plain(one) for one in patch]
    if any(one.get(_PATCH) == "replace" for one in patch):
        return [_plain(one) for one in patch if one.get(_PATCH) != "replace"]
    merged = list(current)
    for one in patch:
        if key not in one:
            raise PatchError(f"map: {dict(one)} does not contain declared merge key: {key}")
        index = next((i for i, old in enumerate(merged) if old.get(key) == one[key]), None)
        if one.get(_PATCH) == "delete":
            merged = [old for old in merged if old.get(key) != one[key]]
        elif index is None:
            merged.append(_merge_object({}, one, field))
        else:
            merged[index] = _merge_object(merged[index], one, field)
    return merged


def _reorder(merged: dict[str, Any], field: str, order: Sequence[Any], parent: str) -> None:
    """Put elements in the order that is asked for; those that are not named come last."""
    items = merged.get(field)
    if not isinstance(items, list):
        return
    key = merge_key(parent, field)

    def name(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, Mapping) else item

    wanted = [name(one) for one in order]
    merged[field] = sorted(
        items, key=lambda one: wanted.index(name(one)) if name(one) in wanted else len(wanted)
    )


def _sequence(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise PatchError("a list is needed")
    return value


def _plain(value: Any) -> Any:
    """A value that is put in whole, without directives and nulls."""
    if isinstance(value, Mapping):
        return {
            key: _plain(one)
            for key, one in value.items()
            if one is not None and not key.startswith("$")
        }
    return [_plain(one) for one in value] if isinstance(value, list) else value
