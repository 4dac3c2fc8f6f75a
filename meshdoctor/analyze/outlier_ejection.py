"""Whether outlier detection has ejected hosts that a destination needs.

Envoy counts errors per client proxy and per host, so the ejection shows only in the calling
proxy's ``/clusters``: the pods stay ready, and ``eds_health_status`` says HEALTHY.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import recent
from meshdoctor.analyze.base import PROXY_CONFIG, PROXY_HOSTS, PROXY_LOG, holds, unread
from meshdoctor.analyze.destination_facts import (
    affected_by,
    calling_proxies,
    failed_calls_to,
    requests_fail,
)
from meshdoctor.analyze.destination_findings import cannot_tell, command_target, passes, problem
from meshdoctor.analyze.destinations_in_use import destinations_in_use, is_missing
from meshdoctor.analyze.ejected_hosts import Ejection
from meshdoctor.analyze.json_patches import replace_value
from meshdoctor.analyze.proxy_evidence import (
    ejected_host_evidence,
    endpoint_evidence,
    host_health_evidence,
)
from meshdoctor.analyze.traffic_settings import (
    TrafficSetting,
    policies_of_callers,
    traffic_setting,
    unread_callers,
    unset_in_clusters,
)
from meshdoctor.model.kinds import DESTINATION_RULE, POD, SERVICE, VIRTUAL_SERVICE
from meshdoctor.model.pod import is_ready

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.access_logs import Calls
    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact, Finding
    from meshdoctor.model.snapshot import Snapshot

HOSTS_EJECTED = "MD0121"
OUTLIER_DETECTION = "outlierDetection"
_WELL = ("", "UNKNOWN", "HEALTHY", "DEGRADED")
"""What EDS says of hosts that a proxy may send to (Envoy's ``core.v3.HealthStatus``)."""
_MOST_SHOWN = 6
_ISTIO_DEFAULTS = {
    "consecutive5xxErrors": 5,
    "interval": "10s",
    "baseEjectionTime": "30s",
    "maxEjectionPercent": 10,
}


def _owners(mesh: Snapshot, addresses: list[str]) -> tuple[str, ...]:
    pods = [pod for ip in addresses if (pod := mesh.pod_at(ip)) is not None]
    return tuple(dict.fromkeys(str(mesh.workloads.owning(pod)) for pod in pods))


def _rule_fact(found: TrafficSetting | None) -> Fact:
    if found is None:
        return unread("outlier-detection-set", "No DestinationRule with outlier detection was read")
    text = f"{found.object} sets outlier detection: {found.words}"
    return holds("outlier-detection-set", text, found.evidence)


def _fills(found: TrafficSetting | None, owners: tuple[str, ...]) -> dict[str, str]:
    fills = {
        "rule": found.object.partition(" ")[2] if found else "(unread)",
        "settings": found.words if found else "unknown",
        "servers": ", ".join(owners) or "its pods",
        "server": command_target(owners[0] if owners else ""),
        "command": "kubectl get destinationrules.networking.istio.io -A",
        "undo": "nothing to undo: this only reads",
    }
    if found is not None and found.setting is not None:
        forth, back = replace_value(found.setting.rule, found.setting.path, _ISTIO_DEFAULTS)
        fills |= {"command": forth, "undo": back}
    return fills


def _finding(
    mesh: Snapshot,
    use: Use,
    found: TrafficSetting | None,
    *,
    message: str,
    ejected: tuple[Fact, ...],
    owners: tuple[str, ...],
    failed: Calls,
    root: bool,
) -> Finding:
    rule = (found.object,) if found else ()
    objects = (*rule, *owners) or (str(use.service.resource) if use.service else use.subject,)
    return problem(
        HOSTS_EJECTED,
        use,
        message,
        objects=objects,
        facts=(_rule_fact(found), *ejected, requests_fail(mesh, use, "UH")),
        affected=affected_by(mesh, use, failed),
        fills=_fills(found, owners),
        root=root,
    )


def _seen(mesh: Snapshot, use: Use, items: tuple[Ejection, ...]) -> Finding:
    """Hosts are marked as ejected in the calling proxies."""
    failed = failed_calls_to(mesh, use, "UH")
    worst = max(items, key=lambda item: len(item.hosts) / item.of)
    hosts = ", ".join(str(host) for host in worst.hosts[:3])
    message = (
        f"The proxy of {mesh.caller(worst.proxy)} has ejected {len(worst.hosts)} of {worst.of} "
        f"hosts of {use.destination} ({hosts})"
    )
    shown: list[Evidence] = []
    for item in items[:3]:
        shown.append(ejected_host_evidence(item.proxy, item.cluster, item.hosts[0]))
        shown.append(host_health_evidence(item.proxy, item.cluster, item.hosts[0]))
    owners = _owners(mesh, [host.address for item in items for host in item.hosts])
    return _finding(
        mesh,
        use,
        traffic_setting(mesh, use, OUTLIER_DETECTION, worst.proxy),
        message=message,
        ejected=(holds("hosts-ejected", message, *shown),),
        owners=owners,
        failed=failed,
        root=bool(failed) or any(item.is_whole for item in items),
    )


def _deduced(mesh: Snapshot, use: Use) -> Finding | None:
    """No host status to read: requests find no healthy host although every pod is ready."""
    failed = failed_calls_to(mesh, use, "UH")
    latest = recent(mesh, use.calls)[-1:]
    if not failed or failed[-1:] != latest:
        return None
    proxy, cluster = failed[-1].proxy, use.destination.cluster
    if proxy.hosts is not None or proxy.config is None:
        return None
    found = traffic_setting(mesh, use, OUTLIER_DETECTION, proxy)
    assigned = proxy.config.load_assignment(cluster)
    if found is None or assigned is None or not assigned.endpoints:
        return None
    pods = [mesh.pod_at(endpoint.address) for endpoint in assigned.endpoints]
    if not all(pod is not None and is_ready(pod) for pod in pods):
        return None
    message = (
        f"Requests to {use.destination} find no healthy host although all {len(pods)} of its pods "
        f"are ready: outlier detection has ejected them"
    )
    first = assigned.endpoints[0]
    return _finding(
        mesh,
        use,
        found,
        message=message,
        ejected=(
            unread("hosts-ejected", f"The host statuses of {proxy.pod} could not be read"),
            holds("ready-and-unused", message, endpoint_evidence(proxy, cluster, first)),
        ),
        owners=_owners(mesh, [endpoint.address for endpoint in assigned.endpoints]),
        failed=failed,
        root=True,
    )


def _judge(mesh: Snapshot, use: Use) -> Finding | None:
    if use.ejections:
        return _seen(mesh, use, use.ejections)
    if (deduced := _deduced(mesh, use)) is not None:
        return deduced
    found = traffic_setting(mesh, use, OUTLIER_DETECTION)
    if found is None and not mesh.catalog.known(DESTINATION_RULE):
        return None
    if found is not None and (blind := unread_callers(mesh, use)):
        message = f"It cannot be told whether {', '.join(blind[:3])} ejected hosts of it"
        return cannot_tell(HOSTS_EJECTED, use, message, (PROXY_HOSTS,))
    return _none_ejected(mesh, use, found)


def _none_ejected(mesh: Snapshot, use: Use, found: TrafficSetting | None) -> Finding | None:
    """That callers send to every host; None where their hosts ail and none says of what."""
    held = [
        (proxy, host)
        for proxy in calling_proxies(mesh, use)
        if proxy.hosts is not None
        for host in proxy.hosts.hosts_of(use.destination.cluster)
    ]
    if any(host.eds_health not in _WELL for _, host in held):
        return None
    if held:
        message = f"No calling proxy has ejected a host of {use.destination}"
        shown = [host_health_evidence(p, use.destination.cluster, host) for p, host in held]
        return passes(HOSTS_EJECTED, use, message, "hosts-ejected", shown[:_MOST_SHOWN])
    if found is not None:
        message = f"No calling proxy holds a host of {use.destination} that it could eject"
        return passes(HOSTS_EJECTED, use, message, "hosts-ejected", [found.evidence])
    message = f"No outlier detection is set for {use.destination}"
    shown = [*unset_in_clusters(mesh, use), *policies_of_callers(mesh, use)]
    return passes(HOSTS_EJECTED, use, message, "hosts-ejected", shown[:_MOST_SHOWN])


@dataclass(frozen=True, slots=True)
class OutlierEjection:
    """No destination has lost its hosts to outlier detection."""

    name: str = "outlier-ejection"
    description: str = "Outlier detection has not ejected the hosts of a destination in use."
    inputs: tuple[str, ...] = (
        DESTINATION_RULE.input,
        VIRTUAL_SERVICE.input,
        SERVICE.input,
        POD.input,
        PROXY_HOSTS,
        PROXY_CONFIG,
        PROXY_LOG,
    )
    codes: tuple[str, ...] = (HOSTS_EJECTED,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at each destination that is routed to or called."""
        for use in destinations_in_use(mesh):
            judged = use.is_seen and not is_missing(mesh, use)
            if judged and (found := _judge(mesh, use)) is not None:
                yield found


ANALYZER = OutlierEjection()
