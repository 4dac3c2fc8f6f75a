"""What may be compared with: recordings near the open one, and paths that begin as one typed."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from meshdoctor.recording.layout import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterator

LIVE = "live"
"""Typed: the live cluster. A file of that name is ``./live``."""
OPENED = "opened"
"""Typed in the app on a live mesh: as it was when it was first read whole."""
_ARCHIVES = (".tar.gz", ".tgz", ".tar")
_MOST_LOOKED_AT = 2000
"""Entries of a folder; a larger one is nobody's folder of recordings."""
_MOST_COMPLETED = 50


def recordings_near(path: Path | None) -> list[tuple[str, str]]:
    """The recordings in the folder of one, the newest first: as to be typed, and from when.

    Args:
        path: the open recording, which is left out; None for the folder we were started in.
    """
    folder = path.parent if path is not None else Path()
    found: list[tuple[float, str]] = []
    for entry in _entries(folder):
        if path is not None and entry.name == path.name:
            continue
        # A link may lead nowhere, and a folder may not let itself be looked into.
        with suppress(OSError):
            if entry.name.endswith(_ARCHIVES) or (Path(entry.path) / MANIFEST).is_file():
                found.append((entry.stat().st_mtime, str(folder / entry.name)))
    found.sort(key=lambda item: (-item[0], item[1]))
    return [(name, _when(written)) for written, name in found]


def _when(written: float) -> str:
    return f"{datetime.fromtimestamp(written, UTC):%Y-%m-%d %H:%M} UTC"


def completions(typed: str) -> list[str]:
    """Paths that begin as what was typed; folders end in a slash.

    Args:
        typed: the beginning of a path.
    """
    if not typed:
        return []
    head, _, tail = typed.rpartition("/")
    shown = f"{head}/" if "/" in typed else ""
    folder = Path(shown or ".").expanduser()
    names = sorted(
        entry.name + ("/" if entry.is_dir() else "")
        for entry in _entries(folder)
        if entry.name.startswith(tail) and (tail or not entry.name.startswith("."))
    )
    return [shown + name for name in names[:_MOST_COMPLETED]]


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                if number >= _MOST_LOOKED_AT:
                    return
                yield entry
    except (OSError, ValueError):
        return
