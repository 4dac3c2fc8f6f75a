"""The part of kubectl's JSONPath that printer columns use (client-go, ``util/jsonpath``).

Fields, indexes, ``[*]`` and filters such as ``[?(@.type=="Ready")]``; no recursion, no scripts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEP = re.compile(
    r"""\.(?P<field>(?:\\.|[^.\[\]\\])+)
      | \[['"](?P<quoted>[^'"]+)['"]\]
      | \[(?P<index>-?\d+)\]
      | (?P<all>\[\*\]|\.\*)
      | \[\?\(@(?P<path>[^=!<>]+?)\s*==\s*(?P<value>"[^"]*"|'[^']*'|[\w.-]+)\s*\)\]""",
    re.VERBOSE,
)
_MISSING = object()


def _matching(value: Any, path: str, wanted: str) -> Iterator[Any]:
    for item in value if isinstance(value, list) else ():
        for found in find(item, path.strip()):
            text = str(found).lower() if isinstance(found, bool) else str(found)
            if text == wanted.strip("\"'"):
                yield item


def _step(value: Any, match: re.Match[str]) -> Iterator[Any]:
    if match["all"]:
        yield from value if isinstance(value, list) else ()
        yield from value.values() if isinstance(value, dict) else ()
    elif match["path"]:
        yield from _matching(value, match["path"], match["value"])
    elif match["index"]:
        number = int(match["index"])
        if isinstance(value, list) and -len(value) <= number < len(value):
            yield value[number]
    else:
        name = match["quoted"] or match["field"].replace("\\", "")
        found = value.get(name, _MISSING) if isinstance(value, dict) else _MISSING
        if found is not _MISSING:
            yield found


def find(value: Any, path: str) -> list[Any]:
    """What a path leads to; nothing where the path cannot be read or ends early.

    Args:
        value: a JSON value.
        path: such as ``.status.conditions[?(@.type=="Ready")].status``.
    """
    if not path.startswith((".", "[")):
        path = f".{path}"
    found, position = [value], 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            return []
        found = [one for item in found for one in _step(item, match)]
        position = match.end()
    return found
