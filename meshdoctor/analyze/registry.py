"""Every analyzer, found by folder: a new module in this package needs no other change."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

import meshdoctor.analyze as package
from meshdoctor.analyze.checks import own_checks
from meshdoctor.extension.folders import folders
from meshdoctor.extension.modules import own_analyzers
from meshdoctor.model.finding import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from meshdoctor.analyze.base import Analyzer
    from meshdoctor.model.snapshot import Snapshot


@cache
def _bundled() -> tuple[Analyzer, ...]:
    return tuple(
        module.ANALYZER
        for info in iter_modules(package.__path__)
        if hasattr(module := import_module(f"{package.__name__}.{info.name}"), "ANALYZER")
    )


def analyzers() -> tuple[Analyzer, ...]:
    """Every analyzer, by name: of each module of this package that has one, and users' own.

    Raises:
        ExtensionError: a module that users added cannot be used.
        CheckError: a check that users added cannot be used.
    """
    return _analyzers(folders())


@lru_cache(maxsize=2)
def _analyzers(own: tuple[Path, ...]) -> tuple[Analyzer, ...]:
    found = [*_bundled(), *own_analyzers(own), *own_checks(own)]
    return tuple(sorted(found, key=lambda analyzer: analyzer.name))


def analyze(mesh: Snapshot) -> tuple[Finding, ...]:
    """Run every analyzer; findings by code, subject and resource."""
    return _analyzed(mesh, folders())


def _own(analyzer: Analyzer, mesh: Snapshot) -> Iterable[Finding]:
    """What a user's own analyzer says: where it fails, its codes are unknown."""
    try:
        findings = tuple(analyzer.analyze(mesh))
        if strange := {finding.code for finding in findings}.difference(analyzer.codes):
            raise ValueError(f"emits {', '.join(sorted(strange))}, which its codes do not name")
    except Exception as error:
        said = f"analyzer {analyzer.name} failed: {type(error).__name__}: {error}"
        text = " ".join(said.split())
        return tuple(Finding(code, "mesh", Outcome.UNKNOWN, text, "") for code in analyzer.codes)
    return findings


@lru_cache(maxsize=2)
def _analyzed(mesh: Snapshot, own: tuple[Path, ...]) -> tuple[Finding, ...]:
    findings = [
        finding
        for analyzer in _analyzers(own)
        for finding in (analyzer.analyze(mesh) if analyzer in _bundled() else _own(analyzer, mesh))
    ]
    return tuple(sorted(findings, key=lambda f: (f.code, f.subject, f.resource, f.message)))
