"""Reports and mask maps on disk: whole or not at all, and nothing overwritten unasked."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from meshdoctor.model.source_error import SourceError
from meshdoctor.report.mask import Pseudonyms

if TYPE_CHECKING:
    from pathlib import Path

MAP_FORMAT = "meshdoctor.mask/v1"
_PRIVATE = 0o600
_COMMON = 0o666
"""Of a report; the person's umask takes away what it takes away."""


class ReportError(SourceError):
    """A report cannot be written, or a map cannot be read; one line for the person."""


def refuse_existing(path: Path, *, force: bool) -> None:
    """See to it that nothing is lost.

    Raises:
        ReportError: something is there and is not to be replaced, or there is no folder.
    """
    if path.is_dir():
        raise ReportError(f"{path} is a folder")
    if path.exists() and not force:
        raise ReportError(f"{path} exists and is not overwritten (--force replaces it)")
    if not path.parent.is_dir():
        raise ReportError(f"there is no folder {path.parent}")


def write_report(path: Path, text: str, *, force: bool = False) -> None:
    """Write a report.

    Raises:
        ReportError: it cannot be written there.
    """
    refuse_existing(path, force=force)
    _write(path, text, mode=_COMMON, force=force)


def _write(path: Path, text: str, *, mode: int, force: bool) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            if force:
                beside.replace(path)
            else:
                # A link fails where somebody has been faster; a rename would overwrite.
                path.hardlink_to(beside)
        finally:
            beside.unlink(missing_ok=True)
    except FileExistsError:
        raise ReportError(f"{path} exists and is not overwritten") from None
    except OSError as error:
        raise ReportError(f"{path} cannot be written: {error.strerror or error}") from None


def _pairs(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise ValueError
    return dict(value)


def read_map(path: Path) -> Pseudonyms:
    """The pseudonyms that were given before; none where there is no such file.

    Raises:
        ReportError: the file is something else.
    """
    if not path.exists():
        return Pseudonyms()
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != MAP_FORMAT:
            raise ValueError
        return Pseudonyms(_pairs(document["names"]), _pairs(document["addresses"]))
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError):
        raise ReportError(f"{path} is not a map that --mask-map has written") from None


def write_map(path: Path, pseudonyms: Pseudonyms) -> None:
    """Keep the pseudonyms, for their owner alone.

    Raises:
        ReportError: it cannot be written there.
    """
    document = {
        "format": MAP_FORMAT,
        "names": dict(sorted(pseudonyms.names.items())),
        "addresses": dict(sorted(pseudonyms.addresses.items())),
    }
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    _write(path, text, mode=_PRIVATE, force=True)
