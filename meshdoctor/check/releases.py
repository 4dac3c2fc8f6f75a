"""Which Istio releases are supported until when, and on which Kubernetes: a table.

From istio.io, "Supported Releases" (data/compatibility/supportStatus.yml), as it stood on AS_OF.
A release is supported until six weeks after the second minor release that follows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshdoctor.analyze.upgrade_version import Version

AS_OF = date(2026, 8, 31)
"""Until when this table knows."""


@dataclass(frozen=True, slots=True)
class Release:
    """One minor release of Istio."""

    minor: int
    """Of major version 1."""
    kubernetes: tuple[int, int]
    """Oldest and newest Kubernetes minor it supports."""
    tested_from: int
    """Oldest Kubernetes minor it was tested with, though it does not support it."""
    end: date | None
    """Last day of support; None while no date is known."""
    is_end_expected: bool = False
    """Whether the day was only expected when the table was written."""


RELEASES: tuple[Release, ...] = (
    # 1.31: no row on AS_OF; its Kubernetes versions are those of the branch it was cut from.
    Release(31, (32, 36), 27, None),
    Release(30, (32, 36), 27, date(2026, 11, 30), is_end_expected=True),
    Release(29, (31, 35), 26, date(2026, 8, 31), is_end_expected=True),
    Release(28, (30, 34), 25, date(2026, 7, 1)),
    Release(27, (29, 33), 24, date(2026, 4, 7)),
    Release(26, (29, 33), 24, date(2025, 12, 22)),
    Release(25, (29, 32), 24, date(2025, 9, 30)),
    Release(24, (28, 31), 23, date(2025, 6, 19)),
    Release(23, (27, 30), 23, date(2025, 4, 16)),
    Release(22, (27, 30), 23, date(2025, 1, 31)),
    Release(21, (26, 29), 23, date(2024, 9, 30)),
    Release(20, (25, 29), 23, date(2024, 6, 25)),
)
"""Newest first."""
NEWEST, OLDEST = RELEASES[0].minor, RELEASES[-1].minor


def release_of(version: Version) -> Release | None:
    """The release a version belongs to; None when the table has none for it."""
    if version.numbers[0] != 1:
        return None
    return next((item for item in RELEASES if item.minor == version.numbers[1]), None)


def is_development(version: Version) -> bool:
    """Whether a version is a build of a branch (``1.32.0-dev``, ``1.31-alpha.<commit>``)."""
    return any(word in version.text for word in ("-dev", "-alpha"))
