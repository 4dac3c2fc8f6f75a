"""Whether requests were refused because a DestinationRule's connection pool is full.

The limits live in each calling proxy's cluster; only its access log (flag UO) says that one was
reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.access_logs import access_logs
from meshdoctor.analyze.base import PROXY_CONFIG, PROXY_LOG, holds, silent, unread
from meshdoctor.analyze.destination_facts import (
    REQUESTS_FAIL,
    affected_by,
    calling_proxies,
    failed_calls_text,
    failed_calls_to,
    may_be_called_unseen,
)
from meshdoctor.analyze.destination_findings import cannot_tell, passes, problem
from meshdoctor.analyze.destinations_in_use import destinations_in_use, is_missing
from meshdoctor.analyze.json_patches import replace_value
from meshdoctor.analyze.proxy_evidence import cluster_part_evidence
from meshdoctor.analyze.traffic_settings import (
    TrafficSetting,
    policies_of_callers,
    traffic_setting,
)
from meshdoctor.model.envoy.cluster import UNLIMITED
from meshdoctor.model.kinds import DESTINATION_RULE, POD, SERVICE, VIRTUAL_SERVICE
from meshdoctor.model.resource import as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.access_logs import Calls
    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact, Finding
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot

LIMIT_REACHED = "MD0124"
CONNECTION_POOL = "connectionPool"
_LIMITS = {
    "tcp": ("maxConnections",),
    "http": ("http1MaxPendingRequests", "http2MaxRequests", "maxRetries"),
}
_MOST_SHOWN = 3
_LEAST = 100
"""A limit below this is hardly meant for traffic."""


def _in_force(proxy: Proxy, cluster_name: str) -> Fact:
    """The fact that the calling proxy holds the limits."""
    cluster = proxy.config.cluster(cluster_name) if proxy.config else None
    if cluster is None:
        return unread("limits-in-force", "The calling proxy's clusters could not be read")
    limits = cluster.circuit_breakers
    if limits is None or not limits.is_limited:
        return silent("limits-in-force", "The calling proxy holds no limit for it now")
    path, value = next(
        (name, value)
        for name, value in (
            ("max_connections", limits.max_connections),
            ("max_pending_requests", limits.max_pending_requests),
            ("max_requests", limits.max_requests),
            ("max_retries", limits.max_retries),
        )
        if value is not None
    )
    inside = limits.pointer.removeprefix(cluster.at()).split("/")[1:]
    evidence = cluster_part_evidence(proxy, cluster, value, *inside, path)
    return holds("limits-in-force", f"The calling proxy's cluster has {path} {value}", evidence)


def _fills(found: TrafficSetting) -> dict[str, str]:
    fills = {
        "rule": found.object.partition(" ")[2],
        "limits": found.words,
        "command": "kubectl get destinationrules.networking.istio.io -A -o yaml",
        "undo": "nothing to undo: this only reads",
    }
    if found.setting is not None:
        raised = _raised(found.setting.value)
        forth, back = replace_value(found.setting.rule, found.setting.path, raised)
        fills |= {"command": forth, "undo": back}
    return fills


def _raised(pool: object) -> dict[str, Any]:
    """The same connection pool with every limit on connections and requests ten times as high."""
    found: dict[str, Any] = {}
    for part, value in as_mapping(pool).items():
        settings = dict(as_mapping(value))
        for key in _LIMITS.get(part, ()):
            if isinstance(settings.get(key), int):
                settings[key] = max(_LEAST, settings[key] * 10)
        found[part] = settings
    return found


def _limits_anything(found: TrafficSetting) -> bool:
    """Whether a pool sets a limit, not only time-outs and keep-alive."""
    if found.setting is None:
        return True
    pool = as_mapping(found.setting.value)
    return any(key in as_mapping(pool.get(part)) for part, keys in _LIMITS.items() for key in keys)


def _reached(mesh: Snapshot, use: Use, found: TrafficSetting, refused: Calls) -> Finding:
    said = failed_calls_text(mesh, refused)
    message = f"{found.object} limits connections to {use.destination} ({found.words}): {said}"
    servers = [str(use.service.resource)] if use.service else []
    newest = [call.evidence for call in reversed(refused[-3:])]
    return problem(
        LIMIT_REACHED,
        use,
        message,
        objects=(found.object, *servers),
        facts=(
            holds(REQUESTS_FAIL, said, *newest),
            holds("pool-is-limited", f"{found.object} sets {found.words}", found.evidence),
            _in_force(refused[-1].proxy, use.destination.cluster),
        ),
        affected=affected_by(mesh, use, refused),
        fills=_fills(found),
    )


def _overflowed(mesh: Snapshot, use: Use, found: TrafficSetting) -> Calls:
    """Calls refused for overflow since the rule exists."""
    created = found.setting.rule.created if found.setting else None
    return tuple(
        call for call in failed_calls_to(mesh, use, "UO") if created is None or call.time >= created
    )


def _unlimited(mesh: Snapshot, use: Use) -> list[Evidence] | None:
    """Where callers' proxies show that they know no limit; None where some proxy holds one."""
    shown: list[Evidence] = []
    for proxy in calling_proxies(mesh, use):
        cluster = proxy.config.cluster(use.destination.cluster) if proxy.config else None
        limits = cluster.circuit_breakers if cluster else None
        if cluster is None or limits is None:
            continue
        if limits.is_limited:
            return None
        if limits.unlimited:
            inside = limits.pointer.removeprefix(cluster.at()).split("/")[1:]
            path = (*inside, limits.unlimited)
            shown.append(cluster_part_evidence(proxy, cluster, UNLIMITED, *path))
    return shown[:_MOST_SHOWN]


def _no_limit(mesh: Snapshot, use: Use) -> Finding | None:
    """That no limit is set, unless a proxy holds one all the same or refused calls for one."""
    shown = _unlimited(mesh, use)
    if not mesh.catalog.known(DESTINATION_RULE) or shown is None:
        return None
    if failed_calls_to(mesh, use, "UO"):
        return None
    message = f"No connection pool limit is set for {use.destination}"
    shown += policies_of_callers(mesh, use)
    return passes(LIMIT_REACHED, use, message, "no-limit", shown)


def _judge(mesh: Snapshot, use: Use) -> Finding | None:
    found = traffic_setting(mesh, use, CONNECTION_POOL)
    if found is None or not _limits_anything(found):
        return _no_limit(mesh, use)
    if refused := _overflowed(mesh, use, found):
        return _reached(mesh, use, found, refused)
    if may_be_called_unseen(mesh, use):
        message = f"Without access logs it cannot be told whether {found.object}'s limits are met"
        return cannot_tell(LIMIT_REACHED, use, message, (PROXY_LOG,))
    # There is a limit, and it may be met again: nothing is wrong with it now.
    return None


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """No request is refused for a full connection pool."""

    name: str = "connection-limits"
    description: str = "No request is refused because a DestinationRule's connection pool is full."
    inputs: tuple[str, ...] = (
        DESTINATION_RULE.input,
        VIRTUAL_SERVICE.input,
        SERVICE.input,
        POD.input,
        PROXY_CONFIG,
        PROXY_LOG,
    )
    codes: tuple[str, ...] = (LIMIT_REACHED,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at each destination that is routed to or called."""
        logs = access_logs(mesh)
        unseen_calls = bool(logs.unread or logs.silent)
        for use in destinations_in_use(mesh):
            judged = (use.is_seen or unseen_calls) and not is_missing(mesh, use)
            if judged and (found := _judge(mesh, use)) is not None:
                yield found


ANALYZER = ConnectionLimits()
