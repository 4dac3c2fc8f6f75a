"""What is wrong with a Secret that a gateway shows to clients: its keys, or its certificate.

Key bytes are never in a recording: whether a key fits stands beside them, in ``derived``.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.intent.gateway_credentials import CA_KEYS, CA_SUFFIX, KEY_PAIRS
from meshdoctor.model.kinds import SECRET
from meshdoctor.model.resource import as_mapping
from meshdoctor.parse.envoy.certificate import read_certificates

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from meshdoctor.intent.gateway_credentials import Credential
    from meshdoctor.model.envoy import Certificate
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_REDACTED = b"REDACTED"


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a credential does not do."""

    expired: bool
    """Whether it is only out of its time; else it cannot be used at all."""
    text: str
    secret: Resource | None
    """The Secret at fault; None when Secrets were not read."""


def secret_named(mesh: Snapshot, namespace: str, name: str) -> Resource | None:
    """A Secret that was read."""
    return mesh.catalog.find(SECRET, namespace, name)


def _value(secret: Resource, key: str) -> bytes:
    text = as_mapping(secret.raw.get("data")).get(key)
    if not isinstance(text, str):
        return b""
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        return b""


def _keys(secret: Resource) -> str:
    return ", ".join(sorted(as_mapping(secret.raw.get("data")))) or "no key at all"


def pair_of(secret: Resource) -> tuple[str, str] | None:
    """The names under which a Secret holds certificate and key; None when it holds none."""
    data = as_mapping(secret.raw.get("data"))
    return next((pair for pair in KEY_PAIRS if all(data.get(key) for key in pair)), None)


def _derived(secret: Resource, key: str) -> Mapping[str, Any]:
    """What the recorder said of a key before it took its bytes out."""
    return as_mapping(as_mapping(secret.raw.get("derived")).get(key))


def key_fits(secret: Resource) -> bool | None:
    """Whether the recorder found that the key belongs to the certificate; None when unsaid."""
    pair = pair_of(secret)
    said = _derived(secret, pair[1]).get("matchesCertificate") if pair else None
    return said if isinstance(said, bool) else None


def out_of_time(certificate: Certificate, now: datetime) -> str:
    """Why a certificate is not valid at a moment; empty when it is."""
    if certificate.not_after <= now:
        return f"expired on {certificate.not_after:%Y-%m-%d %H:%M} UTC"
    if certificate.not_before > now:
        return f"is not valid before {certificate.not_before:%Y-%m-%d %H:%M} UTC"
    return ""


def _certificate_flaw(mesh: Snapshot, secret: Resource, pair: tuple[str, str]) -> Flaw | None:
    certificate, key = pair
    pem = _value(secret, certificate)
    found, _ = read_certificates(pem, secret.pointer)
    if not found and pem != _REDACTED:
        return Flaw(False, f"{certificate} of {secret} holds no certificate in PEM", secret)
    if _derived(secret, key).get("parses") is False:
        return Flaw(False, f"{key} of {secret} is no private key", secret)
    if key_fits(secret) is False:
        return Flaw(False, f"{key} of {secret} does not belong to its {certificate}", secret)
    why = out_of_time(found[0], mesh.now) if found else ""
    return Flaw(True, f"The certificate in {secret} {why}", secret) if why else None


def _authority_flaw(mesh: Snapshot, credential: Credential, secret: Resource) -> Flaw | None:
    own = secret_named(mesh, credential.namespace, credential.name + CA_SUFFIX)
    holder = own or secret
    data = as_mapping(holder.raw.get("data"))
    if any(data.get(key) for key in CA_KEYS):
        return None
    text = (
        f"{holder} holds no CA (ca.crt or cacert), which mode {credential.server.mode} needs to "
        f"check clients' certificates; it holds {_keys(holder)}"
    )
    return Flaw(False, text, holder)


def flaw_of(mesh: Snapshot, credential: Credential, secret: Resource) -> Flaw | None:
    """What is wrong with the Secret of a credential; None when nothing is."""
    pair = pair_of(secret)
    if pair is None:
        text = (
            f"{secret} lacks the keys tls.crt and tls.key (or cert and key), with something in "
            f"them; it holds {_keys(secret)}"
        )
        return Flaw(False, text, secret)
    flaw = _certificate_flaw(mesh, secret, pair)
    if flaw is None and credential.needs_ca:
        return _authority_flaw(mesh, credential, secret)
    return flaw


def elsewhere(mesh: Snapshot, credential: Credential) -> Resource | None:
    """A Secret of that name in another namespace, beside the Gateway before others."""
    beside = secret_named(mesh, credential.gateway.namespace, credential.name)
    if beside is not None:
        return beside
    named = (item for item in mesh.catalog.of(SECRET) if item.name == credential.name)
    return next((item for item in named if pair_of(item) is not None), None)
