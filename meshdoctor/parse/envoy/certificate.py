"""X.509 certificates in PEM."""

from __future__ import annotations

import base64
import binascii
import re
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from meshdoctor.model.envoy.secret import Certificate

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_MOST = 64
"""Certificates read of one bundle."""


class _Facts(NamedTuple):
    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    sans: tuple[str, ...]
    is_ca: bool
    fingerprint: str
    key_id: str
    issuer_key_id: str


def _key_ids(certificate: x509.Certificate) -> tuple[str, str]:
    """Subject and authority key identifiers (RFC 5280 4.2.1.1 and 4.2.1.2)."""
    from cryptography import x509

    own = issuer = b""
    with suppress(x509.ExtensionNotFound):
        own = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    with suppress(x509.ExtensionNotFound):
        found = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
        issuer = found.value.key_identifier or b""
    return own.hex(), issuer.hex()


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    found: list[str] = []
    for kind in (x509.UniformResourceIdentifier, x509.DNSName):
        found += names.get_values_for_type(kind)
    found += [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return tuple(found)


def _is_ca(certificate: x509.Certificate) -> bool:
    from cryptography import x509

    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


@lru_cache(maxsize=512)
def _facts(der: bytes) -> _Facts | None:
    """Read one certificate; cached because every proxy holds the same roots."""
    # Imported here: it costs more than all other parsing of a small mesh.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    try:
        certificate = x509.load_der_x509_certificate(der)
        serial = f"{certificate.serial_number:x}"
        key_id, issuer_key_id = _key_ids(certificate)
        return _Facts(
            subject=certificate.subject.rfc4514_string(),
            issuer=certificate.issuer.rfc4514_string(),
            serial=serial.zfill(len(serial) + len(serial) % 2),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            sans=_names(certificate),
            is_ca=_is_ca(certificate),
            fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
            key_id=key_id,
            issuer_key_id=issuer_key_id,
        )
    except Exception:  # A certificate can be malformed in more ways than the library names.
        return None


def _trust_domain(sans: tuple[str, ...]) -> str:
    for name in sans:
        if name.startswith("spiffe://"):
            return name.removeprefix("spiffe://").partition("/")[0]
    return ""


def read_certificates(
    pem: bytes, pointer: str, trust_domain: str = ""
) -> tuple[tuple[Certificate, ...], int]:
    """Read every certificate of a PEM bundle.

    Args:
        pem: the bundle; anything but certificates in it is ignored, keys are never read.
        pointer: where the bundle stands.
        trust_domain: the SPIFFE trust domain it is the bundle of, if any.

    Returns:
        The certificates, and how many blocks could not be read.
    """
    found: list[Certificate] = []
    unread = 0
    for block in _BLOCK.findall(pem)[:_MOST]:
        try:
            facts = _facts(base64.b64decode(block))
        except (binascii.Error, ValueError):
            facts = None
        if facts is None:
            unread += 1
            continue
        domain = trust_domain or _trust_domain(facts.sans)
        found.append(Certificate(**facts._asdict(), trust_domain=domain, pointer=pointer))
    return tuple(found), unread
