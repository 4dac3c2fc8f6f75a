"""Secrets a proxy holds: certificates, never keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

SecretState = Literal["static", "active", "warming"]
UNINITIALIZED = "uninitialized"
"""``version_info`` of a secret that was asked for and never came."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """One X.509 certificate."""

    subject: str
    issuer: str
    """Names as RFC 4514 text."""
    serial: str
    """Serial number in hexadecimal, two digits a byte."""
    not_before: datetime
    not_after: datetime
    sans: tuple[str, ...]
    """URIs, DNS names and IP addresses."""
    is_ca: bool
    fingerprint: str
    """SHA-256 of the DER, hexadecimal."""
    trust_domain: str
    """Trust domain it is a root of (SPIFFE validator) or an identity in; empty when neither."""
    pointer: str
    """Pointer to the place its PEM stands in."""
    key_id: str = ""
    """Subject key identifier, hexadecimal; empty when it carries none."""
    issuer_key_id: str = ""
    """Key identifier of what signed it (authority key identifier); empty when it carries none."""

    @property
    def is_self_signed(self) -> bool:
        """Whether it is a root: its own issuer, by name and by key."""
        own_key = not self.issuer_key_id or self.issuer_key_id == self.key_id
        return self.subject == self.issuer and own_key

    def is_valid_at(self, time: datetime) -> bool:
        """Whether a moment is within its life."""
        return self.not_before < time < self.not_after


@dataclass(frozen=True, slots=True)
class Secret:
    """One entry of ``SecretsConfigDump``."""

    name: str
    state: SecretState
    purpose: str
    """``tls_certificate``, ``validation_context``, another kind's field, or empty: nothing came."""
    certificates: tuple[Certificate, ...]
    """For a chain the leaf first; for a CA every root."""
    version: str
    last_updated: str
    pointer: str

    @property
    def status(self) -> str:
        """The STATUS word of istioctl: ACTIVE, WARMING, UNINITIALIZED or STATIC."""
        if self.state == "active" and self.version == UNINITIALIZED:
            return "UNINITIALIZED"
        return self.state.upper()

    @property
    def type(self) -> str:
        """The TYPE of istioctl: ``CA``, ``Cert Chain``, or empty when there is no certificate."""
        if not self.certificates:
            return ""
        return "CA" if self.certificates[0].is_ca else "Cert Chain"
