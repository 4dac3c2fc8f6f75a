"""Why 403, for a walk that ends at authorization: policy, rule and field, and whom the server saw.

The walk goes by what the server's proxy holds; what each policy makes of the same request is judged
by ``why_403``, field by field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.intent.authorization_request import text_of
from meshdoctor.model.trace import Verdict
from meshdoctor.views import why_403_rows
from meshdoctor.views.caller_identity import Identity
from meshdoctor.views.why_403 import why

if TYPE_CHECKING:
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Gatekeeping, Hop, Walk
    from meshdoctor.views.why_403 import Why
    from meshdoctor.views.why_403_rows import FieldRow


@dataclass(frozen=True, slots=True)
class Refused:
    """One hop of a walk at which AuthorizationPolicies refuse the request, or may."""

    number: int
    """The hop's place in the walk; the first is 1."""
    hop: Hop
    why: Why
    fields: tuple[FieldRow, ...]
    """The fields on which the verdict rests."""

    @property
    def identity(self) -> str:
        """Whom the server takes the caller for, and how it knows."""
        return self.why.identity.text


def _judged(mesh: Snapshot, asked: Gatekeeping) -> Why:
    identity = Identity(asked.request.principal, asked.how)
    return why(mesh, asked.source, asked.server, asked.port, asked.request, identity=identity)


def refused(mesh: Snapshot, walk: Walk) -> tuple[Refused, ...]:
    """Every hop at which authorization stops the request, or may.

    Args:
        mesh: the snapshot that the walk was made of.
        walk: the walk.
    """
    found = []
    for number, hop in enumerate(walk.hops, start=1):
        if hop.gatekeeping is None or hop.verdict in (Verdict.PASSES, Verdict.UNKNOWN):
            continue
        judged = _judged(mesh, hop.gatekeeping)
        rows = tuple(row for row in why_403_rows.rows(judged) if row.is_reason)
        found.append(Refused(number, hop, judged, rows))
    return tuple(found)


def to_json(item: Refused) -> dict[str, Any]:
    """One refusal as plain values."""
    principal = item.why.identity.principal
    return {
        "hop": item.number,
        "server": item.why.server,
        "identity": principal if isinstance(principal, str) else text_of(principal),
        "identity_how": item.why.identity.how,
        "verdict": item.why.decision.access.value,
        "reason": item.why.reason,
        "fields": [why_403_rows.to_json(row) for row in item.fields],
    }
