"""Names inside a recording: which are safe, how they are shown, where the root lies."""

from __future__ import annotations

from collections.abc import Iterator

from meshdoctor.recording.archive_model import RecordingError
from meshdoctor.recording.layout import MANIFEST

MAX_NAME_CHARACTERS = 4096
"""Linux's own bound for a path."""
MAX_ROOT_DEPTH = 3
"""Folders that may wrap a recording; a manifest further down belongs to something else."""
_SHOWN_CHARACTERS = 160
_SHOWN_ROOTS = 3


class UnsafeNameError(ValueError):
    """A name that no recording has; the message reads on from the name."""


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    # Python keeps an undecodable byte b as U+DC00 + b.
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def printable(name: str) -> str:
    """A name as it may be shown: one line, no terminal control, not endless."""
    if len(name) > _SHOWN_CHARACTERS:
        half = _SHOWN_CHARACTERS // 2
        name = f"{name[:half]}…{name[-half:]}"
    return name if name.isprintable() else "".join(map(_escaped, name))


def relative_path(name: str) -> str:
    """The path a name stands for, without ``.`` and empty parts; empty for the top itself.

    Raises:
        UnsafeNameError: it is absolute, climbs out, or is not printable text.
    """
    if len(name) > MAX_NAME_CHARACTERS:
        raise UnsafeNameError(f"has a name of {len(name)} characters")
    if not name.isprintable():
        raise UnsafeNameError("has control or undecodable characters in its name")
    if name.startswith("/"):
        raise UnsafeNameError("has an absolute name, outside the recording")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise UnsafeNameError("has a name that leads outside the recording")
    return "/".join(parts)


def below(root: str, path: str) -> str | None:
    """The path below a root (empty for the top); None when it lies elsewhere."""
    if not root:
        return path
    return path[len(root) + 1 :] if path.startswith(f"{root}/") else None


def possible_paths(path: str) -> Iterator[str]:
    """What a path may be below the root while the root is not known yet."""
    yield path
    rest = path
    for _ in range(MAX_ROOT_DEPTH):
        _, slash, rest = rest.partition("/")
        if not slash:
            return
        yield rest


class RootFinder:
    """Finds the folder of the shallowest recording.json among the paths it is shown."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._depth = MAX_ROOT_DEPTH + 1
        self._roots: list[str] = []

    def see(self, path: str) -> None:
        """Take note of a file."""
        folder, _, file = path.rpartition("/")
        if file != MANIFEST:
            return
        depth = path.count("/")
        if depth < self._depth:
            self._depth, self._roots = depth, [folder]
        elif depth == self._depth and depth <= MAX_ROOT_DEPTH:
            self._roots.append(folder)

    @property
    def certain(self) -> bool:
        """Whether no further path can change the answer."""
        return self._depth == 0

    def root(self, shown: str) -> str | None:
        """The root, empty for the top; None when there is no recording.json.

        Args:
            shown: the archive's name, for the message.

        Raises:
            RecordingError: several lie equally deep, so the person must choose.
        """
        if len(self._roots) > 1:
            first = [printable(root) for root in sorted(self._roots)[:_SHOWN_ROOTS]]
            more = ", …" if len(self._roots) > _SHOWN_ROOTS else ""
            raise RecordingError(
                f"{shown} holds {len(self._roots)} recordings ({', '.join(first)}{more}): "
                "name one of them"
            )
        return self._roots[0] if self._roots else None
