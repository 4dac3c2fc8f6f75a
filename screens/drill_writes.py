"""What kubectl's short commands write: restart, scale, label, delete; and why one will not do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from meshdoctor.drill.edits import Edit
from meshdoctor.model.kinds import DAEMON_SET, DEPLOYMENT, REPLICA_SET, STATEFUL_SET

if TYPE_CHECKING:
    from meshdoctor.drill.targets import Target

_RESTARTED = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET)
_SCALED = (DEPLOYMENT, STATEFUL_SET, REPLICA_SET)
_LONGEST = 63
_WORD = r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"
_KEY = re.compile(rf"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?{_WORD}")
_VALUE = re.compile(rf"({_WORD})?")


def why_not(verb: str, target: Target) -> str:
    """Why a verb cannot be used on an object; empty when it can."""
    allowed = {"restart": _RESTARTED, "scale": _SCALED}.get(verb)
    if allowed is None or target.kind in allowed:
        return ""
    names = ", ".join(f"{kind.name}s" for kind in allowed)
    return f"{verb} is for {names}; this is {target}"


def about_replicas(line: str) -> str:
    """Why a line is no number of replicas; empty when it is."""
    return "" if line.isdecimal() else "A number of replicas is needed, 0 or more."


def about_labels(line: str) -> str:
    """Why a line is no change of labels; empty when it is."""
    words = line.split()
    if not words:
        return "Write KEY=VALUE to set a label, KEY- to take it away; blanks part several."
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            if not word.endswith("-"):
                return f"{word}: write KEY=VALUE, or KEY- to take it away."
            key, value = word[:-1], ""
        short = key.rpartition("/")[2]
        if not _KEY.fullmatch(key) or len(short) > _LONGEST:
            return f"{key}: no label can be called so."
        if not _VALUE.fullmatch(value) or len(value) > _LONGEST:
            return f"{value}: no label can have this value."
    return ""


def labels_in(line: str) -> dict[str, str | None]:
    """The labels that a line sets; None for those that it takes away."""
    found: dict[str, str | None] = {}
    for word in line.split():
        key, equals, value = word.partition("=")
        found[key if equals else word[:-1]] = value if equals else None
    return found


def edit(verb: str, target: Target, line: str = "") -> Edit:
    """The edit of a verb, with what was typed for it."""
    settings: dict[str, Any] = {}
    if verb == "scale":
        settings = {"replicas": int(line)}
    elif verb == "label":
        settings = {"set": labels_in(line)}
    return Edit(verb, target, settings)
