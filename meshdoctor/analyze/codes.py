"""The registry of finding codes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from meshdoctor.extension.folders import folders, own_documents
from meshdoctor.extension.modules import ExtensionError
from meshdoctor.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of finding: its stable id and the words that go with it."""

    code: str
    title: str
    severity: Severity
    fix: str
    """What to do about it, in one plain sentence."""
    istio_code: str | None = None
    """Istio's own code for the same, where it has one."""


def _code(item: Mapping[str, Any]) -> Code:
    return Code(
        code=item["code"],
        title=item["title"],
        severity=Severity(item["severity"]),
        fix=item["fix"],
        istio_code=item.get("istio_code"),
    )


def _bundled() -> Iterator[Code]:
    folder = files("meshdoctor.analyze").joinpath("codes")
    for file in sorted(folder.iterdir(), key=lambda item: item.name):
        if file.name.endswith(".yaml"):
            for item in yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
                yield _code(item)


def _own() -> Iterator[Code]:
    """What users added: those of their checks, and those that their analyzers emit."""
    taken = {code.code: "meshdoctor itself" for code in _bundled()}
    for file, document in (*own_documents("checks"), *own_documents("codes.yaml")):
        for item in document if isinstance(document, list) else [document]:
            try:
                code = _code(item)
            except (KeyError, TypeError, ValueError, AttributeError):
                raise ExtensionError(
                    f"{file}: a code has a code, a title, a severity (error, warning, info) and "
                    f"a fix, which {str(item)[:60]!r} has not"
                ) from None
            if code.code in taken:
                raise ExtensionError(f"{file}: code {code.code} is taken by {taken[code.code]}")
            if re.match(r"MD\d", code.code):
                raise ExtensionError(f"{file}: code {code.code}: MD is meshdoctor's own prefix")
            taken[code.code] = file
            yield code


def codes() -> dict[str, Code]:
    """Every registered code, by id.

    Raises:
        ValueError: a code is registered twice.
        ExtensionError: one that users added is no code, or is taken.
    """
    return _codes(folders())


@lru_cache(maxsize=2)
def _codes(own: tuple[Path, ...]) -> dict[str, Code]:
    found: dict[str, Code] = {}
    for code in (*_bundled(), *(_own() if own else ())):
        if code.code in found:
            raise ValueError(f"code {code.code} is registered twice")
        found[code.code] = code
    return found
