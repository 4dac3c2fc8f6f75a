"""A List answer of the API server to resources."""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Any

from meshdoctor.model.resource import Resource, as_list, as_mapping
from meshdoctor.parse.documents import decode_object
from meshdoctor.parse.errors import ParseError

if TYPE_CHECKING:
    from meshdoctor.model.kinds import Kind

_UNUSED_METADATA = ("selfLink", "uid", "resourceVersion")
"""Never evidence; with managedFields half of an object's size."""
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def _newest(fields: object) -> list[dict[str, str]]:
    """When anybody last wrote to the object's own part: all that is kept of managedFields."""
    times = [
        str(as_mapping(item).get("time") or "")
        for item in as_list(fields)
        if not as_mapping(item).get("subresource")
    ]
    return [{"time": max(times)}] if any(times) else []


def _trim(item: dict[str, Any]) -> dict[str, Any]:
    metadata = item.get("metadata")
    if isinstance(metadata, dict):
        for key in _UNUSED_METADATA:
            metadata.pop(key, None)
        if "managedFields" in metadata:
            metadata["managedFields"] = _newest(metadata["managedFields"])
        annotations = metadata.get("annotations")
        if isinstance(annotations, dict):
            annotations.pop(_LAST_APPLIED, None)
    return item


def parse_object_list(data: bytes, kind: Kind, source: str) -> tuple[tuple[Resource, ...], int]:
    """Read a List answer.

    Returns:
        The resources in the file's order, and how many items were not objects with a name.

    Raises:
        ParseError: the document is not a List.
    """
    document = decode_object(data)
    items = document.get("items")
    if items is None and str(document.get("kind", "")).endswith("List"):
        items = []
    if not isinstance(items, list):
        raise ParseError("not a List answer: it has no items")
    resources: list[Resource] = []
    skipped = 0
    for index, item in enumerate(items):
        metadata = as_mapping(as_mapping(item).get("metadata"))
        name = metadata.get("name")
        if not isinstance(name, str):
            skipped += 1
            continue
        namespace = metadata.get("namespace")
        resources.append(
            Resource(
                kind=kind,
                namespace=intern(namespace) if isinstance(namespace, str) else "",
                name=name,
                raw=_trim(item),
                source=source,
                pointer=f"/items/{index}",
            )
        )
    return tuple(resources), skipped
