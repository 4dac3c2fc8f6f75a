"""JSON Patch (RFC 6902) and JSON merge patch (RFC 7396)."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

_INDEX = re.compile(r"0|[1-9]\d*")
MOST_OPERATIONS = 10_000
"""``jsonpatch`` of Kubernetes' request handlers refuses more."""


class PatchError(ValueError):
    """A patch that cannot be applied; the message is one line."""


def _parts(pointer: object) -> list[str]:
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise PatchError(f"{pointer!r} is no JSON pointer")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _index(part: str, length: int) -> int:
    if not _INDEX.fullmatch(part) or int(part) >= length:
        raise PatchError(f"there is no element {part!r}")
    return int(part)


def _child(value: Any, part: str) -> Any:
    if isinstance(value, dict):
        if part not in value:
            raise PatchError(f"there is no member {part!r}")
        return value[part]
    if isinstance(value, list):
        return value[_index(part, len(value))]
    raise PatchError(f"{part!r} leads into a value that has no parts")


def _get(document: Any, parts: list[str]) -> Any:
    for part in parts:
        document = _child(document, part)
    return document


def _add(document: Any, parts: list[str], value: Any) -> Any:
    if not parts:
        return value
    parent, last = _get(document, parts[:-1]), parts[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else _index(last, len(parent) + 1), value)
    else:
        raise PatchError(f"{last!r} leads into a value that has no parts")
    return document


def _remove(document: Any, parts: list[str]) -> Any:
    if not parts:
        raise PatchError("the whole document cannot be removed")
    parent, last = _get(document, parts[:-1]), parts[-1]
    _child(parent, last)
    del parent[last if isinstance(parent, dict) else int(last)]
    return document


def _equal(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _need(operation: Mapping[str, Any], member: str) -> Any:
    if member not in operation:
        raise PatchError(f"an operation lacks {member!r}")
    return operation[member]


def _apply(document: Any, operation: Mapping[str, Any]) -> Any:
    parts = _parts(_need(operation, "path"))
    match operation.get("op"):
        case "add":
            return _add(document, parts, copy.deepcopy(_need(operation, "value")))
        case "remove":
            return _remove(document, parts)
        case "replace":
            value = copy.deepcopy(_need(operation, "value"))
            _get(document, parts)
            return _add(_remove(document, parts), parts, value) if parts else value
        case "test":
            if not _equal(_get(document, parts), _need(operation, "value")):
                raise PatchError(f"testing value {operation['path']} failed")
            return document
        case "copy":
            source = _parts(_need(operation, "from"))
            return _add(document, parts, copy.deepcopy(_get(document, source)))
        case "move":
            source = _parts(_need(operation, "from"))
            if parts[: len(source)] == source and parts != source:
                raise PatchError("a value cannot be moved into itself")
            value = _get(document, source)
            return _add(_remove(document, source), parts, value) if parts != source else document
        case unknown:
            raise PatchError(f"{unknown!r} is no operation")


def json_patch(document: Any, operations: object) -> Any:
    """Apply a JSON Patch.

    Args:
        document: what it is applied to; stays as it is.
        operations: the patch.

    Raises:
        PatchError: it is none, or one of its operations cannot be carried out.
    """
    if not isinstance(operations, list):
        raise PatchError("a JSON patch is an array of operations")
    if len(operations) > MOST_OPERATIONS:
        raise PatchError(f"a JSON patch has at most {MOST_OPERATIONS} operations")
    document = copy.deepcopy(document)
    for operation in operations:
        if not isinstance(operation, Mapping):
            raise PatchError("an operation is an object")
        document = _apply(document, operation)
    return document


def merge_patch(document: Any, patch: Any) -> Any:
    """Apply a JSON merge patch: null takes away, objects are merged, all else is put in place.

    Args:
        document: what it is applied to; stays as it is.
        patch: the patch.
    """
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged
