"""``certificates``: every certificate of the mesh, where it lies, what it leads to, days left.

The CA's Secrets, the root in every namespace, webhooks' bundles, each proxy's own chain, and what
gateways show to clients. Days count from the moment of the snapshot; what was not read has a row
that says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.views.certificate_holders import ca_rows, root_rows, webhook_rows
from meshdoctor.views.certificate_proxies import gateway_rows, proxy_rows
from meshdoctor.views.certificate_row import COLUMNS, CertificateRow, to_json

if TYPE_CHECKING:
    from collections.abc import Collection

    from meshdoctor.model.snapshot import Snapshot

__all__ = ["COLUMNS", "CertificateRow", "holders_named", "rows", "rows_as_json", "to_json"]


def rows(mesh: Snapshot, namespaces: Collection[str] = ()) -> tuple[CertificateRow, ...]:
    """The CA first, then what it gave to namespaces, webhooks and proxies, then gateways' own.

    Args:
        mesh: the snapshot.
        namespaces: only rows of these; empty for all. What lies in none is always shown.
    """
    found = (
        *ca_rows(mesh),
        *root_rows(mesh),
        *webhook_rows(mesh),
        *proxy_rows(mesh),
        *gateway_rows(mesh),
    )
    chosen = frozenset(namespaces)
    return tuple(row for row in found if not chosen or not row.namespace or row.namespace in chosen)


def holders_named(mesh: Snapshot, names: Collection[str]) -> frozenset[str]:
    """Who may hold certificates that a person asks about.

    Args:
        mesh: the snapshot.
        names: objects and workloads in text form, or ``pod.namespace``.

    Returns:
        The names, and the proxies of every workload among them.
    """
    pods = (pod for each in mesh.workloads.all if str(each) in names for pod in each.pods)
    return frozenset((*names, *(f"{pod.name}.{pod.namespace}" for pod in pods)))


def rows_as_json(found: Collection[CertificateRow]) -> list[dict[str, Any]]:
    """The rows as ``-o json`` prints them."""
    return [to_json(row) for row in found]
