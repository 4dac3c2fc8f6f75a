"""Secrets: their values are replaced by ``REDACTED``, what is public stays (design, section 4)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Iterator

from meshdoctor.recording.redaction.json_places import (
    JsonPlaceError,
    Place,
    parse_places,
    spliced,
)
from meshdoctor.recording.redaction.key_material import derived_facts, public_part

_PATH = "core/v1/secrets.json"
_RULE = "secret-data"
_UNREADABLE = "unreadable-secrets"
_REDACTED = "REDACTED"
_REDACTED_BASE64 = base64.b64encode(_REDACTED.encode()).decode()
_KIND = re.compile(rb'"kind"\s*:\s*"Secret(?:List)?"')
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_CONTENT = re.compile(rb"[^\r\n]+")

Edit = tuple[int, int, str]


def is_secret_list(path: str, data: bytes) -> bool:
    """Whether a file holds Secrets.

    Args:
        path: where it lies in a recording.
        data: what it holds.
    """
    if path.endswith(_PATH):
        return True
    return path.endswith(".json") and b'"Secret' in data and _KIND.search(data) is not None


def redact_secrets(data: bytes) -> tuple[bytes, Counter[str]]:
    """A document without the values of the Secrets in it.

    A document that cannot be parsed is hidden line by line: nothing tells where its secrets end.
    """
    try:
        text = data.decode()
        document = parse_places(text)
    except (JsonPlaceError, UnicodeDecodeError, RecursionError):
        hidden = _CONTENT.sub(_REDACTED.encode(), data)
        return hidden, Counter() if hidden == data else Counter({_UNREADABLE: 1})
    edits: list[Edit] = []
    hidden_values = 0
    for secret in _secrets(document, listed=True):
        found, count = _object_edits(secret, text, derive=True)
        edits += found
        hidden_values += count
    if not edits:
        return data, Counter()
    return spliced(text, edits).encode(), Counter({_RULE: hidden_values})


def _secrets(place: Place, *, listed: bool) -> Iterator[Place]:
    """The Secrets in a document: of a SecretList, or wherever an object says it is one."""
    kinds = {found.text for found in place.get("kind")}
    if "SecretList" in kinds or (listed and not kinds and place.get("items")):
        for items in place.get("items"):
            yield from items.items
        return
    has_values = place.get("data") or place.get("stringData")
    if "Secret" in kinds or (listed and not kinds and has_values):
        yield place
        return
    children = [child for _, child in place.members or ()] + place.items
    for child in children:
        yield from _secrets(child, listed=False)


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return value.encode()


def _hidden(value: bytes) -> bytes:
    return public_part(value) or _REDACTED.encode()


def _object_edits(secret: Place, text: str, *, derive: bool) -> tuple[list[Edit], int]:
    """What changes one Secret, and how many values that hides."""
    edits: list[Edit] = []
    hidden: list[str] = []
    values: dict[str, bytes] = {}
    for field, encoded in (("data", True), ("stringData", False)):
        for part in secret.get(field):
            if part.members is None and part.text is not None:
                edits.append((part.start, part.end, json.dumps(_REDACTED)))
                hidden.append("")
            for key, place in part.members or ():
                if place.text is None:
                    continue
                value = _decoded(place.text) if encoded else place.text.encode()
                values[key] = value
                if not value.strip() or value == _REDACTED.encode():
                    continue
                kept = _hidden(value)
                if kept != value:
                    shown = base64.b64encode(kept).decode() if encoded else kept.decode()
                    edits.append((place.start, place.end, json.dumps(shown)))
                    hidden.append(key)
    count = len(hidden)
    if derive:
        edits += _derived_edits(secret, values, hidden)
    for applied in _last_applied(secret):
        edit, more = _applied_edit(applied)
        edits += edit
        count += more
    return edits, count


def _derived_edits(secret: Place, values: dict[str, bytes], hidden: list[str]) -> list[Edit]:
    """Tell what hidden keys were fit for, unless a recorder told it before."""
    told = secret.get("derived")
    known = {key for place in told for key, _ in place.members or ()}
    facts = {
        key: fact
        for key in hidden
        if key and key not in known and (fact := derived_facts(values, key)) is not None
    }
    if not facts:
        return []
    text = json.dumps(facts, separators=(",", ":"))
    if told and told[0].members is not None:
        comma = "," if told[0].members else ""
        return [(told[0].start + 1, told[0].start + 1, text[1:-1] + comma)]
    return [(secret.start + 1, secret.start + 1, f'"derived":{text},')]


def _last_applied(secret: Place) -> Iterator[Place]:
    for metadata in secret.get("metadata"):
        for notes in metadata.get("annotations"):
            yield from notes.get(_LAST_APPLIED)


def _applied_edit(applied: Place) -> tuple[list[Edit], int]:
    """What kubectl keeps of the manifest that was applied: the same Secret, in a string."""
    if applied.text is None or applied.text == _REDACTED:
        return [], 0
    try:
        document = parse_places(applied.text)
    except (JsonPlaceError, RecursionError):
        return [(applied.start, applied.end, json.dumps(_REDACTED))], 1
    edits, count = _object_edits(document, applied.text, derive=False)
    if not edits:
        return [], 0
    shown = json.dumps(spliced(applied.text, edits), ensure_ascii=False)
    return [(applied.start, applied.end, shown)], count
