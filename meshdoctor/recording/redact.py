"""The Redactor: every file passes it before it is parsed, shown or written.

What it hides and what it keeps is told in docs/adr/0007-redact-before-disk.md.
"""

from __future__ import annotations

from collections import Counter

from meshdoctor.model.provenance import Redaction
from meshdoctor.recording.redaction.engine import Engine
from meshdoctor.recording.redaction.log import summary
from meshdoctor.recording.redaction.replacement import Tokens
from meshdoctor.recording.redaction.rules import MEANINGS
from meshdoctor.recording.redaction.secret_objects import is_secret_list, redact_secrets
from meshdoctor.recording.redaction.text import Style

__all__ = ["MEANINGS", "Redaction", "Redactor", "summary"]

_NUMBERS = ("stats.txt", "memory.json")
_PROSE = ("events.json", "customresourcedefinitions.json")


def style_of(path: str) -> Style:
    """What kind of text a file of a recording is."""
    name = path.rpartition("/")[2]
    return Style(
        prose=name.endswith(".log") or name in _PROSE,
        json=name.endswith(".json"),
        base64="kubernetes/" in path and name not in _PROSE,
        numbers=name in _NUMBERS,
    )


class Redactor:
    """Hides secrets, keeps what is evidence, and logs how much it hid."""

    def __init__(self, salt: bytes | None = None) -> None:
        """Start with an empty log.

        Args:
            salt: for tests; otherwise random for each recording.
        """
        self._engine = Engine(Tokens(salt))
        self._counts: dict[str, Counter[str]] = {}

    def redact(self, path: str, data: bytes) -> bytes:
        """One file without its secrets; its lines and its JSON arrays stay as they were.

        Args:
            path: where it lies in a recording; redacting a path again replaces its log.
            data: what it holds; any bytes.
        """
        counts: Counter[str] = Counter()
        if is_secret_list(path, data):
            data, found = redact_secrets(data)
            counts.update(found)
        data, found = self._engine.redact(data, style_of(path))
        counts.update(found)
        self._counts.pop(path, None)
        if counts:
            self._counts[path] = counts
        return data

    def log(self) -> tuple[Redaction, ...]:
        """What was hidden where: never the secrets themselves."""
        return tuple(
            Redaction(path, rule, count)
            for path, counts in sorted(self._counts.items())
            for rule, count in sorted(counts.items())
        )
