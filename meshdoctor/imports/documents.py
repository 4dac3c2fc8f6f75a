"""The documents of a JSON or YAML file, and the objects in a document."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

from meshdoctor.imports.yaml_documents import yaml_documents
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.parse.documents import decode_json
from meshdoctor.parse.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ITEMS = re.compile(r'"items"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")
_LIST = "List"


def documents(data: bytes) -> tuple[list[Any], str]:
    """Every document of a JSON or YAML file, told apart by how it begins.

    Args:
        data: the file; several JSON documents may follow one another, as ``kubectl`` prints them.

    Returns:
        The documents, and what is wrong with the file; empty when nothing is. Of a damaged List the
        items that can be read are kept.
    """
    if data.lstrip()[:1] not in (b"{", b"["):
        return yaml_documents(data)
    try:
        return [decode_json(data)], ""
    except ParseError as error:
        found, whole = _one_after_another(data.decode("utf-8", errors="replace"))
        return found, "" if whole else str(error)


def _one_after_another(text: str) -> tuple[list[Any], bool]:
    """JSON documents that follow one another, and whether that is all there is."""
    decoder = json.JSONDecoder()
    found: list[Any] = []
    position = _BETWEEN.match(text, 0).end()  # type: ignore[union-attr]  # matches nothing too
    while position < len(text):
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return [*found, *_salvaged(text, position, decoder)], False
        found.append(value)
        position = _BETWEEN.match(text, position).end()  # type: ignore[union-attr]
    return found, True


def _salvaged(text: str, start: int, decoder: json.JSONDecoder) -> list[Any]:
    """The sound items at the head of a List that is damaged further on."""
    items = _ITEMS.search(text, start)
    if items is None:
        return []
    found: list[Any] = []
    position = items.end()
    while True:
        position = _BETWEEN.match(text, position).end()  # type: ignore[union-attr]
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            break
        found.append(value)
    head = re.search(r'"kind"\s*:\s*"(\w*List)"', text[start : items.start()])
    kind = head.group(1) if head else _LIST
    version = re.search(r'"apiVersion"\s*:\s*"([\w./]+)"', text[start : items.start()])
    api = {"apiVersion": version.group(1)} if version else {}
    return [{"kind": kind, **api, "items": found}] if found else []


def to_json(value: Any) -> bytes:
    """A value read from a document as JSON, whatever numbers and characters are in it."""
    try:
        return msgspec.json.encode(value)
    except (OverflowError, UnicodeEncodeError):
        # Numbers past 64 bits, halves of characters: only the standard library writes them.
        return json.dumps(value).encode()


def is_list(document: object) -> bool:
    """Whether a document is an answer of many objects: a List, or a bare array of objects."""
    return isinstance(document, list) or isinstance(as_mapping(document).get("items"), list)


def objects_of(document: object) -> Iterator[Mapping[str, Any]]:
    """The objects in a document; an item of a typed List takes its kind from the List."""
    if isinstance(document, list):
        yield from (item for item in document if isinstance(item, dict))
        return
    outer = as_mapping(document)
    if not isinstance(outer.get("items"), list):
        if outer:
            yield outer
        return
    kind = str(outer.get("kind") or "").removesuffix(_LIST)
    for item in as_list(outer.get("items")):
        if isinstance(item, dict):
            named = kind and "kind" not in item
            yield {"apiVersion": outer.get("apiVersion"), "kind": kind, **item} if named else item
