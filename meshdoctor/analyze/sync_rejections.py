"""What proxies refuse at this moment: NACKs, from every source that shows them.

istiod's syncz has the proxy's reason since 1.23; Envoy's dump keeps an ``error_state`` on what it
refused; both logs have a line. A line alone proves nothing: the fault may have been mended since.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.proxy_evidence import config_evidence, log_evidence
from meshdoctor.analyze.sync_connections import Connection, connections, rejection_evidence
from meshdoctor.model.evidence import Evidence
from meshdoctor.model.istiod import SyncStatus
from meshdoctor.model.resource import parse_time
from meshdoctor.parse.syncz import nonce_time, short_type

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from meshdoctor.model.istiod import Istiod, TypeSync
    from meshdoctor.model.log_line import LogLine
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot

RECENT = timedelta(minutes=3)
"""How old a line may be that nothing else confirms."""
_SLACK = timedelta(seconds=2)
"""istiod writes a push's time just before or after it is sent."""
_ACK_ERROR = re.compile(
    r"(?:ADS|DELTA):(?P<type>\w+): ACK ERROR (?P<proxy>\S+)-\d+ (?:\w+:)?(?P<reason>.*)", re.DOTALL
)
_REFUSED = re.compile(
    r"gRPC config for (?P<type>type\.googleapis\.com/\S+) rejected: (?P<reason>.*)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Rejection:
    """One type of configuration that a proxy refuses now."""

    proxy_id: str
    type: str
    """CDS, LDS, RDS, EDS, SDS, ECDS …"""
    reason: str
    """Envoy's own words, every refused resource."""
    at: datetime | None
    """When the refused push was sent."""
    accepted_at: datetime | None
    """When the push was sent that the proxy still uses; None when unknown or when there is none."""
    evidence: tuple[Evidence, ...]
    confirmed: bool
    """Seen in syncz or in the proxy's dump, not only in a log."""

    @property
    def brief(self) -> str:
        """The reason on one line, cut to what fits a sentence."""
        line = " ".join(self.reason.split())
        return line if len(line) <= 200 else line[:199] + "…"


@dataclass(frozen=True, slots=True)
class _Seen:
    type: str
    reason: str
    at: datetime | None
    evidence: Evidence


def _dump_command(proxy: Proxy, kind: str) -> str:
    return f"istioctl proxy-config {kind} {proxy.id} -o json"


def _in_dump(proxy: Proxy) -> Iterator[_Seen]:
    dump = proxy.config
    if dump is None:
        return
    listeners = [(item.name, item.error) for item in dump.listeners]
    clusters = [(item.name, item.error_state) for item in dump.clusters]
    for kind, short, items in (("listener", "LDS", listeners), ("cluster", "CDS", clusters)):
        for name, state in items:
            if state is not None and state.details:
                shown = config_evidence(
                    proxy, f"{state.pointer}/details", state.details, _dump_command(proxy, kind)
                )
                time = parse_time(state.last_update_attempt)
                yield _Seen(short, f"{name}: {state.details}", time, shown)


def _in_proxy_log(proxy: Proxy) -> Iterator[_Seen]:
    for line in proxy.log.agent if proxy.log else ():
        found = _REFUSED.search(line.full_message)
        if found:
            yield _Seen(
                short_type(found["type"].rstrip(":")),
                found["reason"].strip(),
                line.time,
                log_evidence(proxy, line),
            )


def istiod_log_evidence(istiod: Istiod, line: LogLine) -> Evidence:
    """A line of an istiod's log, whole."""
    return Evidence(
        source=istiod.path("discovery.log"),
        line=line.line,
        excerpt=line.text,
        command=f"kubectl logs {istiod.pod} -n {istiod.namespace} -c discovery --since=10m",
    )


@lru_cache(maxsize=2)
def _in_istiod_logs(mesh: Snapshot) -> dict[str, tuple[_Seen, ...]]:
    found: dict[str, list[_Seen]] = {}
    for istiod in mesh.istiods:
        for line in istiod.log.lines if istiod.log else ():
            match = _ACK_ERROR.match(line.full_message) if "ACK ERROR" in line.message else None
            if match:
                shown = istiod_log_evidence(istiod, line)
                seen = _Seen(match["type"], match["reason"].strip(), line.time, shown)
                found.setdefault(match["proxy"], []).append(seen)
    return {proxy_id: tuple(seen) for proxy_id, seen in found.items()}


def _newest(seen: list[_Seen], type_name: str) -> _Seen | None:
    dated = [(item.at, item) for item in seen if item.type == type_name and item.at]
    return max(dated, key=lambda pair: pair[0])[1] if dated else None


def _is_flat(item: TypeSync) -> bool:
    """Whether an istiod before 1.23 wrote the entry: there a NACK looks like STALE."""
    return "/resources/" not in item.pointer


def _still_stands(mesh: Snapshot, proxy_id: str, line: _Seen, item: TypeSync | None) -> bool:
    """Whether a rejection that only a log shows can be one of this moment."""
    if line.at is None:
        return False
    if item is not None and item.sent_at is not None:
        stale = _is_flat(item) and item.status is SyncStatus.STALE
        return stale and line.at >= item.sent_at - _SLACK
    proxy = mesh.proxies.get(proxy_id)
    # A dump without an error_state says that the last listeners or clusters were taken.
    dumped = line.type in ("LDS", "CDS") and proxy is not None and proxy.config is not None
    known = proxy_id in connections(mesh)
    return not known and not dumped and mesh.now - line.at <= RECENT


def _rejection(
    mesh: Snapshot,
    proxy_id: str,
    type_name: str,
    connection: Connection | None,
    dumped: list[_Seen],
    logged: list[_Seen],
) -> Rejection | None:
    item = connection.sync.sync(type_name) if connection else None
    if item is not None and item.status is SyncStatus.SYNCED:
        # The last push was accepted: whatever else there is was mended.
        return None
    evidence: list[Evidence] = []
    reasons: list[str] = []
    if connection and item and item.error:
        evidence.append(rejection_evidence(connection, item))
        reasons.append(item.error)
    states = [seen for seen in dumped if seen.type == type_name]
    evidence += [seen.evidence for seen in states[:1]]
    if not reasons:
        reasons += [seen.reason for seen in states]
    confirmed = bool(reasons)
    line = _newest(logged, type_name)
    if line and (confirmed or _still_stands(mesh, proxy_id, line, item)):
        evidence.append(line.evidence)
        reasons = reasons or [line.reason]
    if not reasons:
        return None
    times = [item.sent_at if item else None, *(seen.at for seen in states), line and line.at]
    return Rejection(
        proxy_id=proxy_id,
        type=type_name,
        reason="\n".join(reasons),
        at=next((time for time in times if time), None),
        accepted_at=nonce_time(item.acked) if item else None,
        evidence=tuple(evidence),
        confirmed=confirmed,
    )


@lru_cache(maxsize=2)
def rejections(mesh: Snapshot) -> tuple[Rejection, ...]:
    """Everything that proxies refuse now, by proxy and type."""
    known = connections(mesh)
    found: list[Rejection] = []
    for proxy_id in sorted({*known, *mesh.proxies}):
        proxy, connection = mesh.proxies.get(proxy_id), known.get(proxy_id)
        dumped = list(_in_dump(proxy)) if proxy else []
        logged = list(_in_istiod_logs(mesh).get(proxy_id, ()))
        logged += _in_proxy_log(proxy) if proxy else ()
        errors = [item.type for item in connection.sync.types if item.error] if connection else []
        for type_name in sorted({*errors, *(seen.type for seen in (*dumped, *logged))}):
            rejection = _rejection(mesh, proxy_id, type_name, connection, dumped, logged)
            if rejection is not None:
                found.append(rejection)
    return tuple(found)
