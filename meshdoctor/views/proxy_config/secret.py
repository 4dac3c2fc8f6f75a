"""``proxy-config secret``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from meshdoctor.model.envoy import Certificate, ConfigDump, Secret
    from meshdoctor.views.proxy_config.ordering import Columns

COLUMNS: Columns = (
    ("RESOURCE NAME", "name"),
    ("TYPE", "type"),
    ("STATUS", "status"),
    ("VALID CERT", "valid"),
    ("SERIAL NUMBER", "serial"),
    ("NOT AFTER", "not_after"),
    ("NOT BEFORE", "not_before"),
)
_TRUST_DOMAIN = ("TRUST DOMAIN", "trust_domain")


@dataclass(frozen=True, slots=True)
class SecretRow:
    """One secret: the leaf of a chain, or one root of a CA."""

    name: str
    type: str
    """``Cert Chain``, ``CA``, or empty when nothing came."""
    status: str
    """ACTIVE, WARMING or UNINITIALIZED."""
    valid: str
    """``true`` or ``false``: whether now is within the certificate's life."""
    serial: str
    not_after: str
    not_before: str
    """RFC 3339 in UTC; empty without a certificate."""
    trust_domain: str
    sans: tuple[str, ...]
    issuer: str
    pointer: str


def _time(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _row(secret: Secret, certificate: Certificate | None, now: datetime) -> SecretRow:
    if certificate is None:
        return SecretRow(
            secret.name, "", secret.status, "false", "", "", "", "", (), "", secret.pointer
        )
    return SecretRow(
        name=secret.name,
        type=secret.type,
        status=secret.status,
        valid=str(certificate.is_valid_at(now)).lower(),
        serial=certificate.serial,
        not_after=_time(certificate.not_after),
        not_before=_time(certificate.not_before),
        trust_domain=certificate.trust_domain,
        sans=certificate.sans,
        issuer=certificate.issuer,
        pointer=certificate.pointer,
    )


def _rows(secret: Secret, now: datetime) -> Iterator[SecretRow]:
    is_chain = secret.purpose == "tls_certificate"
    # istioctl shows one root of a bundle; a bundle in rotation has two, and both matter.
    shown = secret.certificates[:1] if is_chain else secret.certificates
    if not shown:
        yield _row(secret, None, now)
    for certificate in shown:
        yield _row(secret, certificate, now)


def rows(dump: ConfigDump, now: datetime) -> tuple[SecretRow, ...]:
    """Warming secrets, then active ones, in the file's order.

    Args:
        dump: the proxy's configuration.
        now: the moment VALID CERT is about, aware.
    """
    shown = (secret for secret in dump.secrets if secret.state != "static")
    return tuple(row for secret in shown for row in _rows(secret, now))


def columns(shown: Sequence[SecretRow]) -> Columns:
    """The columns for these rows: TRUST DOMAIN is added when roots name theirs (SPIRE)."""
    named = any(row.type == "CA" and row.trust_domain for row in shown)
    return (*COLUMNS, _TRUST_DOMAIN) if named else COLUMNS


def to_json(row: SecretRow) -> dict[str, Any]:
    """A row as plain data."""
    return asdict(row)
