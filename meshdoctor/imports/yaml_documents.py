"""YAML as kubectl writes it, one document after another, what is sound kept where some is not.

Built on libyaml's events: its composer recurses in C, and a file of brackets would end the process.
Aliases and merge keys are refused: kubectl writes none, and they can blow up without bound.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from meshdoctor.parse.errors import ParseError

_MAX_DEPTH = 100
_SEPARATOR = re.compile(rb"(?m)^---(?=\s|$)")
_ITEMS = re.compile(rb"(?m)^items:[ \t]*\r?\n")
_ITEM = re.compile(rb"(?m)^(?: {2})?- (?=\S)")
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_OCTAL = re.compile(r"0o?[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_STRING_TAG = "tag:yaml.org,2002:str"
_MERGE = "<<"


@dataclass(slots=True)
class _Open:
    """A mapping or sequence that is still being read."""

    value: dict[str, Any] | list[Any]
    key: str | None = None


def _scalar(event: yaml.ScalarEvent) -> Any:
    """A plain scalar's value as Kubernetes' own reader takes it (YAML 1.1, without times)."""
    text: str = event.value
    if not event.implicit[0] or event.tag == _STRING_TAG:
        return text
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INTEGER.fullmatch(text):
        # A number that no computer means is a word: int() of a million digits takes minutes.
        return int(text) if len(text) < 20 else text
    if len(text) < 20 and _OCTAL.fullmatch(text):
        return int(text.replace("o", ""), 8)
    if len(text) < 20 and _HEX.fullmatch(text):
        return int(text, 16)
    if len(text) < 40 and _FLOAT.fullmatch(text):
        return float(text)
    return text


class _Builder:
    """Values out of events, without recursion."""

    def __init__(self) -> None:
        self.documents: list[Any] = []
        self._open: list[_Open] = []

    def put(self, value: Any) -> None:
        """A finished value goes into what is open."""
        if not self._open:
            self.documents.append(value)
            return
        top = self._open[-1]
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.key is None:
            top.key = _key(value)
        else:
            top.value[top.key] = value
            top.key = None

    def begin(self, value: dict[str, Any] | list[Any]) -> None:
        """A mapping or sequence begins."""
        if len(self._open) >= _MAX_DEPTH:
            raise ParseError("not valid YAML: it nests too deeply")
        top = self._open[-1] if self._open else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            raise ParseError("not valid YAML: a key that is no word")
        self._open.append(_Open(value))

    def end(self) -> None:
        """It ends."""
        self.put(self._open.pop().value)


def _key(value: Any) -> str:
    if value == _MERGE:
        raise ParseError("YAML merge keys are not read")
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def _take(event: yaml.Event, builder: _Builder) -> None:
    match event:
        case yaml.ScalarEvent():
            builder.put(_scalar(event))
        case yaml.MappingStartEvent():
            builder.begin({})
        case yaml.SequenceStartEvent():
            builder.begin([])
        case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
            builder.end()
        case yaml.AliasEvent():
            raise ParseError("YAML aliases are not read")


def _load(data: bytes) -> list[Any]:
    builder = _Builder()
    try:
        for event in yaml.parse(data, Loader=yaml.CSafeLoader):
            _take(event, builder)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at its line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "it cannot be decoded"
        raise ParseError(f"not valid YAML: {problem}{where}") from None
    return builder.documents


def _salvaged(data: bytes) -> list[Any]:
    """The sound items of a List that is damaged somewhere."""
    items = _ITEMS.search(data)
    if items is None:
        return []
    starts = [match.start() for match in _ITEM.finditer(data, items.end())]
    found: list[Any] = []
    for start, end in zip(starts, [*starts[1:], len(data)], strict=False):
        try:
            loaded = _load(data[start:end])
        except ParseError:
            continue
        if loaded and isinstance(loaded[0], list):
            found += loaded[0]
    return [{"kind": "List", "items": found}] if found else []


def yaml_documents(data: bytes) -> tuple[list[Any], str]:
    """Every document of a YAML file.

    Args:
        data: the file.

    Returns:
        The documents, and what is wrong with the file; empty when nothing is. Of a damaged List the
        items that can be read are kept.
    """
    documents: list[Any] = []
    damage = ""
    for part in _SEPARATOR.split(data):
        if not part.strip():
            continue
        try:
            documents += _load(part)
        except ParseError as error:
            damage = damage or str(error)
            documents += _salvaged(part)
    return documents, damage
