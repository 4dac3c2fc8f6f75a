"""The drills, read from their YAML."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
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
    Seen,
    Topic,
    WantedRequest,
)
from meshdoctor.drill.edits import parse_edits
from meshdoctor.drill.wanted_route import parse_route
from meshdoctor.model.resource import as_mapping
from meshdoctor.resources import recordings_root

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable
    from pathlib import Path

_FOLDER = "drills"


def _folder() -> Traversable:
    return files("meshdoctor.drill").joinpath(_FOLDER)


def documents() -> Iterator[tuple[str, Any]]:
    """Every drill's file name and document, by name; what is no YAML raises ``yaml.YAMLError``."""
    for file in sorted(_folder().iterdir(), key=lambda one: one.name):
        if file.name.endswith(".yaml"):
            text = file.read_text(encoding="utf-8")
            yield file.name, yaml.load(text, Loader=yaml.CSafeLoader)


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


def _check(document: Mapping[str, Any]) -> Check:
    way = document.get("route")
    asked = document.get("request", way)
    return Check(
        id=document["id"],
        says=document["says"],
        request=_request(asked) if asked else None,
        route=parse_route(way) if way else None,
        condition=None if asked else parse_condition(document),
        points=document.get("points", 1),
    )


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


def parse_drill(document: Mapping[str, Any]) -> Drill:
    """Read a drill that fits the schema.

    Args:
        document: one file of ``drills/``.

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
        checks=tuple(_check(one) for one in document["checks"]),
        guards=tuple(_guard(one) for one in document["guards"]),
        explanation=document["explanation"],
        look_alike=document["look_alike"],
        paired_with=tuple(document["paired_with"]),
        documents=tuple(document["documents"]),
    )


@cache
def drills() -> tuple[Drill, ...]:
    """Every drill, by id."""
    return tuple(sorted((parse_drill(item) for _, item in documents()), key=lambda one: one.id))


def drill_for(name: str) -> Drill | None:
    """The drill of this id, in capitals or not; None when there is none."""
    return next((one for one in drills() if one.id.lower() == name.lower()), None)


def recording_of(drill: Drill) -> Path:
    """Where a drill's recording lies."""
    return recordings_root() / f"{drill.recording}.tar.gz"
