"""One line of a watch: an object that was added, changed or deleted, a bookmark, or an error."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.read_reasons import failed, of_status

_DELETED_UNSEEN = 410


class EventType(StrEnum):
    """Kubernetes' own words (meta/v1 WatchEvent)."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"
    ERROR = "ERROR"


class _Metadata(msgspec.Struct, rename="camel"):
    name: str = ""
    namespace: str = ""
    resource_version: str = ""


class _Object(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    code: int = 0
    message: str = ""


class _Line(msgspec.Struct):
    type: EventType
    object: msgspec.Raw = msgspec.Raw(b"{}")


_LINE = msgspec.json.Decoder(_Line)
_OBJECT = msgspec.json.Decoder(_Object)


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """What a line says."""

    type: EventType
    namespace: str
    name: str
    resource_version: str
    """From here the watch goes on when it drops."""
    item: msgspec.Raw
    """The object, as it was written."""


def read_event(line: bytes) -> WatchEvent:
    """Read one line.

    Raises:
        ReadError: it is garbled, or says that the watch cannot go on (410: list again).
    """
    try:
        event = _LINE.decode(line)
        item = _OBJECT.decode(event.object)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise failed(f"a line of the watch is garbled: {error}") from None
    if event.type is EventType.ERROR:
        raise of_status(item.code, item.message or "the watch ended with an error")
    metadata = item.metadata
    raw = msgspec.Raw(bytes(event.object))
    return WatchEvent(event.type, metadata.namespace, metadata.name, metadata.resource_version, raw)


def is_too_old(error: ReadError) -> bool:
    """Whether the server has forgotten what came after the last version that was seen."""
    return error.http_status == _DELETED_UNSEEN
