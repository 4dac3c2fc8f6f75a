"""Lint users' checks: what they say beside what playbooks and causes of theirs ask for."""

from __future__ import annotations

import re
from string import Formatter
from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.checks import Check, entries, own_checks
from meshdoctor.extension.folders import folders, own_documents

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ALWAYS = frozenset({"object", "name", "namespace"})
"""Words that every message may use."""
_BOUND = re.compile(r"\.(?:all|exists|exists_one|filter|map)\(\s*(\w+)\s*,")
"""The variable of a macro, as in ``list.exists(item, …)``."""
_KNOWN = frozenset({"object", "others", "now", "mesh"})
"""What expressions may name."""
FUNCTIONS = frozenset(
    [
        "size",
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "string",
        "bytes",
        "int",
        "uint",
        "double",
        "type",
        "dyn",
        "duration",
        "timestamp",
        "getFullYear",
        "getMonth",
        "getDate",
        "getDayOfMonth",
        "getDayOfWeek",
        "getDayOfYear",
        "getHours",
        "getMinutes",
        "getSeconds",
        "getMilliseconds",
    ]
)
"""Functions of CEL's own; the API server's libraries (quantity, url, lists) are not there."""


def check_schema_entries() -> Iterator[tuple[str, Any]]:
    """Every check as its file has it, with the file's path."""
    for file, document in own_documents("checks"):
        for item in entries(document):
            yield file, item


def check_links(
    outcomes: list[dict[str, Any]], causes: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """What a check breaks of the rules that a schema cannot tell, a line each.

    Args:
        outcomes: of every step of every playbook.
        causes: every cause's document, by id.

    Raises:
        CheckError: an expression is not CEL, or a kind is not known.
    """
    seen: dict[str, str] = {}
    for check in own_checks(folders()):
        code = check.code.code
        if code in seen:
            yield f"{check.file}: code {code} is taken by {seen[code]}"
        seen.setdefault(code, check.file)
        yield from _names(check)
        for outcome in outcomes:
            cause = causes.get(outcome.get("cause", ""), {})
            if outcome["when"] == code and cause and check.fact not in cause["asks_for"]:
                wanted = ", ".join(cause["asks_for"])
                yield (
                    f"{check.file}: {code}: fact {check.fact} is none that {cause['id']} asks "
                    f"for ({wanted})"
                )


def _names(check: Check) -> Iterator[str]:
    """Words and variables that nobody fills in."""
    for _, word, _, _ in Formatter().parse(check.message):
        if word is not None and word not in _ALWAYS | check.words.keys():
            yield f"{check.file}: {check.code.code}: nothing is known as {{{word}}}"
    given = [check.fails, *check.words.values(), *([check.where] if check.where else [])]
    for expression in given:
        bound = set(_BOUND.findall(expression.source))
        for name in sorted(set(expression.program.variables()) - _KNOWN - bound):
            yield f"{check.file}: {check.code.code}: expressions know no {name!r}"
        # Operators are functions, too: their names are no words.
        asked = {name for name in expression.program.functions() if name.isalnum()}
        for name in sorted(asked - FUNCTIONS):
            yield f"{check.file}: {check.code.code}: there is no function {name}()"
