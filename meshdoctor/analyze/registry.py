"""Every analyzer, found by folder: a new module in this package needs no other change."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

import meshdoctor.analyze as package

if TYPE_CHECKING:
    from meshdoctor.analyze.base import Analyzer
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.snapshot import Snapshot


@cache
def analyzers() -> tuple[Analyzer, ...]:
    """Every analyzer, by name: the ``ANALYZER`` of each module of this package that has one."""
    found = [
        module.ANALYZER
        for info in iter_modules(package.__path__)
        if hasattr(module := import_module(f"{package.__name__}.{info.name}"), "ANALYZER")
    ]
    return tuple(sorted(found, key=lambda analyzer: analyzer.name))


@lru_cache(maxsize=2)
def analyze(mesh: Snapshot) -> tuple[Finding, ...]:
    """Run every analyzer; findings by code, subject and resource."""
    findings = [finding for analyzer in analyzers() for finding in analyzer.analyze(mesh)]
    return tuple(sorted(findings, key=lambda f: (f.code, f.subject, f.resource, f.message)))
