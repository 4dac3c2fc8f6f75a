"""Controllers that want pods and get none: what the API server said when it refused them.

A ReplicaSet keeps the refusal in its ReplicaFailure condition, and so does its Deployment; the
other controllers say it in Events alone (pkg/controller, reason ``FailedCreate``). Events outlive
a mended fault by an hour, so one counts only while its controller lacks pods to this moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from meshdoctor.model.event import event_about, event_text, event_time
from meshdoctor.model.kinds import (
    DAEMON_SET,
    DEPLOYMENT,
    EVENT,
    JOB,
    REPLICA_SET,
    STATEFUL_SET,
    Kind,
)
from meshdoctor.model.resource import as_list, as_mapping, object_text, parse_time
from meshdoctor.model.workload import owner_of_replica_set

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_KINDS: dict[str, Kind] = {kind.name: kind for kind in (REPLICA_SET, STATEFUL_SET, DAEMON_SET, JOB)}
_TRIED_LATELY = timedelta(minutes=20)
"""Controllers try again at growing intervals, the longest about 17 minutes."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The newest refusal of one workload's pods."""

    workload: str
    """Whose template makes the pods, ``Deployment shop/ratings-v1``."""
    namespace: str
    text: str
    """What the API server answered."""
    time: datetime | None
    evidence: tuple[Evidence, ...]

    @property
    def target(self) -> str:
        """The workload as kubectl takes it: ``deployment/ratings-v1``."""
        kind, _, where = self.workload.partition(" ")
        return f"{kind.lower()}/{where.partition('/')[2]}"


def _number(value: Any, default: int = 0) -> int:
    return value if isinstance(value, int) else default


def _lacks_pods(item: Resource) -> bool:
    """Whether a controller has fewer pods at this moment than it wants."""
    spec, status = item.spec, item.status
    if item.kind is DAEMON_SET:
        wanted, has = status.get("desiredNumberScheduled"), status.get("currentNumberScheduled")
        return _number(has) < _number(wanted)
    if item.kind is JOB:
        over = {"Complete", "Failed", "SuccessCriteriaMet", "Suspended"}
        conditions = map(as_mapping, as_list(status.get("conditions")))
        ended = any(c.get("type") in over and c.get("status") == "True" for c in conditions)
        left = _number(spec.get("completions"), 1) - _number(status.get("succeeded"))
        wanted = min(_number(spec.get("parallelism"), 1), left)
        return not ended and _number(status.get("active")) < wanted
    return _number(status.get("replicas")) < _number(spec.get("replicas"), 1)


def _condition(item: Resource) -> tuple[str, datetime | None, Evidence] | None:
    """What a ReplicaFailure condition says, since when, and where that stands."""
    for index, value in enumerate(as_list(item.status.get("conditions"))):
        entry = as_mapping(value)
        if entry.get("type") == "ReplicaFailure" and entry.get("status") == "True":
            if entry.get("reason") != "FailedCreate":
                return None
            shown = item.evidence("status", "conditions", index, "message")
            since = parse_time(entry.get("lastTransitionTime"))
            return str(entry.get("message") or ""), since, shown
    return None


def _said_by_conditions(mesh: Snapshot) -> Iterator[Refusal]:
    for kind in (REPLICA_SET, DEPLOYMENT):
        for item in mesh.catalog.of(kind):
            found = _condition(item)
            if found is None or (kind is REPLICA_SET and not _lacks_pods(item)):
                continue
            owner = owner_of_replica_set(item) if kind is REPLICA_SET else str(item)
            yield Refusal(owner, item.namespace, found[0], found[1], (found[2],))


def _controller_lacks_pods(mesh: Snapshot, kind: Kind, namespace: str, name: str) -> bool:
    """Whether the controller of an event still lacks pods; where its kind is unread it may."""
    item = mesh.catalog.find(kind, namespace, name)
    if item is not None:
        return _lacks_pods(item)
    # A ReplicaSet's refusal stands in its Deployment as well, whose own state is known.
    return kind is not REPLICA_SET and not mesh.catalog.known(kind)


def _workload_of(mesh: Snapshot, kind: Kind, namespace: str, name: str) -> str:
    item = mesh.catalog.find(kind, namespace, name)
    if item is not None and kind is REPLICA_SET:
        return owner_of_replica_set(item)
    return object_text(kind.name, namespace, name)


def _said_by_events(mesh: Snapshot) -> Iterator[Refusal]:
    for event in mesh.catalog.of(EVENT):
        if event.raw.get("reason") != "FailedCreate":
            continue
        kind_name, namespace, name = event_about(event)
        kind, time = _KINDS.get(kind_name), event_time(event)
        if kind is None or time is None or mesh.now - time > _TRIED_LATELY:
            continue
        if _controller_lacks_pods(mesh, kind, namespace, name):
            owner = _workload_of(mesh, kind, namespace, name)
            shown = event.evidence("message" if "message" in event.raw else "note")
            yield Refusal(owner, namespace, event_text(event), time, (shown,))


@lru_cache(maxsize=2)
def refusals(mesh: Snapshot) -> tuple[Refusal, ...]:
    """The newest refusal of each workload that lacks pods because of it, by workload.

    A condition keeps the text of the first refusal, so a newer Event is believed before it.
    """
    found: dict[str, list[Refusal]] = {}
    for item in (*_said_by_conditions(mesh), *_said_by_events(mesh)):
        found.setdefault(item.workload, []).append(item)
    chosen = []
    for items in found.values():
        newest = max(items, key=lambda item: (item.time is not None, item.time or mesh.now))
        same = [item for item in items if _alike(item.text, newest.text)]
        whole = max(same, key=lambda item: len(item.text))
        evidence = tuple(dict.fromkeys(one for item in (newest, *same) for one in item.evidence))
        chosen.append(
            Refusal(newest.workload, newest.namespace, whole.text, newest.time, evidence[:3])
        )
    return tuple(sorted(chosen, key=lambda item: item.workload))


def _alike(one: str, other: str) -> bool:
    """Whether two refusals give the same reason: the name of the pod differs from try to try."""
    return _reason(one)[:80] == _reason(other)[:80]


def _reason(text: str) -> str:
    text = text.removeprefix("Error creating: ")
    head, found, rest = text.partition(" is forbidden: ")
    return rest if found and head.startswith(("pods ", "create Pod ")) else text
