"""The newest moment that an archive speaks of: it stands for "now", which none writes down."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from meshdoctor.model.resource import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable

_STAMP = rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)"
_LINE = re.compile(rb"(?m)^[\[\s]?(" + _STAMP + rb")")
_FIELD = re.compile(
    rb'"(?:creationTimestamp|deletionTimestamp|lastTransitionTime|lastUpdateTime|lastTimestamp'
    rb"|firstTimestamp|eventTime|lastObservedTime|lastHeartbeatTime|lastProbeTime|startedAt"
    rb'|finishedAt|startTime|last_updated|cluster_sent|connectedAt)"\s*:\s*"(' + _STAMP + rb")"
)
"""Times of what happened; never one that says until when something is valid."""


_COMPARED = 50


def _newest(found: Iterable[bytes]) -> datetime | None:
    # One zone is the rule, and then the texts sort as the times do.
    best: datetime | None = None
    for text in sorted(set(found), reverse=True)[:_COMPARED]:
        written = text.decode("ascii").replace(" ", "T")
        time = parse_time(written)
        if time is not None and (best is None or time > best):
            best = time
    return best.astimezone(UTC) if best else None


def newest_in_log(data: bytes) -> datetime | None:
    """The newest time at the start of a line; None when no line has one."""
    return _newest(_LINE.findall(data))


def newest_in_json(data: bytes) -> datetime | None:
    """The newest time in a field that says when something happened; None when there is none."""
    return _newest(_FIELD.findall(data))
