"""The registry of finding codes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from meshdoctor.model.finding import Severity


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


@cache
def codes() -> dict[str, Code]:
    """Every registered code, by id.

    Raises:
        ValueError: a code is registered twice.
    """
    found: dict[str, Code] = {}
    folder = files("meshdoctor.analyze").joinpath("codes")
    for file in sorted(folder.iterdir(), key=lambda item: item.name):
        if not file.name.endswith(".yaml"):
            continue
        for item in yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
            code = Code(
                code=item["code"],
                title=item["title"],
                severity=Severity(item["severity"]),
                fix=item["fix"],
                istio_code=item.get("istio_code"),
            )
            if code.code in found:
                raise ValueError(f"code {code.code} is registered twice")
            found[code.code] = code
    return found
