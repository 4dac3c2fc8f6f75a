"""What a recorder says of itself, as a snapshot tells it to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.provenance import Provenance, Redaction
from meshdoctor.recording.manifest_document import server_host

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.recording.manifest_document import RecordedScope, Recorder


def _asked(scope: RecordedScope) -> tuple[tuple[str, str], ...]:
    given = {
        "namespaces": ", ".join(scope.namespaces),
        "selector": scope.selector,
        "from": scope.source,
        "to": scope.to,
        "pod": scope.pod,
        "revision": scope.revision,
        "max_proxies": None if scope.max_proxies is None else str(scope.max_proxies),
    }
    return tuple((name, value) for name, value in given.items() if value)


def provenance_of(
    recorder: Recorder, scope: RecordedScope, redactions: Iterable[Redaction]
) -> Provenance:
    """Join what the parts of a manifest say.

    Args:
        recorder: who read, and how it ended.
        scope: how much was asked for.
        redactions: what was hidden.
    """
    since = f"of the last {recorder.logs_since}" if recorder.logs_since else ""
    return Provenance(
        tool_version=recorder.tool_version,
        context=recorder.context,
        server=server_host(recorder.server),
        asked=_asked(scope),
        logs=since if recorder.logs else "not asked for",
        interrupted=recorder.interrupted,
        redactions=tuple(sorted(redactions)),
    )
