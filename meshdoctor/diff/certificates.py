"""Certificates compared: the roots that proxies trust, and each workload's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.diff.change import CertificateChange

if TYPE_CHECKING:
    from datetime import datetime

    from meshdoctor.model.envoy import Certificate
    from meshdoctor.model.snapshot import Snapshot

ROOT = "ROOTCA"
LEAF = "default"
"""Istio's names for a proxy's own secrets (pkg/security)."""
_SHOWN = 16
_SECONDS_A_DAY = 86_400


def _held(mesh: Snapshot, secret: str) -> dict[str, tuple[Certificate, ...]]:
    """The certificates of one secret, by workload."""
    found: dict[str, tuple[Certificate, ...]] = {}
    for proxy in mesh.proxies.values():
        held = proxy.config.secret(secret) if proxy.config else None
        if held is not None and held.certificates:
            found.setdefault(mesh.caller(proxy), held.certificates)
    return found


def _days(certificate: Certificate | None, now: datetime) -> float | None:
    if certificate is None:
        return None
    return round((certificate.not_after - now).total_seconds() / _SECONDS_A_DAY, 1)


def certificate_changes(old: Snapshot, new: Snapshot) -> tuple[CertificateChange, ...]:
    """The roots that came or went, and the leaves that differ.

    Args:
        old: the mesh before.
        new: the mesh after.
    """
    return (*_roots(old, new), *_leaves(old, new))


def _roots(old: Snapshot, new: Snapshot) -> list[CertificateChange]:
    """Told by workload only where not all workloads trust the same."""
    before, after = _held(old, ROOT), _held(new, ROOT)
    grouped: dict[tuple[str, str], list[str]] = {}
    first: dict[tuple[str, str], tuple[Certificate, Certificate]] = {}
    both = sorted(before.keys() & after.keys())
    for name in both:
        was, now = (_prints(side[name]) for side in (before, after))
        if was != now:
            grouped.setdefault((was, now), []).append(name)
            first.setdefault((was, now), (before[name][0], after[name][0]))
    return [
        CertificateChange(
            subject="root of trust" if len(names) == len(both) else f"root of {', '.join(names)}",
            old=was,
            new=now,
            days_left=(
                _days(first[was, now][0], old.now),
                _days(first[was, now][1], new.now),
            ),
            routine=False,
        )
        for (was, now), names in grouped.items()
    ]


def _prints(held: tuple[Certificate, ...]) -> str:
    return ",".join(sorted(item.fingerprint[:_SHOWN] for item in held))


def _leaves(old: Snapshot, new: Snapshot) -> list[CertificateChange]:
    before, after = _held(old, LEAF), _held(new, LEAF)
    found = []
    for name in sorted(before.keys() & after.keys()):
        was, now = before[name][0], after[name][0]
        if was.serial == now.serial and now.is_valid_at(new.now):
            continue
        same_names = was.sans == now.sans and was.issuer == now.issuer
        found.append(
            CertificateChange(
                subject=name,
                old=was.serial[:_SHOWN],
                new=now.serial[:_SHOWN],
                days_left=(_days(was, old.now), _days(now, new.now)),
                routine=same_names and now.is_valid_at(new.now),
            )
        )
    return found
