"""Tokens of an issuer that no RequestAuthentication of the workload names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.authorization_words import fills, save_and_edit
from meshdoctor.analyze.authorization_workloads import Governed, governed, newest_call
from meshdoctor.analyze.base import MESH_SUBJECT, PROXY_LOG, holds
from meshdoctor.analyze.jwt_keys import rules_at
from meshdoctor.analyze.jwt_refusals import TokenRefusal, affected_by, refusals_at, refused_fact
from meshdoctor.model.finding import Finding, Outcome
from meshdoctor.model.kinds import POD, REQUEST_AUTHENTICATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from meshdoctor.model.snapshot import Snapshot

ISSUER_MISMATCH = "MD0711"
ISSUER_REASON = "Jwt_issuer_is_not_configured"


def _finding(mesh: Snapshot, item: Governed, found: Sequence[TokenRefusal]) -> Finding:
    rules = rules_at(item)
    policy = rules[-1].policy if rules else item.authentications[-1]
    known = ", ".join(dict.fromkeys(rule.issuer for rule in rules)) or "no issuer"
    suffer = affected_by(mesh, found)
    text = f"{item.workload} takes tokens of {known} alone"
    edit, undo = save_and_edit(policy)
    who = ", ".join(dict.fromkeys(a.source for a in suffer if a.source)) or "its callers"
    return Finding(
        code=ISSUER_MISMATCH,
        subject=item.subject,
        outcome=Outcome.FAIL,
        message=f"Tokens sent to {item.workload} are of an issuer other than {known}",
        resource=str(policy),
        objects=tuple(dict.fromkeys([str(policy), *map(str, item.authentications)]))[:6],
        facts=(
            refused_fact(mesh, item, found),
            holds(
                "issuers-configured",
                text,
                *(rule.policy.evidence(*rule.path, "issuer") for rule in rules[:3]),
            ),
        ),
        affected=suffer,
        fills={
            **fills(mesh, item, policy, suffer[0].to),
            "who": who,
            "issuers": known,
            "edit": edit,
            "undo_edit": undo,
        },
    )


def _judge(mesh: Snapshot, item: Governed) -> Finding:
    found = refusals_at(mesh, item, ISSUER_REASON)
    if found:
        return _finding(mesh, item, found)
    blind = item.is_blind(mesh)
    newest = newest_call(mesh, item)
    if newest is not None and ISSUER_REASON in (newest.entry.details or ""):
        # Of before the newest RequestAuthentication: it says nothing of it.
        newest = None
    rules = rules_at(item)
    message = (
        f"Whether {item.workload} is sent tokens of another issuer stands in its access log, "
        "which was not read or is switched off"
        if blind
        else f"No token of another issuer was sent to {item.workload} of late"
    )
    if newest is not None and not blind:
        message += f": {newest.outcome} last"
    shown = [rule.policy.evidence(*rule.path, "issuer") for rule in rules[:2]]
    shown[:0] = [newest.evidence] if newest is not None else []
    return Finding(
        code=ISSUER_MISMATCH,
        subject=item.subject,
        outcome=Outcome.UNKNOWN if blind else Outcome.PASS,
        message=message,
        resource=str(item.workload),
        facts=() if blind else (holds("issuers-configured", message, *shown),),
        needs=(PROXY_LOG,) if blind else (),
    )


@dataclass(frozen=True, slots=True)
class _Issuer:
    name: str = "jwt-issuer"
    description: str = "Tokens that are sent are of an issuer that is configured."
    inputs: tuple[str, ...] = (REQUEST_AUTHENTICATION.input, POD.input, PROXY_LOG)
    codes: tuple[str, ...] = (ISSUER_MISMATCH,)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """Judge every workload that checks tokens."""
        needs = mesh.catalog.unread(REQUEST_AUTHENTICATION, POD)
        if needs:
            text = "Which issuers' tokens are taken cannot be told"
            yield Finding(ISSUER_MISMATCH, MESH_SUBJECT, Outcome.UNKNOWN, text, "mesh", needs=needs)
            return
        for item in governed(mesh):
            if item.authentications:
                yield _judge(mesh, item)


ANALYZER = _Issuer()
