"""The exit codes of every command, in one place."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit code says."""

    OK = 0
    """Nothing is wrong that meshdoctor knows of, and everything needed was read."""
    ROOT_CAUSE = 1
    """Some root cause, or a finding of severity error."""
    USAGE = 2
    """Bad usage, or an input that cannot be read at all."""
    WARNINGS = 3
    """Warnings only."""
    UNREAD = 4
    """No root cause was found, but something that was needed could not be read."""
    INTERRUPTED = 130
    """Stopped by the person (128 + SIGINT)."""
