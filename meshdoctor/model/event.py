"""Events: what controllers and the kubelet said of an object, about an hour back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.resource import as_mapping, parse_time

if TYPE_CHECKING:
    from datetime import datetime

    from meshdoctor.model.resource import Resource

_COMBINED = "(combined from similar events)"


def event_text(event: Resource) -> str:
    """What an event says; the preface of combined events is left out."""
    said = str(event.raw.get("message") or event.raw.get("note") or "")
    return said.partition("): ")[2] or said if said.startswith(_COMBINED) else said


def event_time(event: Resource) -> datetime | None:
    """When it last happened: a series counts by its newest (core/v1 and events.k8s.io/v1)."""
    series = as_mapping(event.raw.get("series"))
    for time in (
        series.get("lastObservedTime"),
        event.raw.get("lastTimestamp"),
        event.raw.get("eventTime"),
    ):
        if (parsed := parse_time(time)) is not None:
            return parsed
    return event.created


def event_about(event: Resource) -> tuple[str, str, str]:
    """Kind, namespace and name of the object that an event speaks of."""
    about = as_mapping(event.raw.get("involvedObject") or event.raw.get("regarding"))
    return (
        str(about.get("kind") or ""),
        str(about.get("namespace") or event.namespace),
        str(about.get("name") or ""),
    )
