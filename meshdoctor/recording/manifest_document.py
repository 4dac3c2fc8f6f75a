"""recording.json, as a recorder writes it; ``manifest`` reads it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.recording.layout import FORMAT

if TYPE_CHECKING:
    from datetime import datetime

    from meshdoctor.model.not_read import NotRead
    from meshdoctor.model.provenance import Redaction

ALL_LOGS = "all"


@dataclass(frozen=True, slots=True)
class RecordedScope:
    """How much of a mesh was asked for; empty fields ask for everything."""

    namespaces: tuple[str, ...] = ()
    selector: str | None = None
    source: str | None = None
    """The caller in question, ``--from``."""
    to: str | None = None
    """The destination in question."""
    pod: str | None = None
    revision: str | None = None
    max_proxies: int | None = None
    proxies_read: int | None = None
    proxies_total: int | None = None
    pods: tuple[str, ...] | None = None
    """``namespace/name`` of each proxy and istiod that was to be read; None for all of them."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """Who recorded, from where, and how it ended."""

    tool_version: str = ""
    context: str = ""
    server: str = ""
    """The API server's host and port; never with credentials."""
    logs_since: str | None = None
    """How far back logs were read, as it was asked (``1h``); None for no bound in time."""
    logs: bool = True
    interrupted: str = ""
    """Why reading ended early; empty when it did not."""


def server_host(server: str) -> str:
    """A server's host and port alone: a URL may hold a user, a password, a path."""
    _, _, rest = server.rpartition("://")
    return rest.split("/", 1)[0].rpartition("@")[2]


def _scope_document(scope: RecordedScope) -> dict[str, Any]:
    return {
        "namespaces": list(scope.namespaces),
        "selector": scope.selector,
        "from": scope.source,
        "to": scope.to,
        "pod": scope.pod,
        "revision": scope.revision,
        "max_proxies": scope.max_proxies,
        "proxies_read": scope.proxies_read,
        "proxies_total": scope.proxies_total,
        "pods": None if scope.pods is None else sorted(scope.pods),
    }


def manifest_document(
    captured_at: datetime,
    *,
    kubernetes: str,
    istio: str,
    recorder: Recorder,
    scope: RecordedScope,
    errors: Iterable[NotRead],
    redactions: Iterable[Redaction],
) -> Mapping[str, Any]:
    """The manifest as a document.

    Args:
        captured_at: the API server's time, with a time zone.
        kubernetes: its version.
        istio: the control plane's version.
        recorder: who recorded.
        scope: how much.
        errors: what could not be read.
        redactions: what was hidden, never the secrets.
    """
    return {
        "format": FORMAT,
        "captured_at": captured_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "kubernetes": kubernetes,
        "istio": istio,
        "tool": {"name": "meshdoctor", "version": recorder.tool_version},
        "context": recorder.context,
        "server": server_host(recorder.server),
        "scope": _scope_document(scope),
        "logs": {"read": recorder.logs, "since": recorder.logs_since},
        "interrupted": recorder.interrupted or None,
        "errors": [
            {"what": item.what, "status": item.status.value, "reason": item.reason}
            for item in errors
        ],
        "redactions": [
            {"path": item.path, "rule": item.rule, "count": item.count} for item in redactions
        ],
    }
