"""A request as the server's proxy sees it: whose it is and what it asks for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Seen(Enum):
    """What stands for a value that is no text."""

    ABSENT = "absent"
    """The request does not have it: plaintext has no principal."""
    UNKNOWN = "unknown"
    """Nothing that was read tells."""


Value = str | Seen


def text_of(value: Value) -> str:
    """A value in a sentence."""
    match value:
        case Seen.ABSENT:
            return "none"
        case Seen.UNKNOWN:
            return "not known"
    return f'"{value}"'


@dataclass(frozen=True, slots=True)
class Request:
    """What AuthorizationPolicy rules may ask about; unknown unless told."""

    principal: Value = Seen.UNKNOWN
    """Peer identity from the client certificate, ``<trust domain>/ns/<ns>/sa/<name>``."""
    source_ip: Value = Seen.UNKNOWN
    remote_ip: Value = Seen.UNKNOWN
    """The original client's, from X-Forwarded-For where gateways are told to trust it."""
    request_principal: Value = Seen.UNKNOWN
    """``<iss>/<sub>`` of a token that a RequestAuthentication validated."""
    method: Value = Seen.UNKNOWN
    path: Value = Seen.UNKNOWN
    """Without the query."""
    host: Value = Seen.UNKNOWN
    port: Value = Seen.UNKNOWN
    """The server's own port, not its Service's."""
    sni: Value = Seen.UNKNOWN
    http: bool = True
    """Whether the port is served as HTTP; HTTP fields never match on any other."""
    has_token: bool | None = None
    """False when no validated token came with it; None when that is not known."""
    attributes: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    """Further ``when`` keys, e.g. ``request.headers[x-user]``."""

    @property
    def namespace(self) -> Value:
        """The caller's namespace, as far as its certificate tells."""
        return self._part("ns")

    @property
    def service_account(self) -> Value:
        """``<namespace>/<service account>`` from the certificate."""
        space, account = self._part("ns"), self._part("sa")
        if isinstance(space, str) and isinstance(account, str):
            return f"{space}/{account}"
        return account

    def _part(self, name: str) -> Value:
        if not isinstance(self.principal, str):
            return self.principal
        parts = self.principal.split("/")
        for key, value in zip(parts[1::2], parts[2::2], strict=False):
            if key == name:
                return value
        return Seen.ABSENT

    def as_peer(self, principal: Value) -> Request:
        """The same request, had it come from another identity."""
        return replace(self, principal=principal)
