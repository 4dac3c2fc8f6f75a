"""The redaction log: which rule hid how much in which file; never what."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.provenance import Redaction


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
