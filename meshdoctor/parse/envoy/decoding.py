"""Decoding JSON to a shape: one error for all the ways it can go wrong."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from meshdoctor.parse.errors import ParseError

T = TypeVar("T")


def decode(data: bytes | msgspec.Raw, shape: type[T], what: str) -> T:
    """Decode JSON, skipping whatever the shape does not name.

    Args:
        data: the document, or a part of one.
        shape: a msgspec type.
        what: what it should be, for the error.

    Raises:
        ParseError: it is not JSON, not UTF-8, nests too deeply, or has another shape.
    """
    try:
        return msgspec.json.decode(data, type=shape)
    except msgspec.ValidationError as error:
        raise ParseError(f"not {what}: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ParseError(f"not valid JSON: {error}") from None
    except RecursionError:
        raise ParseError("not valid JSON: it nests too deeply") from None
