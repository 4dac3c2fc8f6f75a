"""kubectl commands that change one value of an object, and those that change it back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from meshdoctor.model.evidence import join_pointer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from meshdoctor.model.resource import Resource


def _quoted(value: object) -> str:
    # A single quote would end the shell's own quoting.
    return json.dumps(value, ensure_ascii=False).replace("'", "'\\''")


def json_patch(resource: Resource, steps: Sequence[Mapping[str, Any]]) -> str:
    """The command that applies a JSON patch (RFC 6902) to an object."""
    plural = resource.kind.plural
    kind = f"{plural}.{resource.kind.group}" if resource.kind.custom else resource.kind.name.lower()
    scope = f" -n {resource.namespace}" if resource.namespace else ""
    return f"kubectl patch {kind} {resource.name}{scope} --type json -p '{_quoted(list(steps))}'"


def replace_value(resource: Resource, path: Sequence[str | int], value: object) -> tuple[str, str]:
    """The command that sets a value, and the one that sets it back to what it is now.

    Args:
        resource: the object.
        path: keys and indexes that lead to the value; its parent must be there.
        value: the new value; None takes the value away.
    """
    pointer = join_pointer("", list(path))
    old = resource.get(*path)
    if value is None:
        forth: dict[str, Any] = {"op": "remove", "path": pointer}
    else:
        forth = {"op": "add" if old is None else "replace", "path": pointer, "value": value}
    if old is None:
        back: dict[str, Any] = {"op": "remove", "path": pointer}
    else:
        back = {"op": "add" if value is None else "replace", "path": pointer, "value": old}
    return json_patch(resource, [forth]), json_patch(resource, [back])
