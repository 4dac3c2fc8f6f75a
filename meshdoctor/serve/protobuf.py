"""Bodies in Kubernetes' protobuf, which kubectl from 1.33 on sends for some built-in kinds.

An envelope (``runtime.Unknown`` behind four magic bytes) holds one message; fields are read by
the tables of ``protobuf_fields``. Answers are JSON always, which such clients accept as well.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from meshdoctor.serve.clock import rfc3339
from meshdoctor.serve.protobuf_fields import KINDS, MESSAGES, Field, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10


class ProtobufError(ValueError):
    """A body that cannot be read; the message is one line."""


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for count in range(_LONGEST_VARINT):
        if position + count >= len(data):
            break
        byte = data[position + count]
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, position + count + 1
    raise ProtobufError("a number is cut short")


def _parts(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: number, and what stands there."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        wire = tag & 7
        if wire == _VARINT:
            value, position = _varint(data, position)
            yield tag >> 3, value
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(wire)
        if wire == _BYTES:
            size, position = _varint(data, position)
        if size is None or position + size > len(data):
            raise ProtobufError("a field is cut short or of no known form")
        yield tag >> 3, data[position : position + size]
        position += size


def _text(value: int | bytes) -> str:
    if isinstance(value, int):
        raise ProtobufError("a text is a number")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ProtobufError("a text is not UTF-8") from None


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ProtobufError("a message is a number")
    return value


def _number(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise ProtobufError("a number is a text")
    return value - (1 << 64) if value >> 63 else value


def _time(data: bytes) -> str | None:
    seconds = next((_number(value) for number, value in _parts(data) if number == 1), 0)
    try:
        return rfc3339(datetime.fromtimestamp(seconds, UTC)) if seconds else None
    except (OverflowError, ValueError, OSError):
        raise ProtobufError("a time is out of range") from None


def _int_or_string(data: bytes) -> int | str:
    found = dict(_parts(data))
    if found.get(1, 0) == 0:
        return _number(found.get(2, 0))
    return _text(found.get(3, b""))


def _entry(data: bytes, kind: Kind) -> tuple[str, Any]:
    found = dict(_parts(data))
    return _text(found.get(1, b"")), _value(found.get(2, b""), Field("", kind))


def _value(value: int | bytes, field: Field) -> Any:
    match field.kind:
        case Kind.TEXT:
            return _text(value)
        case Kind.BYTES:
            return base64.b64encode(_bytes(value)).decode()
        case Kind.NUMBER:
            return _number(value)
        case Kind.TRUTH:
            return bool(_number(value))
        case Kind.TIME:
            return _time(_bytes(value))
        case Kind.INT_OR_STRING:
            return _int_or_string(_bytes(value))
        case Kind.MESSAGE:
            return _message(_bytes(value), field.message)


def _message(data: bytes, name: str) -> dict[str, Any]:
    """One message as JSON has it: what is empty is left out, unless empty means something."""
    fields, found = MESSAGES[name], dict[str, Any]()
    for number, raw in _parts(data):
        field = fields.get(number)
        if field is None:
            continue
        if field.is_map:
            key, value = _entry(_bytes(raw), field.kind)
            found.setdefault(field.name, {})[key] = value
        elif field.is_list:
            found.setdefault(field.name, []).append(_value(raw, field))
        else:
            value = _value(raw, field)
            if value or field.optional:
                found[field.name] = value
    return found


def decode(data: bytes) -> dict[str, Any]:
    """Read a body.

    Args:
        data: the envelope.

    Raises:
        ProtobufError: it is none, or holds a kind that is not read.
    """
    if not data.startswith(MAGIC):
        raise ProtobufError("it is no Kubernetes protobuf")
    envelope = dict(_parts(data[len(MAGIC) :]))
    named = {number: _text(value) for number, value in _parts(_bytes(envelope.get(1, b"")))}
    version, kind = named.get(1, ""), named.get(2, "")
    message = KINDS.get((version, kind)) or KINDS.get(("", kind))
    if message is None:
        raise ProtobufError(f"{kind} of {version} is not read in protobuf: send JSON")
    whole = _message(_bytes(envelope.get(2, b"")), message)
    return {"apiVersion": version, "kind": kind, **whole}
