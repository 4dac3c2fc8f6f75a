"""recording.json: what a recording says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.model.not_read import NotRead, NotReadStatus
from meshdoctor.model.provenance import Redaction
from meshdoctor.model.resource import as_list, as_mapping, parse_time
from meshdoctor.model.snapshot import About
from meshdoctor.parse.documents import decode_object
from meshdoctor.parse.errors import ParseError
from meshdoctor.recording.archive import RecordingError
from meshdoctor.recording.layout import FORMAT, MANIFEST
from meshdoctor.recording.manifest_document import RecordedScope, Recorder
from meshdoctor.recording.provenance import provenance_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.resource import Resource

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
    scope: RecordedScope
    """How much it was asked to read; everything, when it does not say."""
    recorder: Recorder
    """Who recorded."""
    redactions: tuple[Redaction, ...]
    """What it hid."""

    def wants(self, pod: Resource) -> bool:
        """Whether a proxy's or an istiod's pod was to be read; the others are not missed."""
        pods = self.scope.pods
        return pods is None or f"{pod.namespace}/{pod.name}" in pods


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _words(value: object) -> tuple[str, ...]:
    return tuple(item for item in as_list(value) if isinstance(item, str))


def _scope(manifest: Mapping[str, Any]) -> RecordedScope:
    scope = as_mapping(manifest.get("scope"))
    return RecordedScope(
        namespaces=_words(scope.get("namespaces")),
        selector=_word(scope.get("selector")),
        source=_word(scope.get("from")),
        to=_word(scope.get("to")),
        pod=_word(scope.get("pod")),
        revision=_word(scope.get("revision")),
        max_proxies=_number(scope.get("max_proxies")),
        proxies_read=_number(scope.get("proxies_read")),
        proxies_total=_number(scope.get("proxies_total")),
        pods=_words(scope["pods"]) if isinstance(scope.get("pods"), list) else None,
    )


def _recorder(manifest: Mapping[str, Any]) -> Recorder:
    logs = as_mapping(manifest.get("logs"))
    return Recorder(
        tool_version=_text(as_mapping(manifest.get("tool")).get("version")),
        context=_text(manifest.get("context")),
        server=_text(manifest.get("server")),
        logs_since=_word(logs.get("since")),
        logs=logs.get("read") is not False,
        interrupted=_text(manifest.get("interrupted")),
    )


def _redactions(manifest: Mapping[str, Any]) -> tuple[Redaction, ...]:
    items = [as_mapping(value) for value in as_list(manifest.get("redactions"))]
    return tuple(
        Redaction(_text(item.get("path")), _text(item.get("rule")), _number(item["count"]) or 0)
        for item in items
        if _number(item.get("count"))
    )


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
    recorder, scope, redactions = _recorder(manifest), _scope(manifest), _redactions(manifest)
    about = About(
        name=name,
        captured_at=captured_at,
        kubernetes=str(manifest.get("kubernetes") or ""),
        istio=str(manifest.get("istio") or ""),
        source="recording",
        provenance=provenance_of(recorder, scope, redactions),
    )
    return Manifest(about, _errors(manifest), scope, recorder, redactions)
