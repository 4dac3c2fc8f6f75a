"""What a chain checks of a request: RBAC policies and JWT providers."""

from __future__ import annotations

import re
from dataclasses import dataclass

_POLICY_NAME = re.compile(r"(?:istio-ext-authz-)?ns\[(.*)\]-policy\[(.*)\]-rule\[(\d+)\]")
_EXT_AUTHZ = "istio-ext-authz-"


@dataclass(frozen=True, slots=True)
class RbacPolicy:
    """One policy of an RBAC filter: istiod makes one of each rule of an AuthorizationPolicy."""

    name: str
    """``ns[<namespace>]-policy[<name>]-rule[<index>]``."""
    principals: tuple[str, ...]
    """Identities it asks for, sorted; a prefix ends in ``*``, a suffix begins with it."""
    matches_nothing: bool
    """Whether no request can match: what istiod makes of a policy without rules."""
    pointer: str

    @property
    def source(self) -> tuple[str, str, int] | None:
        """Namespace, name and rule index of the AuthorizationPolicy; None when not Istio's."""
        found = _POLICY_NAME.fullmatch(self.name)
        return (found[1], found[2], int(found[3])) if found else None

    @property
    def is_custom(self) -> bool:
        """Whether it belongs to a CUSTOM policy (external authorization)."""
        return self.name.startswith(_EXT_AUTHZ)


@dataclass(frozen=True, slots=True)
class RbacFilter:
    """An ``envoy.filters.http.rbac`` or ``envoy.filters.network.rbac`` filter."""

    name: str
    action: str
    """ALLOW, DENY or LOG, of ``rules``; empty when there are only shadow rules."""
    policies: tuple[RbacPolicy, ...]
    shadow_action: str
    shadow_policies: tuple[RbacPolicy, ...]
    """Dry-run policies, and the triggers of CUSTOM ones."""
    pointer: str
    """Pointer to the filter."""

    @property
    def is_http(self) -> bool:
        """Whether it judges requests rather than connections."""
        return ".http." in self.name


@dataclass(frozen=True, slots=True)
class JwtProvider:
    """One provider of ``envoy.filters.http.jwt_authn``: a RequestAuthentication's jwtRule."""

    name: str
    issuer: str
    audiences: tuple[str, ...]
    local_jwks: str | None
    """First 200 characters of keys held inline; None when they are fetched."""
    remote_uri: str
    """Where Envoy itself fetches keys; empty for inline keys."""
    remote_cluster: str
    pointer: str
