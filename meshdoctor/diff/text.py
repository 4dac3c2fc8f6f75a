"""A comparison for people: what is wrong now and what explains it first, everything else after."""

from __future__ import annotations

import json
from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from rich.text import Text

from meshdoctor.diff.change import Change

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.diff.change import (
        CertificateChange,
        Comparison,
        Explained,
        ObjectChange,
        ProxyChange,
    )
    from meshdoctor.diff.fields import FieldChange
    from meshdoctor.model.snapshot import About

SIGNS = {
    Change.ADDED: ("+", "green"),
    Change.REMOVED: ("-", "red"),
    Change.CHANGED: ("~", "yellow"),
}
"""The sign tells what became of a thing, with or without its colour."""
_PEM = ("-----BEGIN ", "LS0tLS1CRUdJTi")
"""PEM armour, as it is and in base64."""
_MOST_EXPLAINING = 5
_MOST_FIELDS = 6
"""Of one change beneath a root cause; the list of objects has them all."""
_MOST_PARTS = 8
_LONGEST = 100


def value_text(value: Any, most: int | None = _LONGEST) -> str:
    """A value in one line.

    Args:
        value: of a field.
        most: the number of characters after which it is cut; None for never.
    """
    if isinstance(value, str) and value.startswith(_PEM):
        # Two PEM texts begin alike: a hash tells them apart.
        return f"PEM {sha256(value.encode()).hexdigest()[:16]}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if most is None or len(text) <= most else f"{text[: most - 1]}…"


def field_text(field: FieldChange) -> str:
    """What became of a field, in one line."""
    if field.old is None:
        return f"{field.path}: + {value_text(field.new)}"
    if field.new is None:
        return f"{field.path}: - {value_text(field.old)}"
    return f"{field.path}: {value_text(field.old)} → {value_text(field.new)}"


def side(about: About) -> str:
    """One of the two meshes, and when it was looked at."""
    name = f"live {about.name}" if about.source == "live" else about.name
    return f"{name} ({about.captured_at:%Y-%m-%d %H:%M:%S} UTC)"


def headline(found: Comparison) -> str:
    """The comparison in one line."""
    parts = [
        f"{number} root cause{'s' if number > 1 else ''} {word}"
        for number, word in (
            (len(found.explained), "new"),
            (len(found.gone), "gone"),
            (len(found.untold), "that B cannot tell about"),
            (len(found.still), "still there"),
        )
        if number
    ]
    if found.same:
        incomplete = ", but not everything could be compared" if found.incomplete else ""
        return f"Nothing changed{incomplete}" + (f" ({', '.join(parts)})" if parts else "")
    changed = sum(1 for item in found.objects if not item.derived)
    objects = f"{changed} object{'' if changed == 1 else 's'} changed"
    return f"{', '.join(parts) or 'No root cause on either side'}; {objects}"


def comparison_lines(found: Comparison) -> Iterator[Text]:
    """The whole comparison, line by line.

    Args:
        found: the comparison.
    """
    yield Text(headline(found), style="bold")
    yield Text(f"from {side(found.old)} to {side(found.new)}", style="dim")
    for item in found.explained:
        yield from _explained(item)
    yield from _verdicts(found)
    by_people = [item for item in found.objects if not item.derived]
    by_controllers = [item for item in found.objects if item.derived]
    yield from _objects("Objects", by_people)
    yield from _objects("Pods, endpoints and status, which follow", by_controllers)
    yield from _proxies(found.proxies)
    yield from _certificates(found.certificates)
    if found.not_compared:
        yield Text("")
        yield Text(f"Not compared ({len(found.not_compared)})", style="bold")
        for what, where in found.not_compared:
            yield Text(f"  ? {what}: {unread_text(where)}")


def unread_text(where: str) -> str:
    """On which side something was not read."""
    return f"not read on {where}" + (" sides" if where == "both" else "")


def _explained(item: Explained) -> Iterator[Text]:
    cause = item.cause
    yield Text("")
    yield Text.assemble(("✗ new  ", "bold red"), (cause.title, "bold"))
    yield Text(f"  {cause.id} · {cause.certainty.value} · {', '.join(cause.objects)}")
    if not item.known_before:
        yield Text("  ? A cannot tell whether it was there before: too little of it was read")
    if not item.changes:
        yield Text("  no object changed: it may have come from traffic, an application or time")
        return
    yield Text("  What changed since it worked, the likeliest first:")
    for number, (change, why) in enumerate(item.changes[:_MOST_EXPLAINING], start=1):
        sign, style = SIGNS[change.change]
        when = f" at {change.at:%H:%M:%S} UTC" if change.at else ""
        yield Text.assemble(
            f"  {number}. ", (sign, style), f" {change.object} {change.change}{when}: {why}"
        )
        yield from _fields(change, "       ", _MOST_FIELDS)
    more = len(item.changes) - _MOST_EXPLAINING
    if more > 0:
        yield Text(f"  and {more} more, listed below", style="dim")


def _fields(change: ObjectChange, indent: str, most: int | None = None) -> Iterator[Text]:
    shown = change.fields[:most]
    yield from (Text(f"{indent}{field_text(field)}") for field in shown)
    more = len(change.fields) - len(shown)
    if more:
        yield Text(f"{indent}and {more} more fields", style="dim")


def _verdicts(found: Comparison) -> Iterator[Text]:
    for word, style, causes in (
        ("✓ gone ", "green", found.gone),
        ("? B cannot tell", "yellow", found.untold),
        ("✗ still", "red", found.still),
    ):
        for cause in causes:
            yield Text.assemble((f"{word} ", style), f"{cause.title} ({cause.id})")


def _objects(title: str, changes: list[ObjectChange]) -> Iterator[Text]:
    if not changes:
        return
    yield Text("")
    yield Text(f"{title} ({len(changes)})", style="bold")
    for change in changes:
        sign, style = SIGNS[change.change]
        when = f", {change.at:%Y-%m-%d %H:%M:%S} UTC" if change.at else ""
        yield Text.assemble("  ", (sign, style), f" {change.object} {change.change}{when}")
        yield from _fields(change, "      ")


def _proxies(changes: tuple[ProxyChange, ...]) -> Iterator[Text]:
    if not changes:
        return
    yield Text("")
    yield Text(f"Proxies ({len(changes)})", style="bold")
    for change in changes:
        sign, style = SIGNS[change.change]
        yield Text.assemble("  ", (sign, style), f" {change.proxy} {proxy_summary(change)}")
        shown = [part for part in change.parts if part.change is not Change.CHANGED or part.detail]
        for part in shown[:_MOST_PARTS]:
            detail = f": {part.detail}" if part.detail else ""
            yield Text(f"      {SIGNS[part.change][0]} {part.part} {part.name}{detail}")
        if len(shown) > _MOST_PARTS:
            yield Text(f"      and {len(shown) - _MOST_PARTS} more (-o json)", style="dim")


def proxy_summary(change: ProxyChange) -> str:
    """What became of a proxy, in one line."""
    if change.change is not Change.CHANGED:
        return change.change.value
    said = []
    if change.version is not None:
        said.append(f"version {change.version[0]} → {change.version[1]}")
    said += [f"{kind} {old} → {new}" for kind, old, new in change.sync]
    counts = Counter((part.part, part.change) for part in change.parts)
    for part in ("listener", "route", "cluster", "endpoints"):
        signs = [f"{SIGNS[kind][0]}{counts[part, kind]}" for kind in Change if counts[part, kind]]
        if signs:
            said.append(f"{part if part.endswith('s') else part + 's'} {' '.join(signs)}")
    return ", ".join(said)


def _certificates(changes: tuple[CertificateChange, ...]) -> Iterator[Text]:
    if not changes:
        return
    yield Text("")
    yield Text(f"Certificates ({len(changes)})", style="bold")
    routine = [change for change in changes if change.routine]
    for change in changes:
        if not change.routine:
            days = " → ".join("?" if left is None else f"{left:g}" for left in change.days_left)
            yield Text(f"  ~ {change.subject}: {change.old} → {change.new}, days left {days}")
    if routine:
        leaves = "leaf was" if len(routine) == 1 else "leaves were"
        yield Text(f"  {len(routine)} {leaves} renewed in time", style="dim")
