"""What was practised: one line of JSON an attempt, in the person's data directory."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

# msgspec looks the types of the fields up at run time.
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from platformdirs import user_data_path

_VARIABLE = "MESHDOCTOR_DATA"
_FILE = "history.jsonl"


@dataclass(frozen=True, slots=True)
class Result:
    """How one attempt at a drill ended."""

    drill: str
    """Its id."""
    ended: datetime
    seconds: float
    points: int
    """Of 100."""
    passed: bool
    hints: int
    hypothesis: str | None
    """The root cause that the candidate committed to, by id."""
    right_hypothesis: bool | None
    """None where the candidate committed to none, or the drill has none."""
    mode: str
    """``app``, ``kubectl`` or ``exam``."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A line of the history that cannot be read; it stays in the file."""

    line: int
    """Its number, from 1."""
    reason: str


def data_folder() -> Path:
    """Where what a person practised is kept; ``MESHDOCTOR_DATA`` names another place."""
    named = os.environ.get(_VARIABLE)
    return Path(named) if named else user_data_path("meshdoctor")


def append(result: Result, folder: Path | None = None) -> None:
    """Add an attempt to the history, whole or not at all.

    Args:
        result: how it ended; ``ended`` knows its time zone.
        folder: the person's data directory, unless it is named.

    Raises:
        OSError: it cannot be written there.
    """
    kept = replace(result, ended=result.ended.astimezone(UTC))
    line = msgspec.json.encode(kept) + b"\n"
    folder = folder or data_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
    handle = os.open(folder / _FILE, flags, 0o600)
    try:
        size = os.fstat(handle).st_size
        # One write puts the line in one piece behind whatever another process has written.
        written = os.write(handle, (b"" if _ends_a_line(handle, size) else b"\n") + line)
        os.fsync(handle)
    finally:
        os.close(handle)
    if written < len(line):
        raise OSError(f"{folder / _FILE}: no room for the whole line")


def _ends_a_line(handle: int, size: int) -> bool:
    """Whether nothing was cut off at the end, as by a full disk."""
    if not size:
        return True
    os.lseek(handle, size - 1, os.SEEK_SET)
    return os.read(handle, 1) == b"\n"


def read(folder: Path | None = None) -> tuple[Result, ...]:
    """Every attempt, the oldest first; ``damages`` says which lines were left out.

    Args:
        folder: the person's data directory, unless it is named.

    Raises:
        OSError: the history is there and cannot be read.
    """
    return tuple(sorted(_read(folder)[0], key=lambda one: one.ended))


def damages(folder: Path | None = None) -> tuple[Damage, ...]:
    """The lines of the history that cannot be read.

    Args:
        folder: the person's data directory, unless it is named.

    Raises:
        OSError: the history is there and cannot be read.
    """
    return tuple(_read(folder)[1])


def _read(folder: Path | None) -> tuple[list[Result], list[Damage]]:
    try:
        lines = ((folder or data_folder()) / _FILE).read_bytes().split(b"\n")
    except FileNotFoundError:
        return [], []
    results: list[Result] = []
    damaged: list[Damage] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            results.append(_parsed(line))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            damaged.append(Damage(number, str(error)))
    return results, damaged


def _parsed(line: bytes) -> Result:
    result = msgspec.json.decode(line, type=Result)
    if result.ended.tzinfo is None:
        raise msgspec.ValidationError("Expected a time zone - at `$.ended`")
    return replace(result, ended=result.ended.astimezone(UTC))
