"""Put a finished recording in its place, at once, without destroying what is no recording."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from meshdoctor.recording.archive_model import RecordingError
from meshdoctor.recording.archive_path import printable
from meshdoctor.recording.layout import MANIFEST
from meshdoctor.recording.writer_names import is_archive_name

if TYPE_CHECKING:
    from pathlib import Path


def _is_replaceable_folder(folder: Path) -> bool:
    return (folder / MANIFEST).is_file() or not any(folder.iterdir())


def refuse_existing(target: Path, *, force: bool) -> None:
    """See whether a recording may be put here.

    Args:
        target: the file or folder to be.
        force: whether a file, or a folder that holds a recording, may be replaced.

    Raises:
        RecordingError: something is there that must stay.
    """
    shown = printable(str(target))
    try:
        if not os.path.lexists(target):
            return
        if not force:
            raise RecordingError(f"{shown} exists already; give another name, or --force")
        archive = is_archive_name(target.name)
        if target.is_symlink() or target.is_dir() is archive:
            kind = "a file" if archive else "a folder"
            raise RecordingError(f"{shown} exists and is not {kind}: it is not replaced")
        if not archive and not _is_replaceable_folder(target):
            raise RecordingError(f"{shown} holds other things than a recording: it is not replaced")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise RecordingError(f"{shown} cannot be written: {reason}") from None


def place(made: Path, target: Path, *, force: bool) -> None:
    """Give what was made its name; either all of it is there or nothing.

    Args:
        made: a file, or a folder, on the target's file system.
        target: the name.
        force: replace what has that name.

    Raises:
        RecordingError: something is there that must stay.
        OSError: it cannot be moved.
    """
    refuse_existing(target, force=force)
    if made.is_dir():
        _place_folder(made, target)
    elif force:
        made.replace(target)
    else:
        _place_new(made, target)


def _place_folder(made: Path, target: Path) -> None:
    if not target.exists():
        made.rename(target)
        return
    aside = made.parent / "replaced"
    target.rename(aside)
    try:
        made.rename(target)
    except OSError:
        aside.rename(target)
        raise


def _place_new(made: Path, target: Path) -> None:
    try:
        # Unlike a rename, a link fails when someone else took the name meanwhile.
        os.link(made, target)
    except FileExistsError:
        raise RecordingError(f"{printable(str(target))} exists already") from None
    except OSError:
        # Not every file system has hard links.
        made.rename(target)
