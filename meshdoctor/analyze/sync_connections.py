"""Who is connected to which istiod: every replica of every revision joined."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.intent.control_plane import ready_istiods
from meshdoctor.model.evidence import Evidence
from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import ISTIOD_CONTAINER, container_runs, is_istiod, is_terminating

if TYPE_CHECKING:
    from meshdoctor.model.istiod import Istiod, ProxySync, TypeSync
    from meshdoctor.model.snapshot import Snapshot

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Connection:
    """One proxy's connection to one istiod."""

    istiod: Istiod
    sync: ProxySync

    @property
    def id(self) -> str:
        """The proxy's id, ``pod.namespace``."""
        return f"{self.sync.pod}.{self.sync.namespace}"

    @property
    def since(self) -> datetime | None:
        """When it was made, where the replica said so."""
        return (self.istiod.connected_at or {}).get(self.id)

    @property
    def _age_order(self) -> tuple[datetime, datetime]:
        pushes = [item.sent_at for item in self.sync.types if item.sent_at]
        return self.since or _NEVER, max(pushes, default=_NEVER)


@lru_cache(maxsize=2)
def connections(mesh: Snapshot) -> dict[str, Connection]:
    """Every proxy that any istiod knows, by proxy id; tools such as istioctl are left out.

    A proxy may show up twice while it reconnects: the newest connection stands, by
    ``connectedAt``, else by the newest push.
    """
    found: dict[str, Connection] = {}
    for istiod in mesh.istiods:
        for sync in istiod.syncs or ():
            made = Connection(istiod, sync)
            known = found.get(made.id)
            if not sync.is_tool and (known is None or made._age_order >= known._age_order):
                found[made.id] = made
    return found


@lru_cache(maxsize=2)
def unread_istiods(mesh: Snapshot) -> tuple[str, ...]:
    """Running istiods whose syncz was not read, as ``pod.namespace``.

    A replica whose container does not run serves nobody: nothing is missed by not reading it.
    """
    read = {(item.namespace, item.pod) for item in mesh.istiods if item.syncs is not None}
    return tuple(
        f"{pod.name}.{pod.namespace}"
        for pod in mesh.catalog.of(POD)
        if is_istiod(pod)
        and not is_terminating(pod)
        and container_runs(pod, ISTIOD_CONTAINER)
        and (pod.namespace, pod.name) not in read
    )


def all_connections_known(mesh: Snapshot) -> bool:
    """Whether a proxy that is in no syncz is connected to no istiod."""
    return mesh.catalog.known(POD) and bool(ready_istiods(mesh)) and not unread_istiods(mesh)


def sync_command(proxy_id: str) -> str:
    """The istioctl command that shows a proxy's sync state (``-v 1`` from 1.27 on)."""
    return f"istioctl proxy-status -v 1 | grep {proxy_id}"


def connection_evidence(connection: Connection) -> Evidence:
    """Evidence that an istiod knows a proxy: its entry's name in syncz."""
    return Evidence(
        source=connection.istiod.syncz_path,
        pointer=f"{connection.sync.pointer}/proxy",
        excerpt=connection.id,
        command=sync_command(connection.id),
    )


def version_evidence(connection: Connection) -> Evidence:
    """Evidence for the version a proxy told istiod (it must have told one)."""
    return Evidence(
        source=connection.istiod.syncz_path,
        pointer=f"{connection.sync.pointer}/istio_version",
        excerpt=connection.sync.version,
        command=sync_command(connection.id),
    )


def rejection_evidence(connection: Connection, item: TypeSync) -> Evidence:
    """Evidence for a rejected push: the proxy's reason (istiod 1.23 and later)."""
    return Evidence(
        source=connection.istiod.syncz_path,
        pointer=f"{item.pointer}/lastError",
        excerpt=item.error or "",
        command=sync_command(connection.id),
    )
