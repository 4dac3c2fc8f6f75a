"""The folders of users' own playbooks, causes, checks and analyzers that are in use.

A folder holds ``playbooks/*.yaml``, ``causes/*.yaml``, ``checks/*.yaml``, ``codes.yaml`` and
``analyzers/*.py``, each of them only where it is wanted (docs/extending.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_in_use: tuple[Path, ...] = ()


def use(folders: Iterable[Path]) -> None:
    """Take these folders, and no others, from now on in this process."""
    global _in_use
    _in_use = tuple(dict.fromkeys(folder.resolve() for folder in folders))


def folders() -> tuple[Path, ...]:
    """The folders in use; empty where users added nothing."""
    return _in_use


def own_documents(place: str) -> Iterator[tuple[str, Any]]:
    """Each YAML document that users added, with the path of its file, folder by folder.

    Args:
        place: ``playbooks``, ``causes``, ``checks``; or the name of a single file, ``codes.yaml``.

    Raises:
        yaml.YAMLError: a file is not YAML.
        OSError: a file cannot be read.
    """
    for folder in _in_use:
        found = folder / place
        paths = [found] if found.is_file() else sorted(found.glob("*.yaml"))
        for path in paths:
            text = path.read_text(encoding="utf-8")
            # The safe loader in Python: these files are anybody's, and libyaml's recurses in C.
            yield str(path), yaml.load(text, Loader=yaml.SafeLoader)


def is_own(name: str) -> bool:
    """Whether a document's file is one that users added."""
    return any(name.startswith(f"{folder}/") for folder in _in_use)
