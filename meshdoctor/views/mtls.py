"""``mtls``: what clients send, what servers accept, which objects decide, and whether it works.

Rows stand for what is decided alike: clients that send the same, destinations whose servers accept
the same, by the same objects. Asked about one client or one destination, each has its own row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.mtls_verdict import Works
from meshdoctor.diagnose.destination_scope import asked_destination
from meshdoctor.diagnose.scope import find_workload
from meshdoctor.model.kinds import (
    DESTINATION_RULE,
    PEER_AUTHENTICATION,
    POD,
    SERVICE,
)
from meshdoctor.views.mtls_clients import ClientSets
from meshdoctor.views.mtls_meetings import meetings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from meshdoctor.analyze.mtls_accepting import Accepting
    from meshdoctor.analyze.mtls_sending import ClientKind, Sending
    from meshdoctor.analyze.mtls_verdict import Verdict
    from meshdoctor.diagnose.destination_scope import Asked
    from meshdoctor.intent.destinations import Destination
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.views.mtls_clients import ClientSet
    from meshdoctor.views.mtls_meetings import Meeting

COLUMNS: tuple[tuple[str, str], ...] = (
    ("WORKS", "works"),
    ("FROM", "from_text"),
    ("SENDS", "sends"),
    ("BY", "sent_by"),
    ("TO", "to_text"),
    ("ACCEPTS", "accepts"),
    ("BY", "accepted_by"),
    ("WHY", "why"),
)
INPUTS = (POD, SERVICE, DESTINATION_RULE, PEER_AUTHENTICATION)
"""What decides; without the first two there is no row, without the others cells are unknown."""
_ORDER = {Works.NO: 0, Works.UNKNOWN: 1, Works.YES: 2}


@dataclass(frozen=True, slots=True)
class Asking:
    """What a person wants to see; everything unless said."""

    namespaces: tuple[str, ...] = ()
    """Only where either end is in one of these."""
    source: str = ""
    """A client: ``pod[.namespace]``, ``deploy/name``, a Gateway, or a namespace."""
    to: str = ""
    """A destination: ``host[:port]``."""
    places: tuple[str, ...] = ()
    """Destinations, as root causes name them: ``host:port``; each has its own row then."""
    server: str = ""
    """A server: a workload's text form."""
    each: bool = False
    """A row for each destination, also where many are decided alike."""
    is_broken: bool = False
    """Only what fails."""


@dataclass(frozen=True, slots=True)
class MtlsRow:
    """Clients and servers between which everything is decided alike."""

    kind: ClientKind
    clients: tuple[str, ...]
    """Workloads."""
    sending: Sending
    destinations: tuple[Destination, ...]
    servers: tuple[str, ...]
    """Workloads."""
    accepting: Accepting
    verdict: Verdict

    @property
    def works(self) -> str:
        """``works``, ``fails`` or ``unknown``."""
        return self.verdict.works.value

    @property
    def from_text(self) -> str:
        """The clients in a cell, without their kind."""
        names = [name.partition(" ")[2] for name in self.clients]
        return f"{self.kind.value}: {_some(names)}"

    @property
    def sends(self) -> str:
        """What is sent."""
        return self.sending.text

    @property
    def sent_by(self) -> str:
        """What decides at the client."""
        return self.sending.by

    @property
    def to_text(self) -> str:
        """The destinations in a cell."""
        return _some([_short(item) for item in self.destinations])

    @property
    def accepts(self) -> str:
        """What is accepted."""
        return self.accepting.text

    @property
    def accepted_by(self) -> str:
        """What decides at the server."""
        return self.accepting.by

    @property
    def why(self) -> str:
        """Why it works, or does not."""
        return self.verdict.why

    @property
    def objects(self) -> tuple[str, ...]:
        """The objects that decide, the client's side first."""
        found = (self.sending.rule, self.accepting.policy)
        return tuple(str(item) for item in found if item is not None)

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespaces of both ends."""
        names = (*self.clients, *self.servers)
        return frozenset(name.partition(" ")[2].partition("/")[0] for name in names)


def _short(destination: Destination) -> str:
    host, found, _ = destination.host.partition(".svc.")
    place = f"{host}:{destination.port}" if found else destination.to
    return f"{place} {destination.subset}" if destination.subset else place


def _some(names: Sequence[str]) -> str:
    """The first name, and how many more there are."""
    return names[0] if len(names) == 1 else f"{names[0]} +{len(names) - 1}"


class _Chosen:
    """Applies what was asked to meetings."""

    def __init__(self, mesh: Snapshot, asking: Asking) -> None:
        self._asking = asking
        self._asked: Asked | None = None
        self._namespaces = frozenset(asking.namespaces)
        self._client: tuple[str, str] = ("", "")
        self._mesh = mesh
        near = asking.namespaces
        if asking.source:
            self._client = _client_meant(mesh, asking.source, asking.namespaces)
            near = (self._client[0],)
        if asking.to:
            self._asked = asked_destination(mesh, asking.to, near)
        self._everybody = ClientSets(mesh, self._is_client)
        self._near = ClientSets(mesh, self._is_near)

    def _is_client(self, pod: Resource) -> bool:
        namespace, workload = self._client
        if namespace and pod.namespace != namespace:
            return False
        return not workload or str(self._mesh.workloads.owning(pod)) == workload

    def _is_near(self, pod: Resource) -> bool:
        return self._is_client(pod) and pod.namespace in self._namespaces

    def clients(self, meeting: Meeting) -> ClientSet | None:
        """The clients of a meeting that were asked about; None where there are none."""
        place = meeting.destination.to
        if self._asked is not None and not self._asked.covers(place):
            return None
        if self._asking.places and place not in self._asking.places:
            return None
        if self._asking.server and self._asking.server not in meeting.servers:
            return None
        inside = not self._namespaces or meeting.service.namespace in self._namespaces
        sets = self._everybody if inside else self._near
        found = sets.of(meeting.client, meeting.groups)
        return found if found.workloads else None


def _client_meant(mesh: Snapshot, text: str, namespaces: tuple[str, ...]) -> tuple[str, str]:
    """Namespace and workload of the clients that are meant; no workload for a whole namespace."""
    if any(pod.namespace == text for pod in mesh.catalog.of(POD)):
        return text, ""
    workload = find_workload(mesh, text, namespaces)
    return workload.namespace, str(workload)


@dataclass(slots=True)
class _Growing:
    """A row while meetings are added to it."""

    first: Meeting
    clients: ClientSet
    destinations: dict[Destination, None]
    servers: dict[str, None]


def _grown(mesh: Snapshot, asking: Asking) -> Iterator[_Growing]:
    """Meetings that are decided alike, between the same clients."""
    chosen, found = _Chosen(mesh, asking), dict[tuple[object, ...], _Growing]()
    each = asking.each or bool(asking.to or asking.places)
    for meeting in meetings(mesh):
        if asking.is_broken and meeting.verdict.works is not Works.NO:
            continue
        clients = chosen.clients(meeting)
        if clients is None:
            continue
        key = (
            clients.workloads,
            meeting.client.kind,
            meeting.sending,
            (meeting.accepting.text, meeting.accepting.by),
            meeting.verdict,
            meeting.destination if each else None,
        )
        row = found.setdefault(key, _Growing(meeting, clients, {}, {}))
        row.destinations[meeting.destination] = None
        row.servers.update(dict.fromkeys(meeting.servers))
    yield from found.values()


def _merged(rows: Iterable[_Growing]) -> Iterator[MtlsRow]:
    """Rows that differ in nothing but who the clients are, put together."""
    found: dict[tuple[object, ...], tuple[_Growing, dict[str, None]]] = {}
    for row in rows:
        first = row.first
        key = (
            first.client.kind,
            first.sending,
            (first.accepting.text, first.accepting.by),
            first.verdict,
            tuple(row.destinations),
            tuple(row.servers),
        )
        _, names = found.setdefault(key, (row, {}))
        names.update(dict.fromkeys(row.clients.workloads))
    for row, names in found.values():
        first = row.first
        yield MtlsRow(
            kind=first.client.kind,
            clients=tuple(sorted(names)),
            sending=first.sending,
            destinations=tuple(sorted(row.destinations, key=str)),
            servers=tuple(sorted(row.servers)),
            accepting=first.accepting,
            verdict=first.verdict,
        )


def _place(row: MtlsRow) -> tuple[object, ...]:
    return (_ORDER[row.verdict.works], str(row.destinations[0]), row.kind, row.clients)


def rows(mesh: Snapshot, asking: Asking | None = None) -> tuple[MtlsRow, ...]:
    """The matrix: what fails first, then what is unknown, then what works.

    Raises:
        ScopeError: the client or destination asked about is not in the snapshot.
    """
    return tuple(sorted(_merged(_grown(mesh, asking or Asking())), key=_place))


def unread(mesh: Snapshot) -> tuple[str, ...]:
    """The inputs of the matrix that were not read: what they decide is unknown."""
    return mesh.catalog.unread(*INPUTS)


def to_json(row: MtlsRow) -> dict[str, Any]:
    """The row as plain values."""
    return {
        "works": row.works,
        "why": row.why,
        "needs": list(row.verdict.needs),
        "clients": list(row.clients),
        "client_kind": row.kind.value,
        "sends": row.sending.what.value,
        "sent_by": row.sent_by,
        "destinations": [
            {"host": item.host, "port": item.port, "subset": item.subset or None}
            for item in row.destinations
        ],
        "servers": list(row.servers),
        "accepts": row.accepts,
        "accepted_by": row.accepted_by,
        "objects": list(row.objects),
    }
