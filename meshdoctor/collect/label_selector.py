"""Label selectors written as kubectl's ``-l`` (apimachinery, ``labels.Parse``)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY = r"(?P<key>[A-Za-z0-9][A-Za-z0-9._/-]*)"
_SET = re.compile(_KEY + r"\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUALS = re.compile(_KEY + r"\s*(?P<operator>==|=|!=)\s*(?P<value>[A-Za-z0-9._-]*)")
_EXISTS = re.compile(r"(?P<operator>!?)\s*" + _KEY)
_COMMA = re.compile(r",(?![^()]*\))")


class SelectorError(ValueError):
    """A selector that cannot be read; the message is one line for the person."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term of a selector."""

    key: str
    values: frozenset[str] | None
    """The values one of which it must have; None when having the label is enough."""
    negated: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it; a label that is absent has none of the values."""
        has = self.key in labels and (self.values is None or labels[self.key] in self.values)
        return has is not self.negated


def parse_selector(text: str) -> tuple[Requirement, ...]:
    """Read a selector such as ``app=web,tier!=db,env in (a, b),!legacy``.

    Raises:
        SelectorError: it is none.
    """
    return tuple(_term(term.strip(), text) for term in _COMMA.split(text.strip()) if text.strip())


def _term(term: str, text: str) -> Requirement:
    if match := _SET.fullmatch(term):
        values = frozenset(value.strip() for value in match["values"].split(","))
        return Requirement(match["key"], values, match["operator"] == "notin")
    if match := _EQUALS.fullmatch(term):
        return Requirement(match["key"], frozenset({match["value"]}), match["operator"] == "!=")
    if match := _EXISTS.fullmatch(term):
        return Requirement(match["key"], None, bool(match["operator"]))
    raise SelectorError(f"{text!r} is no label selector: {term!r} cannot be read")


def matches(selector: tuple[Requirement, ...], labels: Mapping[str, str]) -> bool:
    """Whether labels meet every term."""
    return all(requirement.matches(labels) for requirement in selector)
