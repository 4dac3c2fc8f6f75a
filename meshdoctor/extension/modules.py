"""Analyzers that users wrote in Python: ``analyzers/*.py`` of their folders."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


_HAS = ("name", "description", "inputs", "codes", "analyze")
"""What every analyzer has (meshdoctor.analyze.base)."""


class ExtensionError(ValueError):
    """A folder of users' own that cannot be used; the message is one line."""


def own_analyzers(folders: tuple[Path, ...]) -> tuple[Any, ...]:
    """The ``ANALYZER`` of each module, as meshdoctor's own have one.

    It is the user's own code, run because the user named its folder.

    Args:
        folders: those in use.

    Raises:
        ExtensionError: a module cannot be imported, or has no ``ANALYZER``.
    """
    return tuple(
        _analyzer(path) for folder in folders for path in sorted(folder.glob("analyzers/*.py"))
    )


def _analyzer(path: Path) -> Any:
    spec = spec_from_file_location(f"meshdoctor_own_{path.parent.parent.name}_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ExtensionError(f"{path} is no Python module")
    module = module_from_spec(spec)
    # Dataclasses look their module up there while it is being made.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ExtensionError(f"{path}: {type(error).__name__}: {error}") from error
    analyzer = getattr(module, "ANALYZER", None)
    if analyzer is None:
        raise ExtensionError(f"{path} has no ANALYZER")
    lacking = [name for name in _HAS if not hasattr(analyzer, name)]
    if lacking:
        raise ExtensionError(f"{path}: ANALYZER has no {', '.join(lacking)}")
    return analyzer
