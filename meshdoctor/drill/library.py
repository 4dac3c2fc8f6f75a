"""The drills, read from their YAML: the bundled ones, and a person's own beside them."""

from __future__ import annotations

import os
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from meshdoctor.drill.conditions import parse_condition
from meshdoctor.drill.drill import (
    Check,
    Domain,
    Drill,
    Fix,
    Guard,
    Question,
    Role,
    RoutedRequest,
    Seen,
    Topic,
    WantedRequest,
)
from meshdoctor.drill.edits import parse_edits
from meshdoctor.drill.mesh_facts import KINDS, parse_fact
from meshdoctor.drill.new_pods import NewPod
from meshdoctor.drill.wanted_route import parse_route
from meshdoctor.model.resource import as_mapping
from meshdoctor.resources import recordings_root

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

    from meshdoctor.drill.drill import Wanted

_FOLDER = "drills"
_ENDING = ".yaml"
_VARIABLE = "MESHDOCTOR_DRILLS"
_NO_DRILL = (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, StopIteration)
"""What reading a document raises that does not fit the schema."""


def own_folder() -> Path | None:
    """Where a person's own drills lie: ``MESHDOCTOR_DRILLS``; None where it names none."""
    named = os.environ.get(_VARIABLE)
    return Path(named) if named else None


def drill_files(folder: Path | None = None) -> Iterator[tuple[str, str]]:
    """Every drill's file name and text, by name.

    Args:
        folder: of a person's own; None for the bundled ones.

    Raises:
        OSError: the folder or a file cannot be read.
        UnicodeDecodeError: a file is no text.
    """
    place: Traversable = folder or files("meshdoctor.drill").joinpath(_FOLDER)
    for file in sorted(place.iterdir(), key=lambda one: one.name):
        if file.name.endswith(_ENDING):
            yield file.name, file.read_text(encoding="utf-8")


def is_bundled(path: Path) -> bool:
    """Whether a file is one of the bundled drills.

    Args:
        path: of the file.
    """
    place = files("meshdoctor.drill").joinpath(_FOLDER)
    return isinstance(place, Path) and path.resolve().parent == place.resolve()


def documents(folder: Path | None = None) -> Iterator[tuple[str, Any]]:
    """Every drill's file name and document, by name.

    Args:
        folder: of a person's own; None for the bundled ones.

    Raises:
        OSError: the folder or a file cannot be read.
        UnicodeDecodeError: a file is no text.
        yaml.YAMLError: one is no YAML.
    """
    for name, text in drill_files(folder):
        yield name, yaml.load(text, Loader=yaml.CSafeLoader)


def _request(document: Mapping[str, Any]) -> WantedRequest:
    return WantedRequest(
        source=document["from"],
        to=document["to"],
        namespace=document.get("namespace", ""),
        method=document.get("method", "GET"),
        headers=tuple((k.lower(), v) for k, v in as_mapping(document.get("headers")).items()),
        claims=tuple(as_mapping(document.get("claims")).items()),
        succeeds=document.get("succeeds", True),
        status=document.get("status"),
    )


def _new_pod(document: Mapping[str, Any]) -> NewPod:
    return NewPod(
        namespace=document["namespace"],
        sidecar=document.get("sidecar", True),
        revision=document.get("revision", ""),
        labels=tuple(as_mapping(document.get("labels")).items()),
    )


def parse_check(document: Mapping[str, Any]) -> Check:
    """Read one check of a drill's YAML.

    Raises:
        TargetError: it names no object.
    """
    return Check(
        id=document["id"],
        says=document["says"],
        wants=_wanted(document),
        points=document.get("points", 1),
    )


def _wanted(document: Mapping[str, Any]) -> Wanted:
    if "request" in document:
        return _request(document["request"])
    if "route" in document:
        return RoutedRequest(_request(document["route"]), parse_route(document["route"]))
    if "new-pod" in document:
        return _new_pod(document["new-pod"])
    if any(one in document for one in KINDS):
        return parse_fact(document)
    return parse_condition(document)


def _question(document: Mapping[str, Any]) -> Question:
    return Question(
        topic=Topic(document["topic"]),
        ask=document["ask"],
        answers=tuple(document["answers"]),
        choices=tuple(document.get("choices", ())),
        because=document["because"],
    )


def _fix(document: Mapping[str, Any]) -> Fix:
    return Fix(
        role=Role(document["role"]),
        says=document["says"],
        edits=parse_edits(document["edits"]),
        fails=tuple(document.get("fails", ())),
    )


def _guard(document: Mapping[str, Any]) -> Guard:
    return Guard(
        document["id"], document["says"], document["points"], parse_condition(document["when"])
    )


def parse_drill(document: Mapping[str, Any], home: Path | None = None) -> Drill:
    """Read a drill that fits the schema.

    Args:
        document: one file of ``drills/``.
        home: the folder of the file; None for a bundled one.

    Raises:
        TargetError: an edit or a check names no object.
    """
    seen = document["seen"]
    return Drill(
        id=document["id"],
        title=document["title"],
        recording=document["recording"],
        setup=parse_edits(document.get("setup", ())),
        causes=tuple(document["causes"]),
        domain=Domain(document["domain"]),
        weight=document["weight"],
        minutes=document["minutes"],
        task=document["task"],
        seen=Seen(tuple(seen["namespaces"]), tuple(seen["screens"]), tuple(seen["commands"])),
        hints=tuple(document["hints"]),
        questions=tuple(_question(one) for one in document["questions"]),
        fixes=tuple(_fix(one) for one in document["fixes"]),
        checks=tuple(parse_check(one) for one in document["checks"]),
        guards=tuple(_guard(one) for one in document["guards"]),
        explanation=document["explanation"],
        look_alike=document["look_alike"],
        paired_with=tuple(document["paired_with"]),
        documents=tuple(document["documents"]),
        home=home,
    )


@cache
def _bundled() -> tuple[Drill, ...]:
    return tuple(parse_drill(item) for _, item in documents())


def _own(folder: Path) -> Iterator[Drill | str]:
    """A person's own drills, and a line for each file that is none."""
    try:
        found = list(drill_files(folder))
    except (OSError, UnicodeDecodeError) as error:
        yield f"{folder}: {error}"
        return
    for name, text in found:
        try:
            yield parse_drill(yaml.load(text, Loader=yaml.CSafeLoader), folder)
        except _NO_DRILL:
            yield f"{folder / name} is no drill yet: meshdoctor drill lint says why"


def drills(folder: Path | None = None) -> tuple[Drill, ...]:
    """Every drill by id, the bundled ones and a person's own; a bundled one keeps its name.

    Args:
        folder: of the person's own; None for the one that ``MESHDOCTOR_DRILLS`` names, if any.
    """
    folder = folder or own_folder()
    own = _own(folder) if folder is not None else ()
    found = {one.id.lower(): one for one in own if isinstance(one, Drill)}
    found |= {one.id.lower(): one for one in _bundled()}
    return tuple(found[name] for name in sorted(found))


def own_problems(folder: Path | None = None) -> tuple[str, ...]:
    """A line for each of a person's own files that is no drill, and is left out for that.

    Args:
        folder: as for ``drills``.
    """
    folder = folder or own_folder()
    found = _own(folder) if folder is not None else ()
    return tuple(one for one in found if isinstance(one, str))


def drill_for(name: str, folder: Path | None = None) -> Drill | None:
    """The drill of this id, in capitals or not; None when there is none.

    Args:
        name: its id.
        folder: as for ``drills``.
    """
    return next((one for one in drills(folder) if one.id.lower() == name.lower()), None)


def recording_of(drill: Drill) -> Path:
    """Where a drill's recording lies: bundled, or where a person's own drill says."""
    bundled = recordings_root() / f"{drill.recording}.tar.gz"
    if drill.home is None or bundled.is_file():
        return bundled
    return drill.home / drill.recording
