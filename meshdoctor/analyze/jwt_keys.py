"""The keys that tokens are checked against: where they come from and whether they are any good."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.authorization_workloads import Governed, governed
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.envoy.security import JwtProvider
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

Path = tuple[str | int, ...]

_PUBLIC_ONLY = "0xObjM0UvS_oaazjpEYlAbwctEJ4L8pH3OuTb7qth7g"
"""How the modulus begins of the key whose private half istiod threw away (jwks_resolver.go)."""
PLACEHOLDER = f'{{"keys":[{{"kty":"RSA","e":"AQAB","n":"{_PUBLIC_ONLY}"}}]}}'
"""As much of the key set that istiod ships instead as tells it from others."""
_FAILED_TO_FETCH = "Error-IstiodFailedToFetchJwksUri"
"""What older releases put into the modulus, in base64."""
_KEY_PARTS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "oct": ("k",)}


@dataclass(frozen=True, slots=True)
class JwtRule:
    """One rule of a RequestAuthentication."""

    policy: Resource
    path: Path

    def _text(self, key: str) -> str:
        value = self.policy.get(*self.path, key)
        return value if isinstance(value, str) else ""

    @property
    def issuer(self) -> str:
        """``iss`` of the tokens it is for."""
        return self._text("issuer")

    @property
    def uri(self) -> str:
        """Where istiod fetches the keys; empty when it is found by OpenID discovery or inline."""
        return self._text("jwksUri") or self._text("jwks_uri")

    @property
    def inline(self) -> str:
        """The keys themselves; empty when they are fetched."""
        return self._text("jwks")

    @property
    def evidence(self) -> Evidence:
        """Where the keys come from, as it is written; the issuer where it is found by discovery."""
        key = next((k for k in ("jwks", "jwksUri", "jwks_uri") if self._text(k)), "issuer")
        return self.policy.evidence(*self.path, key)


def jwt_rules(policy: Resource) -> Iterator[JwtRule]:
    """The rules of a RequestAuthentication."""
    for index, _ in enumerate(as_list(policy.spec.get("jwtRules"))):
        yield JwtRule(policy, ("spec", "jwtRules", index))


def rules_at(item: Governed) -> tuple[JwtRule, ...]:
    """Every rule in force at a workload."""
    return tuple(rule for policy in item.authentications for rule in jwt_rules(policy))


def _is_usable(key: Any) -> bool:
    parts = as_mapping(key)
    wanted = _KEY_PARTS.get(str(parts.get("kty")))
    return wanted is not None and all(parts.get(name) for name in wanted)


def unusable_because(jwks: str) -> str | None:
    """Why Envoy takes no key from inline ``jwks``; None when it takes one."""
    try:
        document = json.loads(jwks)
    except ValueError:
        # A PEM certificate bundle is taken as well.
        return None if "-----BEGIN" in jwks else "it is not JSON"
    keys = as_mapping(document).get("keys")
    if not isinstance(keys, list):
        return 'it has no list "keys"'
    if not keys:
        return 'its list "keys" is empty'
    if not any(_is_usable(key) for key in keys):
        return "none of its keys is complete"
    return None


def is_placeholder(provider: JwtProvider) -> bool:
    """Whether a provider's keys are what istiod ships when it cannot fetch the real ones."""
    local = provider.local_jwks or ""
    if _PUBLIC_ONLY in local:
        return True
    _, found, rest = local.partition('"n"')
    modulus = rest.lstrip(' :"').partition('"')[0] if found else ""
    modulus = modulus[: len(modulus) // 4 * 4]
    try:
        decoded = base64.urlsafe_b64decode(modulus)
    except (binascii.Error, ValueError):
        return False
    return _FAILED_TO_FETCH.encode() in decoded


@dataclass(frozen=True, slots=True)
class HeldProvider:
    """A provider that a proxy holds."""

    proxy: Proxy
    provider: JwtProvider


@lru_cache(maxsize=2)
def _held(mesh: Snapshot) -> dict[str, tuple[HeldProvider, ...]]:
    found: dict[str, tuple[HeldProvider, ...]] = {}
    for item in governed(mesh):
        for _, proxy in item.proxies(mesh):
            if proxy.config is None:
                continue
            held: dict[str, HeldProvider] = {}
            for listener in proxy.config.listeners:
                for chain in listener.chains:
                    for provider in chain.http.jwt_providers if chain.http else ():
                        held.setdefault(provider.issuer, HeldProvider(proxy, provider))
            found[proxy.id] = tuple(held.values())
    return found


def held_for(mesh: Snapshot, item: Governed, issuer: str) -> tuple[HeldProvider, ...]:
    """What the workload's proxies hold for an issuer."""
    return tuple(
        held
        for _, proxy in item.proxies(mesh)
        for held in _held(mesh).get(proxy.id, ())
        if held.provider.issuer == issuer
    )
