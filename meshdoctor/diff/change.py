"""The words of a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from meshdoctor.diff.fields import FieldChange
    from meshdoctor.model.diagnosis import RootCause
    from meshdoctor.model.snapshot import About


class Change(StrEnum):
    """What became of a thing."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """An object that is new, gone or different."""

    object: str
    """``Kind namespace/name``."""
    change: Change
    fields: tuple[FieldChange, ...]
    """What differs in it; empty for one that is new or gone."""
    at: datetime | None
    """When it was made, for one that is new; None where nothing tells."""
    derived: bool
    """Whether controllers wrote it and not a person: a pod, an endpoint slice, a status."""
    words: frozenset[str]
    """Names and hosts in it, by which it may have to do with another object."""
    body: Any = None
    """Of one that is new or gone what it is or was, without what changes by itself."""
    command: str = ""
    """The kubectl command that shows it as it is now."""

    @property
    def namespace(self) -> str:
        """The object's namespace; empty when it has none."""
        namespace, slash, _ = self.object.partition(" ")[2].partition("/")
        return namespace if slash else ""


@dataclass(frozen=True, slots=True)
class PartChange:
    """One listener, route or cluster of a proxy, by name."""

    part: str
    """``listener``, ``route``, ``cluster`` or ``endpoints``."""
    name: str
    change: Change
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ProxyChange:
    """What differs in one proxy, or in the first of a workload's that were replaced."""

    proxy: str
    """The workload, or the pod where that is unknown."""
    change: Change
    version: tuple[str, str] | None = None
    """Before and after, when they differ."""
    sync: tuple[tuple[str, str, str], ...] = ()
    """Type, status before, status after."""
    parts: tuple[PartChange, ...] = ()


@dataclass(frozen=True, slots=True)
class CertificateChange:
    """A root or a leaf that proxies hold."""

    subject: str
    """Whose: ``root of trust``, or a workload."""
    old: str
    """Serial or fingerprint, shortened; empty where there was none."""
    new: str
    days_left: tuple[float | None, float | None]
    """At each snapshot's own time."""
    routine: bool
    """A leaf that was rotated in time, as leaves are every day."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A root cause that was not there before, with the changes that may have brought it."""

    cause: RootCause
    changes: tuple[tuple[ObjectChange, str], ...]
    """The likeliest first, each with why it is listed."""
    known_before: bool
    """Whether the first snapshot could tell that it was not there."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that differs between two snapshots."""

    old: About
    new: About
    explained: tuple[Explained, ...]
    """Root causes that are new."""
    gone: tuple[RootCause, ...]
    untold: tuple[RootCause, ...]
    """Those of the first that the second cannot tell about: too little of it was read."""
    still: tuple[RootCause, ...]
    objects: tuple[ObjectChange, ...]
    proxies: tuple[ProxyChange, ...]
    certificates: tuple[CertificateChange, ...]
    not_compared: tuple[tuple[str, str], ...]
    """What was unread on a side, with which; nothing is said of it."""
    incomplete: bool
    """Whether a diagnosis needs some of that."""

    @property
    def same(self) -> bool:
        """Whether nothing differs that is not routine."""
        return not (
            self.explained
            or self.gone
            or self.untold
            or self.objects
            or self.proxies
            or any(not item.routine for item in self.certificates)
        )
