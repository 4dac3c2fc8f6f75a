"""One file of a recording, as a collector hands it over."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Artifact:
    """What was read of one source, under the path it has in a recording."""

    path: str
    """Path within a recording (``kubernetes/core/v1/pods.json``, ``proxies/<ns>/<pod>/…``)."""
    data: bytes
    first_line: int = 1
    """Number of the first line, for a log of which only the end was kept."""
