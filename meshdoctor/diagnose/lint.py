"""Lint the library: playbooks and causes against their schemas and against each other."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml
from jsonschema import Draft202012Validator

from meshdoctor.analyze.codes import codes
from meshdoctor.analyze.registry import analyzers
from meshdoctor.diagnose.library import documents
from meshdoctor.model.kinds import ALL

if TYPE_CHECKING:
    from collections.abc import Iterator


def _schema(name: str) -> Draft202012Validator:
    text = files("playbooks").joinpath(name).read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))


def _against_schema(folder: str, schema: str) -> Iterator[str]:
    validator = _schema(schema)
    for name, item in documents(folder):
        if not isinstance(item, dict) and not folder:
            continue
        for error in sorted(validator.iter_errors(item), key=lambda e: list(e.absolute_path)):
            where = "/".join(str(part) for part in error.absolute_path) or "document"
            yield f"{folder or 'playbooks'}/{name}: {where}: {error.message}"


def _causes() -> dict[str, dict[str, Any]]:
    return {name.removesuffix(".yaml"): item for name, item in documents("causes")}


def _playbooks() -> dict[str, dict[str, Any]]:
    return {
        name.removesuffix(".yaml"): item
        for name, item in documents("")
        if isinstance(item, dict) and "steps" in item
    }


def _known_inputs() -> frozenset[str]:
    kinds = {kind.input for kind in ALL}
    return frozenset(kinds | {name for analyzer in analyzers() for name in analyzer.inputs})


def _cause_links(causes: dict[str, dict[str, Any]], reached: set[str]) -> Iterator[str]:
    inputs = _known_inputs()
    for stem, cause in causes.items():
        if cause["id"] != stem:
            yield f"causes/{stem}.yaml: id is {cause['id']!r}, the file says {stem!r}"
        if stem not in reached:
            yield f"causes/{stem}.yaml: no playbook ends at this cause"
        for name in cause["inputs"]:
            if name not in inputs:
                yield f"causes/{stem}.yaml: no analyzer declares the input {name!r}"
        for rule in cause.get("explains", ()):
            if rule["cause"] not in causes:
                yield f"causes/{stem}.yaml: explains the unknown cause {rule['cause']!r}"


def _playbook_links(
    playbooks: dict[str, dict[str, Any]], causes: dict[str, dict[str, Any]]
) -> Iterator[str]:
    emitted = {code for analyzer in analyzers() for code in analyzer.codes}
    for stem, playbook in playbooks.items():
        if playbook["id"] != stem:
            yield f"{stem}.yaml: id is {playbook['id']!r}, the file says {stem!r}"
        for step in playbook["steps"]:
            for outcome in step["outcomes"]:
                if outcome["when"] not in emitted:
                    yield f"{stem}.yaml: {step['id']}: no analyzer emits {outcome['when']}"
                if "cause" in outcome and outcome["cause"] not in causes:
                    yield f"{stem}.yaml: {step['id']}: unknown cause {outcome['cause']!r}"


def _line_links(playbooks: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Lines that people paste, and lines of Istio's logs, name playbooks that there are."""
    for folder in ("", "pasted"):
        for name, entries in documents(folder):
            for entry in entries if isinstance(entries, list) else ():
                wanted = entry.get("playbook")
                if wanted and wanted not in playbooks:
                    yield f"{folder or 'playbooks'}/{name}: {entry['id']}: no playbook {wanted}"


def _analyzer_links() -> Iterator[str]:
    registered = codes()
    names: set[str] = set()
    for analyzer in analyzers():
        if analyzer.name in names:
            yield f"analyzer {analyzer.name}: the name is taken twice"
        names.add(analyzer.name)
        for code in analyzer.codes:
            if code not in registered:
                yield f"analyzer {analyzer.name}: code {code} is not registered"
    emitted = {code for analyzer in analyzers() for code in analyzer.codes}
    for code in sorted(registered.keys() - emitted):
        yield f"code {code}: no analyzer emits it"


def lint() -> tuple[str, ...]:
    """Every problem of the library, one line each; empty when it is sound."""
    try:
        problems = [
            *_against_schema("", "schema.json"),
            *_against_schema("causes", "cause.schema.json"),
            *_against_schema("pasted", "pasted.schema.json"),
        ]
        if problems:
            return tuple(problems)
        causes, playbooks = _causes(), _playbooks()
    except yaml.YAMLError as error:
        return (f"not YAML: {' '.join(str(error).split())}",)
    reached = {
        outcome["cause"]
        for playbook in playbooks.values()
        for step in playbook["steps"]
        for outcome in step["outcomes"]
        if "cause" in outcome
    }
    problems += _cause_links(causes, reached)
    problems += _playbook_links(playbooks, causes)
    problems += _line_links(playbooks)
    problems += _analyzer_links()
    return tuple(problems)
