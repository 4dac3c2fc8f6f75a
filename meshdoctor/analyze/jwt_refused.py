"""Tokens that proxies refuse for what stands in them: expired, for another audience, malformed.

Whose fault that is, the token's issuer's or the RequestAuthentication's, no recording tells, so no
root cause is named; Envoy's words are (source/common/jwt/status.cc).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.authorization_workloads import Governed, governed
from meshdoctor.analyze.base import PROXY_LOG
from meshdoctor.analyze.jwt_fetch import KEY_REASONS
from meshdoctor.analyze.jwt_issuer import ISSUER_REASON
from meshdoctor.analyze.jwt_refusals import TokenRefusal, affected_by, refused_fact, token_refusals
from meshdoctor.model.finding import Finding, Outcome, Severity
from meshdoctor.model.kinds import POD, REQUEST_AUTHENTICATION
from meshdoctor.model.pod import is_gateway

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from meshdoctor.model.snapshot import Snapshot

TOKEN_REFUSED = "MD0714"
_MOST_REASONS = 3


def _finding(mesh: Snapshot, item: Governed, found: Sequence[TokenRefusal]) -> Finding:
    reasons = list(dict.fromkeys(refusal.reason for refusal in reversed(found)))[:_MOST_REASONS]
    said = ", ".join(reason.replace("_", " ") for reason in reasons)
    suffer = affected_by(mesh, found)
    # Strangers come to a gateway with whatever they have.
    strange = not any(a.source for a in suffer) and all(is_gateway(r.pod) for r in found)
    return Finding(
        code=TOKEN_REFUSED,
        subject=item.subject,
        outcome=Outcome.WARN,
        message=f"{item.workload} refuses tokens with 401: {said}",
        resource=str(item.authentications[-1]),
        objects=tuple(map(str, item.authentications))[:6],
        facts=(refused_fact(mesh, item, found),),
        affected=suffer,
        severity=Severity.INFO if strange else None,
        root=False,
    )


@dataclass(frozen=True, slots=True)
class _TokenRefused:
    name: str = "jwt-refused"
    description: str = "No token is refused for what stands in it."
    inputs: tuple[str, ...] = (REQUEST_AUTHENTICATION.input, POD.input, PROXY_LOG)
    codes: tuple[str, ...] = (TOKEN_REFUSED,)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """Look for refusals of the last minutes for which there is no other code."""
        if not mesh.catalog.known(REQUEST_AUTHENTICATION, POD):
            return
        for item in governed(mesh):
            found = tuple(
                refusal
                for refusal in token_refusals(mesh)
                if refusal.governed is item
                and not refusal.reason.startswith((ISSUER_REASON, *KEY_REASONS))
            )
            if found:
                yield _finding(mesh, item, found)


ANALYZER = _TokenRefused()
