"""``proxy-status``: what each proxy made of what istiod sent, every replica and pod joined."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.sync_connections import connections, unread_istiods
from meshdoctor.analyze.upgrade_version import proxy_version
from meshdoctor.intent.revisions import got_revision
from meshdoctor.model.istiod import SyncStatus
from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import has_proxy, is_finished, is_gateway, is_ztunnel
from meshdoctor.views.proxy_status_row import (
    COMMON_TYPES,
    FURTHER_TYPES,
    ProxyStatusRow,
    TypeCell,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from meshdoctor.analyze.sync_connections import Connection
    from meshdoctor.model.istiod import TypeSync
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

Columns = tuple[tuple[str, str], ...]
"""Headers and the row attributes they show."""

NOT_CONNECTED = "NOT CONNECTED"
"""In the ISTIOD column: no istiod knows this proxy."""
UNKNOWN = "UNKNOWN"
"""In the ISTIOD column: no istiod that was read knows it, but not every istiod was read."""

COLUMNS: Columns = (
    ("NAME", "name"),
    ("TYPE", "type"),
    ("CLUSTER", "cluster"),
    *((name, name.lower()) for name in (*COMMON_TYPES, *FURTHER_TYPES)),
    ("OTHER", "other"),
    ("ISTIOD", "istiod"),
    ("VERSION", "version"),
    ("REVISION", "revision"),
    ("REASON", "reason"),
)
_OPTIONAL = frozenset({*(name.lower() for name in FURTHER_TYPES), "other", "reason"})
_MANAGED_BY = "gateway.istio.io/managed"
_WAYPOINT_CONTROLLER = "istio.io-mesh-controller"


def _age(item: TypeSync, now: datetime) -> float | None:
    return max(0.0, (now - item.sent_at).total_seconds()) if item.sent and item.sent_at else None


def _cells(connection: Connection, now: datetime) -> tuple[TypeCell, ...]:
    sync = connection.sync
    found = {item.type: item for item in sync.types}
    is_flat = any("/resources/" not in item.pointer for item in sync.types)
    cells = [
        TypeCell(item.type, item.status, _age(item, now), item.error or "", item.pointer)
        for item in found.values()
    ]
    # Up to 1.22 istiod does not tell "asked for, nothing sent" from "never asked for".
    absent = SyncStatus.NOT_SENT if is_flat else SyncStatus.IGNORED
    cells += [TypeCell(name, absent, None, "", "") for name in COMMON_TYPES if name not in found]
    order = (*COMMON_TYPES, *FURTHER_TYPES)
    return tuple(
        sorted(
            cells,
            key=lambda cell: (order.index(cell.type) if cell.type in order else 99, cell.type),
        )
    )


def _type(pod: Resource | None, proxy: Proxy | None) -> str:
    bootstrap = proxy.config.bootstrap if proxy and proxy.config else None
    if bootstrap is not None and bootstrap.proxy_type:
        return bootstrap.proxy_type
    if pod is None:
        return ""
    if is_ztunnel(pod):
        return "ztunnel"
    if pod.labels.get(_MANAGED_BY) == _WAYPOINT_CONTROLLER:
        return "waypoint"
    return "router" if is_gateway(pod) else "sidecar"


@dataclass(frozen=True, slots=True)
class _Known:
    """All that was read about one proxy."""

    id: str
    pod: Resource | None
    proxy: Proxy | None
    connection: Connection | None

    @property
    def version(self) -> str:
        stated = proxy_version(self.pod, self.proxy, self.connection)
        return stated.version.text if stated else ""

    @property
    def revision(self) -> str:
        revision = got_revision(self.pod) if self.pod else ""
        bootstrap = self.proxy.config.bootstrap if self.proxy and self.proxy.config else None
        if not revision and bootstrap is not None:
            revision = bootstrap.revision
        if not revision and self.connection is not None:
            revision = self.connection.istiod.revision
        return revision

    @property
    def cluster(self) -> str:
        if self.connection is not None:
            return self.connection.sync.cluster
        bootstrap = self.proxy.config.bootstrap if self.proxy and self.proxy.config else None
        return bootstrap.cluster_id if bootstrap else ""

    def row(self, now: datetime, otherwise: str) -> ProxyStatusRow:
        connection = self.connection
        return ProxyStatusRow(
            name=self.id,
            type=(connection.sync.type if connection else "") or _type(self.pod, self.proxy),
            cluster=self.cluster,
            istiod=connection.istiod.pod if connection else otherwise,
            version=self.version,
            revision=self.revision,
            types=_cells(connection, now) if connection else (),
            connected_at=connection.since if connection else None,
            source=connection.istiod.syncz_path if connection else "",
            pointer=connection.sync.pointer if connection else "",
        )


def _pods(mesh: Snapshot) -> dict[str, Resource]:
    return {
        f"{pod.name}.{pod.namespace}": pod
        for pod in mesh.catalog.of(POD)
        if (has_proxy(pod) or is_ztunnel(pod)) and not is_finished(pod)
    }


def rows(mesh: Snapshot, namespaces: Iterable[str] = ()) -> tuple[ProxyStatusRow, ...]:
    """Every proxy that some istiod knows, and every pod with a proxy; by namespace and name.

    Args:
        mesh: the snapshot.
        namespaces: those to show; all when empty.
    """
    known, pods = connections(mesh), _pods(mesh)
    # A control plane outside the cluster cannot be asked who is connected.
    outside = any(item.what == "istiod" for item in mesh.not_read)
    certain = mesh.catalog.known(POD) and not unread_istiods(mesh) and not outside
    otherwise = NOT_CONNECTED if certain else UNKNOWN
    wanted = frozenset(namespaces)
    found = [
        _Known(proxy_id, pods.get(proxy_id), mesh.proxies.get(proxy_id), known.get(proxy_id))
        for proxy_id in {*known, *pods, *mesh.proxies}
    ]
    shown = [each for each in found if not wanted or each.id.rpartition(".")[2] in wanted]
    ordered = sorted(shown, key=lambda each: each.id.rpartition(".")[::-1])
    return tuple(each.row(mesh.now, otherwise) for each in ordered)


def columns(shown: Sequence[ProxyStatusRow]) -> Columns:
    """The columns for these rows: those of rare types and the reason only where there is any."""
    return tuple(
        (header, name)
        for header, name in COLUMNS
        if name not in _OPTIONAL or any(getattr(row, name) for row in shown)
    )


def to_json(row: ProxyStatusRow) -> dict[str, Any]:
    """A row as plain data."""
    value = asdict(row)
    value["status"] = row.status
    value["connected_at"] = row.connected_at.isoformat() if row.connected_at else None
    return value
