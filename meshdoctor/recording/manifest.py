"""recording.json: what a recording says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.model.not_read import NotRead, NotReadStatus
from meshdoctor.model.resource import as_list, as_mapping, parse_time
from meshdoctor.model.snapshot import About
from meshdoctor.parse.documents import decode_object
from meshdoctor.parse.errors import ParseError
from meshdoctor.recording.archive import RecordingError
from meshdoctor.recording.layout import FORMAT, MANIFEST

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORDS = (
    (NotReadStatus.DENIED, ("forbidden", "denied", "unauthorized", "401", "403")),
    (NotReadStatus.TIMEOUT, ("timeout", "timed out", "deadline exceeded")),
    (
        NotReadStatus.NOT_INSTALLED,
        ("could not find the requested resource", "no matches for kind", "not installed"),
    ),
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest's facts."""

    about: About
    errors: tuple[NotRead, ...]
    """What the recorder could not read."""


def status_of(given: object, reason: str) -> NotReadStatus:
    """The contract's word for a failed read; derived from the reason where none was written."""
    text = f"{given} {reason}".lower()
    for status in NotReadStatus:
        if given == status.value:
            return status
    for status, words in _WORDS:
        if any(word in text for word in words):
            return status
    return NotReadStatus.FAILED


def _errors(manifest: Mapping[str, Any]) -> tuple[NotRead, ...]:
    found: list[NotRead] = []
    for value in as_list(manifest.get("errors")):
        item = as_mapping(value)
        what = item.get("what")
        if isinstance(what, str):
            reason = str(item.get("reason") or "no reason was recorded")
            found.append(NotRead(what, status_of(item.get("status"), reason), reason))
    return tuple(found)


def parse_manifest(data: bytes, name: str) -> Manifest:
    """Read recording.json.

    Raises:
        RecordingError: it is not a manifest of a format this version reads, or has no time.
    """
    try:
        manifest = decode_object(data)
    except ParseError as error:
        raise RecordingError(f"{name}: {MANIFEST} is {error}") from None
    written = manifest.get("format")
    if written != FORMAT:
        raise RecordingError(
            f"{name}: {MANIFEST} says format {str(written)[:80]!r}; this version reads {FORMAT!r}"
        )
    captured_at = parse_time(manifest.get("captured_at"))
    if captured_at is None:
        raise RecordingError(f"{name}: {MANIFEST} has no readable captured_at time")
    about = About(
        name=name,
        captured_at=captured_at,
        kubernetes=str(manifest.get("kubernetes") or ""),
        istio=str(manifest.get("istio") or ""),
        source="recording",
    )
    return Manifest(about, _errors(manifest))
