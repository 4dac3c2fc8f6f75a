"""The end of an application container's log; its form is the application's own affair."""

from __future__ import annotations

from meshdoctor.model.container_log import ContainerLog

_MOST_LINES = 3
_LONGEST = 2000
"""Longer lines are no words of farewell; they are passed over."""


def read_container_log(data: bytes, source: str, first_line: int = 1) -> ContainerLog:
    """Keep the last lines of a log that say something.

    Args:
        data: the file, or its end.
        source: its path.
        first_line: number of the first line that is there.
    """
    lines = data.decode("utf-8", errors="replace").split("\n")
    kept = [
        (number, text)
        for number, text in enumerate(lines, first_line)
        if text.strip() and len(text) <= _LONGEST
    ]
    return ContainerLog(source, tuple(kept[-_MOST_LINES:]))
