"""The redaction log: which rule hid how much in which file; never what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Redaction:
    """How often one rule found a secret in one file."""

    path: str
    """Path within the recording."""
    rule: str
    """The rule's name, as ``RULES`` lists them."""
    count: int


def summary(log: Iterable[Redaction]) -> tuple[tuple[str, int, int], ...]:
    """For people: each rule with the secrets it hid and the files it hid them in, most first."""
    secrets: Counter[str] = Counter()
    files: Counter[str] = Counter()
    for entry in log:
        secrets[entry.rule] += entry.count
        files[entry.rule] += 1
    return tuple(
        (rule, count, files[rule])
        for rule, count in sorted(secrets.items(), key=lambda item: (-item[1], item[0]))
    )
