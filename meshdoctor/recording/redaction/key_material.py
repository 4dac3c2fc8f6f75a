"""What a Secret's value is: public certificates stay, of a private key only its fitness is told."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_BLOCK = re.compile(
    rb"-----BEGIN (CERTIFICATE|X509 CRL|PUBLIC KEY)-----[A-Za-z0-9+/=\s]+-----END \1-----\s*"
)
_CERTIFICATE_OF = {
    "tls.key": ("tls.crt",),
    "key": ("cert",),
    "ca-key.pem": ("ca-cert.pem",),
    "key.pem": ("cert.pem", "cert-chain.pem"),
}
"""Where Istio and Kubernetes keep the certificate of a key."""
_KEY_NAME = re.compile(r"(?:.*[._-])?key(?:[._-]?(?:pem|der))?|.*\.key", re.IGNORECASE)
_CERTIFICATE_NAME = re.compile(
    r".*(?:\.crt|\.cer|cert(?:-chain)?(?:\.pem)?)|cacert|ca\.crl|crl", re.IGNORECASE
)
_FAILURES = (ValueError, TypeError, NotImplementedError, AttributeError, OverflowError)


@contextmanager
def _quietly() -> Iterator[None]:
    """The library warns of weak and odd keys: that is a finding's work, not stderr's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _parses(load: Callable[[bytes], Any], data: bytes) -> bool:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        with _quietly():
            load(data)
    except (*_FAILURES, UnsupportedAlgorithm):
        return False
    return True


def _loaders() -> dict[bytes, Callable[[bytes], Any]]:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    return {
        b"CERTIFICATE": x509.load_pem_x509_certificate,
        b"X509 CRL": x509.load_pem_x509_crl,
        b"PUBLIC KEY": serialization.load_pem_public_key,
    }


def _is_public_der(value: bytes) -> bool:
    from cryptography import x509
    from cryptography.x509 import ocsp

    if value[:1] != b"\x30":
        return False
    loaders = (
        x509.load_der_x509_certificate,
        x509.load_der_x509_crl,
        ocsp.load_der_ocsp_response,
    )
    return any(_parses(load, value) for load in loaders)


def public_part(value: bytes) -> bytes:
    """What of a Secret's value is public: certificates, revocation lists, public keys.

    Returns:
        The value itself when all of it is; empty when nothing is.
    """
    if b"-----BEGIN" not in value:
        return value if _is_public_der(value) else b""
    if b"PRIVATE KEY" in value:
        return b""
    loaders = _loaders()
    blocks = [
        match.group()
        for match in _BLOCK.finditer(value)
        if _parses(loaders[match.group(1)], match.group())
    ]
    return b"".join(blocks) if _BLOCK.sub(b"", value).strip() or not blocks else value


def _certificates(data: Mapping[str, bytes], key: str) -> Iterator[Certificate]:
    """The certificates that may belong to a key, the likeliest value's first."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    named = _CERTIFICATE_OF.get(key) or (re.sub(r"key", "crt", key), re.sub(r"key", "cert", key))
    likely = [name for name in named if name in data and name != key]
    others = [] if likely else [name for name in sorted(data) if _CERTIFICATE_NAME.fullmatch(name)]
    for name in likely or others:
        try:
            with _quietly():
                yield x509.load_pem_x509_certificate(data[name])
        except (*_FAILURES, UnsupportedAlgorithm):
            continue


def _private_key_facts(data: Mapping[str, bytes], key: str) -> dict[str, bool | None]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        with _quietly():
            public = serialization.load_pem_private_key(data[key], None).public_key()
            matches = [
                certificate.public_key() == public for certificate in _certificates(data, key)
            ]
    except (*_FAILURES, UnsupportedAlgorithm):
        return {"parses": False, "matchesCertificate": None}
    return {"parses": True, "matchesCertificate": any(matches) if matches else None}


def derived_facts(data: Mapping[str, bytes], key: str) -> dict[str, bool | None] | None:
    """What a hidden value was fit for; None where it is neither a key nor a certificate by name.

    Args:
        data: all values of the Secret, decoded.
        key: of the hidden value.
    """
    if _KEY_NAME.fullmatch(key) or b"PRIVATE KEY" in data[key]:
        return _private_key_facts(data, key)
    if _CERTIFICATE_NAME.fullmatch(key):
        return {"parses": False, "matchesCertificate": None}
    return None
