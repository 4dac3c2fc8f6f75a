"""One row of ``certificates``: a chain or a bundle, what it leads to, and how long it lasts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.certificate_sources import root_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from meshdoctor.analyze.certificate_sources import RootId
    from meshdoctor.model.envoy import Certificate

COLUMNS: tuple[tuple[str, str], ...] = (
    ("WHAT", "what"),
    ("HOLDER", "holder"),
    ("CERTIFICATE", "name"),
    ("STATE", "state"),
    ("DAYS LEFT", "days_text"),
    ("ROOT", "root_text"),
    ("MESH ROOT", "mesh_root"),
    ("IDENTITY", "identity"),
    ("CHAIN", "chain_text"),
    ("NOT AFTER", "not_after_text"),
    ("SERIAL", "serial"),
)
_DAY = timedelta(days=1)
_NEAR_CA = timedelta(days=30)
_SHORT = 12


class State(StrEnum):
    """Whether a certificate does its duty at the moment of the snapshot."""

    VALID = "valid"
    SOON = "soon"
    """A CA, or a certificate that people renew, with a month left at most."""
    EXPIRED = "expired"
    EARLY = "not yet valid"
    NOT_READ = "not read"
    MISSING = "missing"
    """It was looked for, and there is none."""


class MeshRoot(StrEnum):
    """Whether a chain leads to, or a bundle holds, the root that istiod signs with."""

    MATCH = "match"
    DIFFERS = "differs"
    UNKNOWN = "unknown"
    NONE = ""
    """It is none of the mesh's CA."""


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """One chain or bundle in one place."""

    what: str
    """``CA``, ``root``, ``webhook``, ``proxy`` or ``gateway``."""
    holder: str
    """The object or the proxy that holds it, e.g. ``Secret istio-system/cacerts``."""
    namespace: str
    """The holder's; empty where it lies in none, or in several."""
    name: str
    """Key of the Secret or ConfigMap, webhook configuration's entry, or SDS name."""
    state: State
    chain: tuple[Certificate, ...]
    """Leaf first; for a bundle every root."""
    roots: tuple[str, ...]
    """SHA-256 fingerprints of the roots: of a bundle its own, of a proxy those that it trusts."""
    mesh_root: MeshRoot
    days_left: int | None
    """Whole days until the first of the chain runs out (of a bundle the last); negative: ago."""
    hours_left: int | None
    not_after: datetime | None
    why: str
    """Why it is not read or missing; empty otherwise."""
    source: str
    pointer: str
    command: str
    """Shows the same on the live mesh."""
    proxy: str = ""
    """Id of the proxy that holds it; empty for an object."""

    @property
    def days_text(self) -> str:
        """Days in a cell; hours where there is less than one day."""
        if self.days_left is None or self.hours_left is None:
            return ""
        if abs(self.hours_left) < 24:
            return f"{self.hours_left} h"
        return str(self.days_left)

    @property
    def root_text(self) -> str:
        """The beginnings of the roots' fingerprints."""
        return ",".join(item[:_SHORT] for item in self.roots)

    @property
    def identity(self) -> str:
        """The first name in the first certificate: its SAN, else its subject."""
        if not self.chain:
            return ""
        first = self.chain[0]
        return first.sans[0] if first.sans else first.subject

    @property
    def chain_text(self) -> str:
        """Who signed whom, leaf first, as subjects."""
        names = [item.subject or (item.sans[0] if item.sans else "-") for item in self.chain]
        return " ← ".join(names)

    @property
    def not_after_text(self) -> str:
        """RFC 3339 in UTC; empty when unknown."""
        return _time(self.not_after) if self.not_after else ""

    @property
    def serial(self) -> str:
        """Serial number of the first certificate."""
        return self.chain[0].serial if self.chain else ""

    @property
    def is_fault(self) -> bool:
        """Whether somebody has to look at it; what is not read is unknown, not a fault."""
        bad = (State.EXPIRED, State.EARLY, State.SOON, State.MISSING)
        return self.state in bad or self.mesh_root is MeshRoot.DIFFERS


def _time(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def state_of(certificates: Iterable[Certificate], now: datetime, *, renewed: bool) -> State:
    """The state of a chain.

    Args:
        certificates: each of which must be valid.
        now: the moment of the snapshot.
        renewed: whether istiod renews the first of them by itself within the day.
    """
    for number, item in enumerate(certificates):
        if item.not_after <= now:
            return State.EXPIRED
        if item.not_before > now:
            return State.EARLY
        if item.not_after - now <= _NEAR_CA and not (renewed and number == 0):
            return State.SOON
    return State.VALID


def made_row(
    what: str,
    holder: str,
    name: str,
    certificates: tuple[Certificate, ...],
    now: datetime,
    *,
    namespace: str,
    is_bundle: bool,
    renewed: bool = False,
    roots: Iterable[Certificate] | None = None,
    mesh_root: MeshRoot = MeshRoot.NONE,
    where: tuple[str, str, str],
    proxy: str = "",
) -> CertificateRow:
    """A row of certificates that were read.

    Args:
        what: see CertificateRow.
        holder: see CertificateRow.
        name: see CertificateRow.
        certificates: leaf first, or a bundle; one at least.
        now: the moment of the snapshot.
        namespace: the holder's.
        is_bundle: whether each stands for itself, so that the longest lived counts.
        renewed: whether istiod renews the first within the day.
        roots: whose fingerprints to show; the self-signed ones of the chain unless given.
        mesh_root: how it compares with the root that istiod signs with.
        where: source, pointer, and the command that shows it.
        proxy: id of the proxy that holds it.
    """
    pick = max if is_bundle else min
    decides = pick(certificates, key=lambda item: item.not_after)
    left = decides.not_after - now
    judged = (decides,) if is_bundle else certificates
    own = [item for item in certificates if item.is_self_signed]
    return CertificateRow(
        what=what,
        holder=holder,
        namespace=namespace,
        name=name,
        state=state_of(judged, now, renewed=renewed),
        chain=certificates,
        roots=tuple(dict.fromkeys(item.fingerprint for item in (own if roots is None else roots))),
        mesh_root=mesh_root,
        days_left=left // _DAY,
        hours_left=left // timedelta(hours=1),
        not_after=decides.not_after,
        why="",
        source=where[0],
        pointer=where[1],
        command=where[2],
        proxy=proxy,
    )


def lacking_row(
    what: str,
    holder: str,
    name: str,
    why: str,
    *,
    namespace: str,
    state: State = State.NOT_READ,
    source: str = "",
    command: str = "",
    proxy: str = "",
) -> CertificateRow:
    """A row for what was not read, or is not there."""
    return CertificateRow(
        what=what,
        holder=holder,
        namespace=namespace,
        name=name,
        state=state,
        chain=(),
        roots=(),
        mesh_root=MeshRoot.UNKNOWN if state is State.NOT_READ else MeshRoot.NONE,
        days_left=None,
        hours_left=None,
        not_after=None,
        why=why,
        source=source,
        pointer="",
        command=command,
        proxy=proxy,
    )


def compared(found: Iterable[Certificate], current: Collection[RootId] | None) -> MeshRoot:
    """Whether some of these roots is one of those that istiod hands out.

    While roots are exchanged a bundle holds both: one in common is enough.
    """
    ids = {root_id(item) for item in found}
    if not current or not ids:
        return MeshRoot.UNKNOWN
    return MeshRoot.MATCH if ids & set(current) else MeshRoot.DIFFERS


def to_json(row: CertificateRow) -> dict[str, Any]:
    """The row as plain values; what was not read is null, and ``why`` says why."""
    return {
        "what": row.what,
        "holder": row.holder,
        "namespace": row.namespace or None,
        "name": row.name,
        "state": row.state.value,
        "days_left": row.days_left,
        "not_after": row.not_after_text or None,
        "roots": list(row.roots),
        "mesh_root": row.mesh_root.value or None,
        "identity": row.identity or None,
        "chain": [
            {
                "subject": item.subject,
                "issuer": item.issuer,
                "serial": item.serial,
                "sans": list(item.sans),
                "is_ca": item.is_ca,
                "fingerprint": item.fingerprint,
                "not_before": _time(item.not_before),
                "not_after": _time(item.not_after),
            }
            for item in row.chain
        ],
        "why": row.why or None,
        "source": row.source or None,
        "pointer": row.pointer or None,
    }
