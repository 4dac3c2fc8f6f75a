"""JSON documents: one decoder, one error."""

from __future__ import annotations

from typing import Any

import msgspec

from meshdoctor.parse.errors import ParseError


def decode_json(data: bytes) -> Any:
    """Decode a JSON document.

    Raises:
        ParseError: it is not JSON, is cut short, or nests too deeply to be honest.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ParseError(f"not valid JSON: {error}") from None
    except RecursionError:
        raise ParseError("not valid JSON: it nests too deeply") from None


def decode_object(data: bytes) -> dict[str, Any]:
    """Decode a JSON document that must be an object.

    Raises:
        ParseError: it is not JSON, or not an object.
    """
    value = decode_json(data)
    if not isinstance(value, dict):
        raise ParseError("not a JSON object")
    return value


def decode_array(data: bytes) -> list[Any]:
    """Decode a JSON document that must be an array (an istiod prints null for an empty one).

    Raises:
        ParseError: it is not JSON, or not an array.
    """
    value = decode_json(data)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ParseError("not a JSON array")
    return value
