"""What a drill's file breaks of its schema, in words for whoever writes it."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema import ValidationError

    from meshdoctor.drill.source_lines import SourceLines

    Path = tuple[str | int, ...]

TODO = "TODO"
"""What a scaffold leaves to its writer."""
_LONGEST = 160
"""Characters of a message; what it quotes may be a whole drill."""


@cache
def _schema() -> dict[str, Any]:
    text = files("meshdoctor.drill").joinpath("drill.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def is_allowed_page(page: str) -> bool:
    """Whether the exam allows a page, as the schema has it.

    Args:
        page: its address.
    """
    pages = _schema()["properties"]["documents"]["items"]
    return bool(Draft202012Validator(pages).is_valid(page))


def against_schema(name: str, document: Any, lines: SourceLines | None = None) -> Iterator[str]:
    """What a drill's document breaks of the schema, and what is still to do, a line each.

    Args:
        name: of the file, for the lines.
        document: what it holds.
        lines: of the file, where they are to be named.
    """
    errors = Draft202012Validator(_schema()).iter_errors(document)
    found = [(tuple(error.absolute_path), _message(error)) for error in errors]
    found += [(path, f"still says {TODO}") for path in _todos(document, ())]
    for path, message in sorted(found, key=lambda one: (_line(lines, one[0]), str(one))):
        where = "/".join(str(part) for part in path) or "document"
        line = f":{_line(lines, path)}" if lines is not None else ""
        yield f"{name}{line}: {where}: {message}"


def _line(lines: SourceLines | None, path: Path) -> int:
    return lines.line_of(path) if lines is not None else 0


def _todos(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, dict):
        for key, one in value.items():
            if TODO in str(key):
                yield (*path, key)
            else:
                yield from _todos(one, (*path, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _todos(one, (*path, index))
    elif TODO in str(value):
        yield path


def _message(error: ValidationError) -> str:
    """What an error says, without quoting half the drill."""
    at: Any = error.instance
    wanted: Any = error.validator_value
    match error.validator:
        case "oneOf":
            kinds = ", ".join(one["required"][0] for one in wanted)
            return f"needs exactly one of {kinds}"
        case "anyOf":
            return f"needs at least one of {', '.join(one['required'][0] for one in wanted)}"
        case "not":
            return "only a wrong fix has fails"
        case "minItems":
            return f"has {len(at)} items, at least {wanted} are needed"
        case "maxItems":
            return f"has {len(at)} items, at most {wanted} are allowed"
        case "minLength":
            return f"has {len(at)} characters, at least {wanted} are needed"
        case "maxLength":
            return f"has {len(at)} characters, at most {wanted} are allowed"
        case "minProperties" | "maxProperties":
            return f"has {len(at)} keys ({', '.join(map(str, at))}), exactly one is needed"
    text = " ".join(error.message.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
