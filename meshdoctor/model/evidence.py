"""Evidence: the place in a snapshot that proves a statement."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a fact was read: a JSON pointer or a line in one file of the recording.

    The pointer (RFC 6901) or the line leads to the excerpt, always.
    """

    source: str
    """Path of the file within the recording, e.g. ``kubernetes/core/v1/services.json``."""
    excerpt: str
    """What stands there: a string as it is, any other value as JSON, a log line whole."""
    command: str
    """What a person would run on the live mesh to see the same."""
    pointer: str | None = None
    """RFC 6901 pointer from the root of a JSON file."""
    line: int | None = None
    """1-based line number in a text file."""


def excerpt_of(value: Any) -> str:
    """Text of a JSON value: strings stay bare, everything else is JSON on one line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def escape_pointer(part: str) -> str:
    """One reference token of a JSON pointer, escaped as RFC 6901 section 3 asks."""
    return part.replace("~", "~0").replace("/", "~1")


def join_pointer(base: str, parts: Sequence[str | int]) -> str:
    """Append reference tokens to a JSON pointer."""
    return base + "".join("/" + escape_pointer(str(part)) for part in parts)


def resolve_pointer(document: Any, pointer: str) -> Any:
    """Follow an RFC 6901 pointer.

    Raises:
        LookupError: the pointer leads nowhere in this document.
    """
    value = document
    for token in pointer.split("/")[1:]:
        part = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list):
            if not part.isdigit():
                raise LookupError(pointer)
            value = value[int(part)]
        elif isinstance(value, dict):
            value = value[part]
        else:
            raise LookupError(pointer)
    return value
