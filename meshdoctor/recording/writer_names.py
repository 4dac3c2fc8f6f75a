"""Names for what is written: paths inside a recording, and a recording's own file name."""

from __future__ import annotations

import re

from meshdoctor.recording.layout import MANIFEST

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@+=-]{0,250}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_MOST_PARTS = 16
ARCHIVE_SUFFIXES = (".tar.gz", ".tgz")
"""A target that ends in one of these becomes an archive, any other a folder."""


class UnsafePathError(ValueError):
    """A path that must not be written; the message reads on from the path."""


def checked_path(path: str) -> str:
    """A path as it may be written below the recording's root.

    Pod, namespace and container names come from a cluster, which may be hostile.

    Raises:
        UnsafePathError: it is absolute, climbs out, is the manifest's or no plain name.
    """
    parts = path.split("/")
    if len(parts) > _MOST_PARTS or not all(_PART.fullmatch(part) for part in parts):
        raise UnsafePathError("has a name that no recording may hold")
    if path == MANIFEST:
        raise UnsafePathError("is the manifest, which the recorder writes itself")
    return path


def safe_name(name: str) -> str:
    """A context's name as part of a file name: nothing a shell or a file system would mind."""
    return _UNSAFE.sub("-", name).strip("-.")[:80] or "mesh"


def is_archive_name(name: str) -> bool:
    """Whether a target of this name is to be an archive."""
    return name.lower().endswith(ARCHIVE_SUFFIXES)
