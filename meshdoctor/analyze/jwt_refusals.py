"""Tokens that proxies refused of late, with Envoy's reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import RECENT, Call
from meshdoctor.analyze.authorization_callers import client_of, server_port
from meshdoctor.analyze.authorization_workloads import Governed, governed, target_at
from meshdoctor.analyze.base import holds, silent, unread
from meshdoctor.model.finding import Affected, Fact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

TOKEN_REFUSED = "token-refused"
_REFUSED = re.compile(r"jwt_authn_access_denied\{(.*?)\}")
_SLACK = timedelta(seconds=2)
_MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class TokenRefusal:
    """One call whose token was refused while the RequestAuthentications of now were there."""

    governed: Governed
    pod: Resource
    call: Call
    reason: str
    """Envoy's words with underscores for spaces, e.g. ``Jwt_issuer_is_not_configured``."""


@lru_cache(maxsize=2)
def token_refusals(mesh: Snapshot) -> tuple[TokenRefusal, ...]:
    """Every token refused in the last minutes, by server and time.

    Lines from before the newest RequestAuthentication say nothing of it.
    """
    found: list[TokenRefusal] = []
    for item in governed(mesh):
        made = [policy.created for policy in item.authentications if policy.created]
        begin = max([mesh.now - RECENT, *(time - _SLACK for time in made)])
        for pod, proxy in item.proxies(mesh) if item.authentications else ():
            for entry in proxy.log.access if proxy.log else ():
                reason = _REFUSED.search(entry.details or "")
                if reason and entry.time and entry.time >= begin:
                    call = Call(proxy, entry, entry.time)
                    found.append(TokenRefusal(item, pod, call, reason[1]))
    return tuple(sorted(found, key=lambda r: (r.call.proxy.id, r.call.time, r.call.entry.line)))


def refusals_at(mesh: Snapshot, item: Governed, *reasons: str) -> tuple[TokenRefusal, ...]:
    """A workload's refusals for one of these reasons (the beginning of Envoy's words)."""
    return tuple(
        refusal
        for refusal in token_refusals(mesh)
        if refusal.governed is item and refusal.reason.startswith(reasons)
    )


def refused_fact(mesh: Snapshot, item: Governed, found: Sequence[TokenRefusal]) -> Fact:
    """The access log's lines, or why there are none."""
    if found:
        last = found[-1]
        text = (
            f"{len(found)} tokens were refused with 401 of late, last at "
            f"{last.call.time.strftime('%H:%M:%S')} UTC: {last.reason.replace('_', ' ')}"
        )
        return holds(
            TOKEN_REFUSED, text, *(r.call.evidence for r in reversed(found[-_MOST_SHOWN:]))
        )
    if item.is_blind(mesh) and item.log_unread(mesh):
        return unread(TOKEN_REFUSED, f"The access log of {item.workload} could not be read")
    return silent(TOKEN_REFUSED, f"The access log of {item.workload} shows no refused token")


def affected_by(mesh: Snapshot, found: Sequence[TokenRefusal]) -> tuple[Affected, ...]:
    """Whose tokens are refused, and where."""
    pairs = set()
    for refusal in found:
        client = client_of(mesh, refusal.call.entry, refusal.call.time)
        source = str(mesh.workloads.owning(client)) if client else ""
        pairs.add((source, target_at(mesh, refusal.pod, server_port(refusal.call.entry))))
    return tuple(Affected(source, to) for source, to in sorted(pairs))
