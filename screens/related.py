"""Which joined views tell more about a root cause, and by which key each is reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from meshdoctor.model.diagnosis import RootCause

_CERTIFICATES = ("certificate", "credential", "ca-bundle", "root-mismatch", "san-mismatch")
"""In the ids of causes that are about certificates."""
_REVISIONS = ("injection", "upgrade")
"""Domains of causes that are about who gets which proxy."""
_NOT_MTLS = ("401", "403", "certificates")
"""Playbooks of the security domain that do not turn on what clients send."""


@dataclass(frozen=True, slots=True)
class Related:
    """One view."""

    key: str
    title: str
    concerns: Callable[[RootCause], bool]


def _traces(cause: RootCause) -> bool:
    return any(item.to for item in cause.affected)


def _refuses(cause: RootCause) -> bool:
    return any(name.startswith("AuthorizationPolicy ") for name in cause.objects)


def _is_mtls(cause: RootCause) -> bool:
    return "mtls" in cause.id or (cause.domain == "security" and cause.playbook not in _NOT_MTLS)


def _is_about_revisions(cause: RootCause) -> bool:
    return cause.domain in _REVISIONS


def _is_about_certificates(cause: RootCause) -> bool:
    return any(word in cause.id for word in _CERTIFICATES)


VIEWS = (
    Related("t", "trace", _traces),
    Related("m", "mTLS", _is_mtls),
    Related("a", "why 403", _refuses),
    Related("u", "revisions", _is_about_revisions),
    Related("e", "certificates", _is_about_certificates),
)


def hint(cause: RootCause | None) -> str:
    """The keys to the views that tell more about a root cause; empty where none does."""
    found = [f"{view.key} {view.title}" for view in VIEWS if cause and view.concerns(cause)]
    return f"More about it: {' · '.join(found)}" if found else ""
