"""Envoy's ``/clusters`` and ``/listeners`` as text, the form that ``istioctl bug-report`` keeps.

Both become the documents that ``?format=json`` answers (Envoy, "Administration interface").
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

_HOST = re.compile(
    r"(?P<cluster>.+?)::(?P<host>\[[0-9a-fA-F:.%\w]+\]:\d+|[^:\s]+:\d+|envoy://[^:]*(?::[^:]+)*?/?"
    r"|/[^:]*)::(?P<stat>[a-z_]+)::(?P<value>.*)"
)
_PRIORITY = re.compile(
    r"(?P<cluster>.+?)::(?P<priority>default|high)_priority::(?P<stat>\w+)::(\d+)"
)
_OF_CLUSTER = re.compile(
    r"(?P<cluster>.+?)::(?P<name>observability_name|added_via_api|eds_service_name)::(?P<value>.*)"
)
_COUNTERS = ("cx_active", "cx_connect_fail", "cx_total", "rq_active", "rq_error", "rq_success")
_MORE_COUNTERS = ("rq_timeout", "rq_total")
_FLAGS = {
    "failed_active_hc": "failed_active_health_check",
    "failed_outlier_check": "failed_outlier_check",
    "degraded_active_hc": "failed_active_degraded_check",
    "pending_dynamic_removal": "pending_dynamic_removal",
    "pending_active_hc": "pending_active_hc",
    "excluded_via_immediate_hc_fail": "excluded_via_immediate_hc_fail",
    "active_hc_timeout": "active_hc_timeout",
}
_EDS = {
    "failed_eds_health": "UNHEALTHY",
    "degraded_eds_health": "DEGRADED",
    "eds_status_draining": "DRAINING",
}
_BOUND = re.compile(r"(?P<name>.+?)::(?P<address>.+):(?P<port>\d+)")


def _address(host: str) -> dict[str, Any]:
    address, colon, port = host.rpartition(":")
    if colon and port.isdecimal():
        return {"socket_address": {"address": address.strip("[]"), "port_value": int(port)}}
    return {"pipe": {"path": host}}


def _health(written: str) -> dict[str, Any]:
    """``healthy``, or flags each behind a slash (Envoy's HostUtility::healthFlagsToString)."""
    health: dict[str, Any] = {"eds_health_status": "HEALTHY"}
    for flag in filter(None, written.split("/")):
        if flag in _EDS:
            health["eds_health_status"] = _EDS[flag]
        elif flag in _FLAGS:
            health[_FLAGS[flag]] = True
    return health


class _Clusters:
    def __init__(self) -> None:
        self.by_name: dict[str, dict[str, Any]] = {}
        self._hosts: dict[tuple[str, str], dict[str, Any]] = {}

    def _cluster(self, name: str) -> dict[str, Any]:
        return self.by_name.setdefault(name, {"name": name, "host_statuses": []})

    def host(self, cluster: str, host: str) -> dict[str, Any]:
        known = self._hosts.get((cluster, host))
        if known is None:
            known = {"address": _address(host), "stats": [], "health_status": {}, "locality": {}}
            self._hosts[cluster, host] = known
            self._cluster(cluster)["host_statuses"].append(known)
        return known

    def take(self, line: str) -> bool:
        """One line; False when it is none of this answer's."""
        if (match := _OF_CLUSTER.fullmatch(line)) is not None:
            value: object = match["value"]
            self._cluster(match["cluster"])[match["name"]] = (
                value == "true" if match["name"] == "added_via_api" else value
            )
        elif (match := _PRIORITY.fullmatch(line)) is not None:
            self._threshold(match["cluster"], match["priority"].upper(), match["stat"], match[4])
        elif (match := _HOST.fullmatch(line)) is not None:
            self._stat(self.host(match["cluster"], match["host"]), match["stat"], match["value"])
        else:
            return "::" in line
        return True

    def _threshold(self, cluster: str, priority: str, stat: str, value: str) -> None:
        breakers = self._cluster(cluster).setdefault("circuit_breakers", {"thresholds": []})
        for threshold in breakers["thresholds"]:
            if threshold["priority"] == priority:
                threshold[stat] = int(value)
                return
        breakers["thresholds"].append({"priority": priority, stat: int(value)})

    def _stat(self, host: dict[str, Any], stat: str, value: str) -> None:
        if stat in _COUNTERS or stat in _MORE_COUNTERS:
            host["stats"].append({"name": stat, "value": value})
        elif stat == "health_flags":
            host["health_status"] = _health(value)
        elif stat in ("region", "zone", "sub_zone") and value:
            host["locality"][stat] = value
        elif stat in ("weight", "priority") and value.isdecimal():
            host[stat] = int(value)
        elif stat == "hostname" and value:
            host["hostname"] = value


def clusters_json(data: bytes) -> bytes:
    """``/clusters`` as ``/clusters?format=json``; what is JSON already stays, what is neither too.

    Args:
        data: lines of ``cluster::host::stat::value``.
    """
    if data.lstrip()[:1] == b"{":
        return data
    clusters = _Clusters()
    known = unknown = 0
    for line in data.decode("utf-8", errors="replace").split("\n"):
        if line.strip():
            if clusters.take(line.rstrip("\r")):
                known += 1
            else:
                unknown += 1
    if unknown and not known:
        return data
    return msgspec.json.encode({"cluster_statuses": list(clusters.by_name.values())})


def listeners_json(data: bytes) -> bytes:
    """``/listeners`` as ``/listeners?format=json``; what is of neither form stays as it is.

    Args:
        data: lines of ``name::address:port``.
    """
    if data.lstrip()[:1] == b"{":
        return data
    lines = data.decode("utf-8", errors="replace").split("\n")
    found = [match for line in lines if (match := _BOUND.fullmatch(line.strip()))]
    if not found and data.strip():
        return data
    statuses = [
        {"name": match["name"], "local_address": _address(f"{match['address']}:{match['port']}")}
        for match in found
    ]
    return msgspec.json.encode({"listener_statuses": statuses})
