"""Lint the library: playbooks, causes and checks against their schemas and against each other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import yaml
from jsonschema import Draft202012Validator

from meshdoctor.analyze.checks import CheckError
from meshdoctor.analyze.codes import codes
from meshdoctor.analyze.registry import analyzers
from meshdoctor.diagnose.library import documents
from meshdoctor.diagnose.lint_checks import check_links, check_schema_entries
from meshdoctor.extension.folders import PLACES, folders, is_own
from meshdoctor.extension.modules import ExtensionError
from meshdoctor.model.kinds import ALL

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class _Document:
    """One file of the library."""

    file: str
    """As problems name it: within the library, or the whole path of a user's own."""
    item: Any

    @property
    def stem(self) -> str:
        """What the file's name says its id is."""
        return PurePath(self.file).stem


def _documents(folder: str) -> list[_Document]:
    return [
        _Document(name if is_own(name) else f"{folder or 'playbooks'}/{name}", item)
        for name, item in documents(folder)
    ]


def _schema(name: str) -> Draft202012Validator:
    text = files("playbooks").joinpath(name).read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))


def _broken(validator: Draft202012Validator, file: str, item: Any) -> Iterator[str]:
    for error in sorted(validator.iter_errors(item), key=lambda e: list(e.absolute_path)):
        where = "/".join(str(part) for part in error.absolute_path) or "document"
        yield f"{file}: {where}: {error.message}"


def _against_schema(folder: str, schema: str) -> Iterator[str]:
    validator = _schema(schema)
    for document in _documents(folder):
        if not isinstance(document.item, dict) and not folder and not is_own(document.file):
            continue
        yield from _broken(validator, document.file, document.item)


def _checks_against_schema() -> Iterator[str]:
    validator = _schema("check.schema.json")
    for file, item in check_schema_entries():
        code = item.get("code") if isinstance(item, dict) else None
        yield from _broken(validator, f"{file}: {code}" if code else file, item)


def _playbooks() -> list[_Document]:
    found = _documents("")
    return [one for one in found if isinstance(one.item, dict) and "steps" in one.item]


def _known_inputs() -> frozenset[str]:
    kinds = {kind.input for kind in ALL}
    return frozenset(kinds | {name for analyzer in analyzers() for name in analyzer.inputs})


def _ids(found: list[_Document]) -> Iterator[str]:
    """An id is what its file is called, and nobody else's."""
    seen: dict[str, str] = {}
    for document in found:
        own = document.item["id"]
        if own != document.stem:
            yield f"{document.file}: id is {own!r}, the file says {document.stem!r}"
        if own in seen:
            yield f"{document.file}: id {own!r} is taken by {seen[own]}"
        seen.setdefault(own, document.file)


def _cause_links(found: list[_Document], reached: set[str]) -> Iterator[str]:
    inputs, known = _known_inputs(), {document.item["id"] for document in found}
    for document in found:
        file, cause = document.file, document.item
        if cause["id"] not in reached:
            yield f"{file}: no playbook ends at this cause"
        if "exam_domain" not in cause and not is_own(file):
            yield f"{file}: no exam_domain"
        for name in cause["inputs"]:
            if name not in inputs:
                yield f"{file}: no analyzer declares the input {name!r}"
        for rule in cause.get("explains", ()):
            if rule["cause"] not in known:
                yield f"{file}: explains the unknown cause {rule['cause']!r}"


def _playbook_links(found: list[_Document], causes: set[str]) -> Iterator[str]:
    emitted = {code for analyzer in analyzers() for code in analyzer.codes}
    for document in found:
        for step in document.item["steps"]:
            for outcome in step["outcomes"]:
                if outcome["when"] not in emitted:
                    yield f"{document.file}: {step['id']}: no analyzer emits {outcome['when']}"
                if "cause" in outcome and outcome["cause"] not in causes:
                    yield f"{document.file}: {step['id']}: unknown cause {outcome['cause']!r}"


def _line_links(playbooks: set[str]) -> Iterator[str]:
    """Lines that people paste, and lines of Istio's logs, name playbooks that there are."""
    for document in (*_documents(""), *_documents("pasted")):
        for entry in document.item if isinstance(document.item, list) else ():
            wanted = entry.get("playbook")
            if wanted and wanted not in playbooks:
                yield f"{document.file}: {entry['id']}: no playbook {wanted}"


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


def _links() -> Iterator[str]:
    causes, playbooks = _documents("causes"), _playbooks()
    outcomes = [o for one in playbooks for step in one.item["steps"] for o in step["outcomes"]]
    reached = {outcome["cause"] for outcome in outcomes if "cause" in outcome}
    yield from _ids(causes)
    yield from _ids(playbooks)
    yield from _cause_links(causes, reached)
    yield from _playbook_links(playbooks, {one.item["id"] for one in causes})
    yield from _line_links({one.item["id"] for one in playbooks})
    yield from check_links(outcomes, {one.item["id"]: one.item for one in causes})
    yield from _analyzer_links()


def _folders() -> Iterator[str]:
    """A folder with nothing to use in it is most likely the wrong one: the one above, or below."""
    for folder in folders():
        if not any((folder / place).exists() for place in PLACES):
            *first, last = (f"{place}/" if "." not in place else place for place in PLACES)
            yield f"{folder}: holds none of {', '.join(first)} and {last}"


def lint() -> tuple[str, ...]:
    """Every problem of the library and of users' own folders, one line each; empty when sound."""
    try:
        problems = [
            *_folders(),
            *_against_schema("", "schema.json"),
            *_against_schema("causes", "cause.schema.json"),
            *_against_schema("pasted", "pasted.schema.json"),
            *_checks_against_schema(),
        ]
        return tuple(problems or _links())
    except yaml.YAMLError as error:
        return (f"not YAML: {' '.join(str(error).split())}",)
    except (CheckError, ExtensionError, OSError) as error:
        return (str(error),)
