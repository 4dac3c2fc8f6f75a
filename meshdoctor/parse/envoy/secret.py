"""Secrets of a config dump. Key bytes are never looked at."""

from __future__ import annotations

import base64
import binascii
from functools import partial
from typing import TYPE_CHECKING, Any

from meshdoctor.model.envoy.secret import Certificate, Secret, SecretState
from meshdoctor.model.resource import as_mapping
from meshdoctor.parse.envoy.certificate import read_certificates
from meshdoctor.parse.envoy.fields import Notes, mappings, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.parse.envoy.section import Section

_LISTS: tuple[tuple[str, SecretState], ...] = (
    ("dynamic_warming_secrets", "warming"),
    ("dynamic_active_secrets", "active"),
    ("static_secrets", "static"),
)
"""istioctl's order: what is missing first."""
_PURPOSES = ("tls_certificate", "validation_context", "session_ticket_keys", "generic_secret")


def _pem(source: Mapping[str, Any]) -> tuple[bytes, str]:
    """The PEM of a DataSource and the field it stands in."""
    inline = source.get("inline_bytes")
    if isinstance(inline, str):
        try:
            return base64.b64decode(inline), "inline_bytes"
        except (binascii.Error, ValueError):
            return b"", "inline_bytes"
    plain = source.get("inline_string")
    return (plain.encode(errors="replace") if isinstance(plain, str) else b""), "inline_string"


def _sources(
    secret: Mapping[str, Any], pointer: str, notes: Notes
) -> Iterator[tuple[Mapping[str, Any], str, str]]:
    """Places certificates may stand in: DataSource, its pointer, its trust domain."""
    chain = as_mapping(as_mapping(secret.get("tls_certificate")).get("certificate_chain"))
    yield chain, f"{pointer}/tls_certificate/certificate_chain", ""
    validation = as_mapping(secret.get("validation_context"))
    at = f"{pointer}/validation_context"
    yield as_mapping(validation.get("trusted_ca")), f"{at}/trusted_ca", ""
    custom = as_mapping(as_mapping(validation.get("custom_validator_config")).get("typed_config"))
    place = f"{at}/custom_validator_config/typed_config/trust_domains"
    for where, domain in mappings(custom.get("trust_domains"), place, notes):
        bundle = as_mapping(domain.get("trust_bundle"))
        yield bundle, f"{where}/trust_bundle", text(domain.get("name"))


def _read_secret(
    state: SecretState, entry: Mapping[str, Any], pointer: str, notes: Notes
) -> Iterator[Secret]:
    secret = as_mapping(entry.get("secret"))
    name = text(entry.get("name")) or text(secret.get("name"))
    if not name:
        notes.add(pointer, "a secret without a name")
        return
    certificates: list[Certificate] = []
    for source, at, domain in _sources(secret, f"{pointer}/secret", notes):
        pem, field = _pem(source)
        found, unread = read_certificates(pem, f"{at}/{field}", domain)
        certificates += found
        if unread:
            notes.add(at, "a certificate that cannot be read")
    yield Secret(
        name=name,
        state=state,
        purpose=next((p for p in _PURPOSES if isinstance(secret.get(p), dict)), ""),
        certificates=tuple(certificates),
        version=text(entry.get("version_info")),
        last_updated=text(entry.get("last_updated")),
        pointer=pointer,
    )


def read_secrets(section: Section) -> tuple[Secret, ...]:
    """Read a ``SecretsConfigDump``: warming, then active, then static."""
    found: list[Secret] = []
    for key, state in _LISTS:
        found += section.read(key, partial(_read_secret, state))
    return tuple(found)
