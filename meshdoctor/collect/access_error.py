"""The one error of a cluster that cannot be reached at all."""

from __future__ import annotations

from meshdoctor.model.source_error import SourceError


class AccessError(SourceError):
    """A cluster cannot be reached; the message is one line that says what to do."""
