"""Does every proxy answer what istiod pushes?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import ISTIOD_SYNC, holds, proxy_subject
from meshdoctor.analyze.sync_connections import Connection, connections, sync_command
from meshdoctor.analyze.sync_rejections import rejections
from meshdoctor.model.evidence import Evidence
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.istiod import SyncStatus
from meshdoctor.model.kinds import POD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from meshdoctor.model.istiod import Istiod, TypeSync
    from meshdoctor.model.snapshot import Snapshot

STALE = "MD0412"
"""A proxy has not answered a push for long."""

PATIENCE = timedelta(seconds=30)
"""A push is answered within a second or two; a big one under load takes longer."""
_UNRELIABLE = re.compile(r"1\.22\.[0-3](?!\d)")
"""These report STALE for proxies that are in sync (releasenotes delta-xds-stale)."""


def _newest_push(istiod: Istiod) -> datetime | None:
    times = [item.sent_at for sync in istiod.syncs or () for item in sync.types if item.sent_at]
    return max(times, default=None)


def _sent_evidence(connection: Connection, item: TypeSync) -> Evidence:
    flat = "/resources/" not in item.pointer
    return Evidence(
        source=connection.istiod.syncz_path,
        # Up to 1.22 the entry is the nonce of what was sent itself.
        pointer=item.pointer if flat else f"{item.pointer}/sent",
        excerpt=item.sent,
        command=sync_command(connection.id),
    )


def _finding(mesh: Snapshot, connection: Connection, late: list[TypeSync]) -> Finding:
    pod = mesh.catalog.find(POD, connection.sync.namespace, connection.sync.pod)
    workload = str(mesh.workloads.owning(pod)) if pod else f"Pod {connection.id}"
    types = ", ".join(item.type for item in late)
    message = f"{connection.id} has not answered istiod's push of {types} for over 30 s"
    shown = [_sent_evidence(connection, item) for item in late]
    return Finding(
        code=STALE,
        subject=proxy_subject(connection.id),
        outcome=Outcome.WARN,
        message=message,
        resource=workload,
        objects=(workload,),
        facts=(holds("push-not-answered", message, *shown),),
        affected=(Affected(workload, ""),),
        root=False,
    )


@dataclass(frozen=True, slots=True)
class PushesAnswered:
    """Every push is answered: a proxy that stays STALE has old configuration."""

    name: str = "pushes-answered"
    description: str = "Every proxy answers istiod's pushes within half a minute."
    inputs: tuple[str, ...] = (ISTIOD_SYNC,)
    codes: tuple[str, ...] = (STALE,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each proxy with an old unanswered push, while istiod pushes on."""
        refused = {(item.proxy_id, item.type) for item in rejections(mesh)}
        newest_of = {istiod.source: _newest_push(istiod) for istiod in mesh.istiods}
        for proxy_id, connection in sorted(connections(mesh).items()):
            newest = newest_of[connection.istiod.source]
            if newest is None or _UNRELIABLE.match(connection.istiod.version or ""):
                continue
            late = [
                item
                for item in connection.sync.types
                if item.status is SyncStatus.STALE
                and (proxy_id, item.type) not in refused
                and item.sent_at is not None
                and mesh.now - item.sent_at > PATIENCE
                and newest > item.sent_at
            ]
            if late:
                yield _finding(mesh, connection, late)


ANALYZER = PushesAnswered()
