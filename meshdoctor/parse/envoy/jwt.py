"""JWT providers: what istiod makes of RequestAuthentications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.envoy.security import JwtProvider
from meshdoctor.model.evidence import join_pointer
from meshdoctor.model.resource import as_mapping
from meshdoctor.parse.envoy.fields import strings, text

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = 200


def _local(provider: Mapping[str, Any]) -> str | None:
    local = provider.get("local_jwks")
    if not isinstance(local, dict):
        return None
    return (text(local.get("inline_string")) or text(local.get("filename")))[:_PREFIX]


def read_jwt_providers(entry: Mapping[str, Any], pointer: str) -> tuple[JwtProvider, ...]:
    """Read the providers of a ``jwt_authn`` filter; empty for any other filter."""
    config = as_mapping(entry.get("typed_config"))
    if not text(config.get("@type")).endswith(".JwtAuthentication"):
        return ()
    found = []
    for name, value in as_mapping(config.get("providers")).items():
        provider = as_mapping(value)
        remote = as_mapping(as_mapping(provider.get("remote_jwks")).get("http_uri"))
        found.append(
            JwtProvider(
                name=text(name),
                issuer=text(provider.get("issuer")),
                audiences=strings(provider.get("audiences")),
                local_jwks=_local(provider),
                remote_uri=text(remote.get("uri")),
                remote_cluster=text(remote.get("cluster")),
                pointer=join_pointer(pointer, ("typed_config", "providers", name)),
            )
        )
    return tuple(found)
