"""One line that a person pastes: what it is, what its fields mean, where to go on.

An access log line, a line of one of Istio's components, a pod event, or what curl, kubectl or an
application said. The words stand in ``playbooks/pasted`` and ``playbooks/log-lines.yaml``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from meshdoctor.parse.access_log import parse_access_line
from meshdoctor.parse.log_lines import parse_log_line
from meshdoctor.recording.redact import Redactor
from meshdoctor.views.log_line_patterns import (
    LOOKED_AT,
    LinePattern,
    explaining,
    load_line_patterns,
)
from meshdoctor.views.pasted_request import explain_request
from meshdoctor.views.pasted_tables import pasted_table

if TYPE_CHECKING:
    from meshdoctor.model.log_line import LogLine

_SOURCES = {
    "istiod": "log of istiod",
    "agent": "log of a proxy's agent (istio-proxy)",
    "ztunnel": "log of ztunnel",
    "cni": "log of Istio's CNI node agent",
    "curl": "message of a client",
    "response": "answer that a client got",
    "event": "event or status of a pod",
    "kubectl": "answer of the API server",
    "application": "message of an application",
}
_LEVEL = "how grave its writer thinks it is"
_LABEL = "label that the writer put beside the message"
_LABELS = {
    "src.addr": "the client, as this ztunnel saw it",
    "src.workload": "the client's pod",
    "src.identity": "who the client is, from its certificate",
    "dst.addr": "where the connection went",
    "dst.service": "the Service that the client meant",
    "dst.workload": "the pod that it went to",
    "dst.identity": "who the server is, from its certificate",
    "direction": "whether this end is the client's (outbound) or the server's (inbound)",
    "error": "why it failed",
    "proxy": "the proxy that the line is about",
}
_DECORATION = re.compile(r"(?:\[pod/[^\]]+\] |[a-z0-9-]+ (?=\[\d{4}-))")
"""What ``kubectl logs --prefix`` and stern put before a line."""


@dataclass(frozen=True, slots=True)
class PastedField:
    """One part of the line."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class PastedLine:
    """What a line says."""

    source: str
    """Whose line it is, in words."""
    id: str
    """Of the entry of the library that explains it; empty when none does."""
    fields: tuple[PastedField, ...]
    meaning: str
    what_to_do: str
    playbook: str | None
    """The playbook to go on with."""
    to: str | None = None
    """``host:port`` that the request was for."""

    def to_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "source": self.source,
            "id": self.id or None,
            "fields": [
                {"name": item.name, "value": item.value, "meaning": item.meaning}
                for item in self.fields
            ],
            "meaning": self.meaning,
            "what_to_do": self.what_to_do,
            "playbook": self.playbook,
            "to": self.to,
        }


@cache
def _message_patterns() -> tuple[tuple[re.Pattern[str], dict[str, Any]], ...]:
    entries = pasted_table("lines")
    return tuple((re.compile(entry["pattern"]), entry) for entry in entries)


def _message(text: str) -> PastedLine | None:
    for pattern, entry in _message_patterns():
        if pattern.search(text):
            return PastedLine(
                source=_SOURCES[entry["source"]],
                id=entry["id"],
                fields=(PastedField("message", text, "as it was pasted"),),
                meaning=entry["meaning"],
                what_to_do=entry["what_to_do"],
                playbook=entry["playbook"],
            )
    return None


def _log_fields(line: LogLine) -> tuple[PastedField, ...]:
    time = line.time.isoformat().replace("+00:00", "Z") if line.time else ""
    parts = [
        PastedField("time", time, "when it was written (UTC)"),
        PastedField("level", line.level, _LEVEL),
        PastedField("scope", line.scope or "", "which part of the component wrote it"),
        PastedField("message", line.message, "what happened"),
        *(PastedField(key, value, _LABELS.get(key, _LABEL)) for key, value in line.fields),
    ]
    return tuple(part for part in parts if part.value)


def _component(text: str, line: LogLine | None) -> PastedLine | None:
    patterns = load_line_patterns()
    found: LinePattern | None = explaining(line, patterns) if line else None
    found = found or next((item for item in patterns if item.pattern.search(text)), None)
    if found is None:
        return None
    fields = (PastedField("message", text, "as it was pasted"),)
    return PastedLine(
        source=_SOURCES[found.source],
        id=found.id,
        fields=_log_fields(line) if line else fields,
        meaning=found.meaning,
        what_to_do=found.what_to_do,
        playbook=found.playbook,
    )


def _unknown(text: str, line: LogLine | None) -> PastedLine:
    """A line that nothing explains: its fields still are what they are."""
    fields = _log_fields(line) if line else (PastedField("text", text, "as it was pasted"),)
    return PastedLine(
        source="log of a component" if line else "unknown",
        id="",
        fields=fields,
        meaning="Nothing in the library explains this line.",
        what_to_do="Everything is diagnosed instead.",
        playbook=None,
    )


def explain_pasted(text: str) -> PastedLine:
    """Say what one line means.

    Args:
        text: the line as it was copied; of several lines the first that is explained counts.
    """
    lines = [part.strip() for part in text.splitlines() if part.strip()] or [text.strip()]
    explained = [_explain_one(line) for line in lines[:50]]
    return next((item for item in explained if item.id), explained[0])


def _redacted(text: str) -> str:
    """Without what a request may have carried: tokens, cookies, passwords in URLs."""
    found = Redactor().redact("pasted.log", text.encode("utf-8", errors="replace"))
    return found.decode("utf-8", errors="replace")


def _explain_one(text: str) -> PastedLine:
    text = _DECORATION.sub("", _redacted(text[:LOOKED_AT]), count=1)
    entry = parse_access_line(text, 1)
    if entry is not None:
        outcome = explain_request(entry)
        fields = tuple(PastedField(*part) for part in outcome.fields)
        return PastedLine(
            source="access log of a proxy",
            id=outcome.id,
            fields=fields,
            meaning=outcome.meaning,
            what_to_do=outcome.what_to_do,
            playbook=outcome.playbook,
            to=outcome.to,
        )
    line = parse_log_line(text, 1)
    # A component's own line quotes what others said: its own pattern knows more.
    if line is not None:
        return _component(text, line) or _message(text) or _unknown(text, line)
    return _message(text) or _component(text, None) or _unknown(text, None)
