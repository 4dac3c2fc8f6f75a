"""What a proxy's JWT filter makes of a request's token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.jwt_keys import is_placeholder, jwt_rules
from meshdoctor.intent.policy_attachment import governing
from meshdoctor.model.kinds import REQUEST_AUTHENTICATION

if TYPE_CHECKING:
    from meshdoctor.model.envoy import FilterChain, JwtProvider
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Request

DENIED = "jwt_authn_access_denied"
_UNAUTHORIZED, _FORBIDDEN = 401, 403
NO_KEY = (_UNAUTHORIZED, "Jwks_doesn't_have_key_to_match_kid_or_alg_from_Jwt")
"""What every token gets where the proxy knows no key that could have signed it."""


@dataclass(frozen=True, slots=True)
class TokenVerdict:
    """Whether a request passes, and what is known of its token behind the filter."""

    refused: tuple[int, str] | None
    """Status and reason; None when it passes."""
    may_be_refused: tuple[int, str] | None
    """The same for a token of which nothing is known."""
    validated: bool | None
    """Whether a validated token stands behind it; None when that is not known."""
    because: str


def providers_of(chain: FilterChain) -> tuple[JwtProvider, ...]:
    """The providers of a chain's JWT filter."""
    return chain.http.jwt_providers if chain.http else ()


def authentications(mesh: Snapshot, pod: Resource, issuer: str = "") -> tuple[Resource, ...]:
    """The RequestAuthentications in force at a pod: those with a rule for the issuer, if named."""
    found = governing(mesh, REQUEST_AUTHENTICATION, pod)
    if not issuer:
        return found
    return tuple(item for item in found if any(r.issuer == issuer for r in jwt_rules(item)))


def _judge(mesh: Snapshot, provider: JwtProvider, request: Request) -> tuple[int, str] | None:
    if is_placeholder(provider):
        return NO_KEY
    expiry = request.claims.get("exp", "")
    if expiry.isdecimal() and int(expiry) < mesh.now.timestamp():
        return _UNAUTHORIZED, "Jwt_is_expired"
    audiences = set(provider.audiences)
    named = {item.strip() for item in request.claims.get("aud", "").split(",")}
    if audiences and audiences.isdisjoint(named):
        return _FORBIDDEN, "Audiences_in_Jwt_are_not_allowed"
    return None


def judge_token(mesh: Snapshot, chain: FilterChain, request: Request) -> TokenVerdict | None:
    """What the JWT filter of a chain makes of a request; None where there is no such filter."""
    return judge_providers(mesh, providers_of(chain), request)


def judge_providers(
    mesh: Snapshot, providers: tuple[JwtProvider, ...], request: Request
) -> TokenVerdict | None:
    """What a JWT filter with these providers makes of a request; None where there are none.

    istiod always lets requests without a token pass (``allow_missing``), and a token that comes
    with the request must be valid (pilot/pkg/security/authn/policy_applier.go).
    """
    if not providers:
        return None
    issuers = ", ".join(provider.issuer for provider in providers)
    if request.has_token is False:
        text = "no token comes with it, and the filter lets requests without one pass"
        return TokenVerdict(None, None, False, text)
    if request.has_token is None:
        bad = [item for item in providers if is_placeholder(item)]
        reason = NO_KEY if bad else (_UNAUTHORIZED, "invalid_token")
        text = f"whether a token comes with it is not known; valid ones are of {issuers}"
        return TokenVerdict(None, reason, None, text)
    issuer = request.claims.get("iss", "")
    own = [provider for provider in providers if provider.issuer in ("", issuer)]
    if not own:
        text = f"the token is of {issuer or 'no issuer'}; the proxy knows {issuers}"
        return TokenVerdict((_UNAUTHORIZED, "Jwt_issuer_is_not_configured"), None, False, text)
    refused = [_judge(mesh, provider, request) for provider in own]
    if all(refused):
        text = f"the token of {issuer} is refused: {refused[0][1] if refused[0] else ''}"
        return TokenVerdict(refused[0], None, False, text)
    text = f"the token of {issuer} is taken, provided that its signature is right"
    return TokenVerdict(None, None, True, text)
