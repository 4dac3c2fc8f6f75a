"""The folders of users' own playbooks, causes, checks and analyzers that are in use.

A folder holds ``playbooks/*.yaml``, ``causes/*.yaml``, ``checks/*.yaml``, ``codes.yaml`` and
``analyzers/*.py``, each of them only where it is wanted (docs/extending.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from meshdoctor.extension.modules import ExtensionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

PLACES = ("playbooks", "causes", "checks", "analyzers", "codes.yaml")
"""What a folder may hold; all else in it is left alone."""

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
        ExtensionError: a file is not YAML, or cannot be read.
    """
    for folder in _in_use:
        found = folder / place
        paths = (
            [found] if found.is_file() else sorted((*found.glob("*.yaml"), *found.glob("*.yml")))
        )
        for path in paths:
            yield str(path), _document(path)


def _document(path: Path) -> Any:
    try:
        # The safe loader in Python: these files are anybody's, and libyaml's recurses in C.
        return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark
        line = f"{path}:{at.line + 1}" if at else str(path)
        raise ExtensionError(f"{line}: not YAML: {error.problem or error}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ExtensionError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ExtensionError(f"{path}: not YAML: nested too deep") from None
    except OSError as error:
        raise ExtensionError(f"{path} cannot be read: {error.strerror}") from None


def is_own(name: str) -> bool:
    """Whether a document's file is one that users added."""
    return any(name.startswith(f"{folder}/") for folder in _in_use)
