"""The library: playbooks and causes, read from their YAML."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from meshdoctor.extension.folders import folders, own_documents
from meshdoctor.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable
    from pathlib import Path

_OWN_PLACES = {"": "playbooks", "causes": "causes"}
"""Where users' own stand in their folders, by the folder of the library."""


@dataclass(frozen=True, slots=True)
class FixTemplate:
    """One thing to do, with words to fill in."""

    do: str
    command: str
    changes: str
    undo: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Another cause that only follows from this one."""

    cause: str
    where: str
    """``mesh``, ``same-destination``, ``same-workload`` or ``same-namespace``."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A root cause as the library describes it."""

    id: str
    domain: str
    exam_domain: str
    """Domain of the Istio Certified Associate exam in which a candidate meets it."""
    severity: Severity
    object_kinds: tuple[str, ...]
    title: str
    summary: str
    asks_for: tuple[str, ...]
    inputs: tuple[str, ...]
    symptoms: tuple[str, ...]
    explains: tuple[Explanation, ...]
    fix: tuple[FixTemplate, ...]
    verify: tuple[str, ...]
    docs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What a finding's code means at a step."""

    when: str
    cause: str | None
    note: str


@dataclass(frozen=True, slots=True)
class Step:
    """One question of a playbook."""

    id: str
    question: str
    look: str
    outcomes: tuple[StepOutcome, ...]


@dataclass(frozen=True, slots=True)
class Playbook:
    """A symptom and the steps that tell its causes apart."""

    id: str
    title: str
    symptom: str
    words: tuple[str, ...]
    subject: str
    order: int
    steps: tuple[Step, ...]

    @property
    def codes(self) -> frozenset[str]:
        """Every code that some step asks for."""
        return frozenset(outcome.when for step in self.steps for outcome in step.outcomes)

    @property
    def causes(self) -> tuple[str, ...]:
        """Ids of the causes it can end at, in the order of its steps."""
        found = (outcome.cause for step in self.steps for outcome in step.outcomes)
        return tuple(dict.fromkeys(cause for cause in found if cause))


def _cause(item: Mapping[str, Any]) -> Cause:
    return Cause(
        id=item["id"],
        domain=item["domain"],
        exam_domain=item.get("exam_domain", "troubleshooting"),
        severity=Severity(item["severity"]),
        object_kinds=tuple(item["object_kind"]),
        title=item["title"],
        summary=" ".join(item["summary"].split()),
        asks_for=tuple(item["asks_for"]),
        inputs=tuple(item["inputs"]),
        symptoms=tuple(item["symptoms"]),
        explains=tuple(Explanation(**entry) for entry in item.get("explains", ())),
        fix=tuple(FixTemplate(**entry) for entry in item["fix"]),
        verify=tuple(item["verify"]),
        docs=tuple(item["docs"]),
    )


def _step(item: Mapping[str, Any]) -> Step:
    outcomes = tuple(
        StepOutcome(entry["when"], entry.get("cause"), entry.get("note", ""))
        for entry in item["outcomes"]
    )
    return Step(item["id"], item["question"], item.get("look", ""), outcomes)


def _playbook(item: Mapping[str, Any]) -> Playbook:
    return Playbook(
        id=item["id"],
        title=item["title"],
        symptom=item["symptom"].strip(),
        words=tuple(item["words"]),
        subject=item["subject"],
        order=item["order"],
        steps=tuple(_step(entry) for entry in item["steps"]),
    )


def documents(folder: str) -> Iterator[tuple[str, Any]]:
    """Each YAML document of a folder of the library, with its file name, then users' own.

    Args:
        folder: ``""`` for playbooks, ``"causes"`` for causes.

    Yields:
        The file's name, a path for those that users added, and what it holds.

    Raises:
        yaml.YAMLError: a file is not YAML.
    """
    root: Traversable = files("playbooks")
    place = root.joinpath(folder) if folder else root
    for file in sorted(place.iterdir(), key=lambda item: item.name):
        if file.name.endswith(".yaml"):
            text = file.read_text(encoding="utf-8")
            yield file.name, yaml.load(text, Loader=yaml.CSafeLoader)
    if folder in _OWN_PLACES:
        yield from own_documents(_OWN_PLACES[folder])


def causes() -> dict[str, Cause]:
    """Every cause, by id."""
    return _causes(folders())


@lru_cache(maxsize=2)
def _causes(own: tuple[Path, ...]) -> dict[str, Cause]:
    del own
    return {item["id"]: _cause(item) for _, item in documents("causes")}


def playbooks() -> tuple[Playbook, ...]:
    """Every playbook, in the order they are walked."""
    return _playbooks(folders())


@lru_cache(maxsize=2)
def _playbooks(own: tuple[Path, ...]) -> tuple[Playbook, ...]:
    del own
    found = [_playbook(item) for _, item in documents("") if isinstance(item, dict)]
    return tuple(sorted(found, key=lambda playbook: (playbook.order, playbook.id)))


def _holds(text: str, words: str) -> bool:
    """Whether words stand in a text as whole words: ``UO`` is not said in "failed quota"."""
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text) is not None


def playbook_for(symptom: str) -> Playbook | None:
    """The playbook a person means: by id, else by the words with which people report it."""
    wanted = symptom.strip().lower()
    for playbook in playbooks():
        if wanted == playbook.id:
            return playbook
    for playbook in playbooks():
        said = [playbook.title.lower(), *(word.lower() for word in playbook.words)]
        if wanted and any(_holds(words, wanted) or _holds(wanted, words) for words in said):
            return playbook
    return None
