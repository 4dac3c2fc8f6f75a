"""Server-side apply, simply: what is applied is merged in, and who applied it is remembered.

What a manager applied before and leaves out now is taken away, and what another manager applied
is not changed without ``force`` (structured-merge-diff in the API server). Writes by other means
own nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.merge_keys import SETS, merge_key

Fields = dict[str, Any]
"""``fieldsV1``: ``f:name`` of members, ``k:{…}`` of elements, ``.`` where one stands itself."""
_NOT_OWNED = {
    "": frozenset({"apiVersion", "kind"}),
    "metadata": frozenset({"name", "namespace", "managedFields", "resourceVersion", "uid"}),
}


def _element_key(parent: str, field: str, value: object, *, builtin: bool) -> str | None:
    if not builtin or not isinstance(value, list):
        return None
    key = merge_key(parent, field)
    if key is None or not all(isinstance(one, Mapping) and key in one for one in value):
        return None
    return key


def _label(key: str, element: Mapping[str, Any]) -> str:
    return "k:" + msgspec.json.encode({key: element[key]}).decode()


def fields_of(value: Mapping[str, Any], *, builtin: bool, parent: str = "") -> Fields:
    """Which fields an applied object sets.

    Args:
        value: the object, or a part of it.
        builtin: of a built-in kind, whose lists have keys.
        parent: the field that holds the part.
    """
    left_out = _NOT_OWNED.get(parent, frozenset())
    fields: Fields = {}
    for field, one in value.items():
        if field in left_out:
            continue
        key = _element_key(parent, field, one, builtin=builtin)
        if key is not None:
            fields[f"f:{field}"] = {
                _label(key, each): {".": {}, **fields_of(each, builtin=builtin, parent=field)}
                for each in one
            }
        elif isinstance(one, Mapping) and one:
            fields[f"f:{field}"] = fields_of(one, builtin=builtin, parent=field)
        else:
            fields[f"f:{field}"] = {}
    return {key: one for key, one in fields.items() if one or parent or key != "f:metadata"}


def applied(
    current: Mapping[str, Any], config: Mapping[str, Any], *, builtin: bool, parent: str = ""
) -> dict[str, Any]:
    """Merge what is applied into what stands.

    Args:
        current: the object, or a part of it.
        config: what is applied.
        builtin: of a built-in kind, whose lists have keys.
        parent: the field that holds the part.
    """
    merged = dict(current)
    for field, value in config.items():
        old = merged.get(field)
        key = _element_key(parent, field, value, builtin=builtin)
        if key is not None and _element_key(parent, field, old or [], builtin=builtin):
            merged[field] = _applied_elements(old or [], value, key, field)
        elif isinstance(value, Mapping):
            base = old if isinstance(old, Mapping) else {}
            merged[field] = applied(base, value, builtin=builtin, parent=field)
        elif field in SETS and isinstance(value, list):
            merged[field] = [*as_list(old), *(one for one in value if one not in as_list(old))]
        else:
            merged[field] = value
    return merged


def _applied_elements(
    current: list[Any], config: list[Any], key: str, field: str
) -> list[dict[str, Any]]:
    merged = list(current)
    for one in config:
        index = next((i for i, old in enumerate(merged) if old.get(key) == one[key]), None)
        base = {} if index is None else merged[index]
        whole = applied(base, one, builtin=True, parent=field)
        if index is None:
            merged.append(whole)
        else:
            merged[index] = whole
    return merged


def without(value: Any, fields: Fields, kept: Fields) -> Any:
    """Take away what is owned and not kept.

    Args:
        value: the object, or a part of it.
        fields: what a manager owned.
        kept: what it, or another, owns now.
    """
    if isinstance(value, list):
        return _elements_without(value, fields, kept)
    if not isinstance(value, Mapping):
        return value
    left = dict(value)
    for label, inner in fields.items():
        field = label.removeprefix("f:")
        if not label.startswith("f:") or field not in left:
            continue
        if label not in kept and not inner:
            del left[field]
        elif inner:
            left[field] = without(left[field], inner, kept.get(label, {}))
            if label not in kept and not left[field]:
                del left[field]
    return left


def _elements_without(value: list[Any], fields: Fields, kept: Fields) -> list[Any]:
    left = []
    for one in value:
        label = next((name for name in fields if _is_labelled(one, name)), None)
        if label is None:
            left.append(one)
        elif label in kept:
            left.append(without(one, fields[label], kept[label]))
    return left


def _is_labelled(element: object, label: str) -> bool:
    if not label.startswith("k:") or not isinstance(element, Mapping):
        return False
    wanted = as_mapping(msgspec.json.decode(label[2:]))
    return all(element.get(key) == value for key, value in wanted.items())


def conflicts(current: Any, config: Any, owned: Fields, path: str = "") -> list[str]:
    """Paths that somebody else applied and that would change; elements of lists are left out.

    Args:
        current: the object, or a part of it.
        config: what is applied.
        owned: what another manager owns of it.
        path: where the part lies.
    """
    found: list[str] = []
    for field, value in as_mapping(config).items():
        inner, old = owned.get(f"f:{field}"), as_mapping(current).get(field)
        if inner is None or value == old:
            continue
        where = f"{path}.{field}"
        if isinstance(value, dict) and isinstance(old, dict) and inner:
            found += conflicts(old, value, inner, where)
        elif not any(label.startswith("k:") for label in inner):
            found.append(where)
    return found
