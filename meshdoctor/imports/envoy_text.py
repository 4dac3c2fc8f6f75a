"""Envoy's ``/clusters`` and ``/listeners`` as text, the form that ``istioctl bug-report`` keeps.

Both become the documents that ``?format=json`` answers (Envoy, "Administration interface").
"""

from __future__ import annotations

from typing import Any

import msgspec

_SEPARATOR = "::"
_PRIORITIES = {"default_priority": "DEFAULT", "high_priority": "HIGH"}
_OF_CLUSTER = ("observability_name", "added_via_api", "eds_service_name")
_FEWEST_PARTS = 3
_DIGITS = 18
"""Longer numbers are nonsense, and costly to read."""
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


def _address(host: str) -> dict[str, Any]:
    address, colon, port = host.rpartition(":")
    if colon and port.isdecimal() and len(port) < _DIGITS:
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
        """One line; False when it is none of this answer's.

        An IPv6 host has the separator in itself, so a host's line is read from both ends.
        """
        parts = line.split(_SEPARATOR)
        if len(parts) < _FEWEST_PARTS or not parts[0]:
            return False
        name, field, value = parts[0], parts[1], parts[-1]
        if field in _OF_CLUSTER:
            text: object = _SEPARATOR.join(parts[2:])
            self._cluster(name)[field] = text == "true" if field == "added_via_api" else text
        elif field in _PRIORITIES and len(parts) == 4 and value.isdecimal():
            self._threshold(name, _PRIORITIES[field], parts[2], value)
        elif len(parts) > _FEWEST_PARTS:
            host = _SEPARATOR.join(parts[1:-2])
            self._stat(self.host(name, host), parts[-2], value)
        return True

    def _threshold(self, cluster: str, priority: str, stat: str, value: str) -> None:
        breakers = self._cluster(cluster).setdefault("circuit_breakers", {"thresholds": []})
        for threshold in breakers["thresholds"]:
            if threshold["priority"] == priority:
                threshold[stat] = int(value[:_DIGITS])
                return
        breakers["thresholds"].append({"priority": priority, stat: int(value[:_DIGITS])})

    def _stat(self, host: dict[str, Any], stat: str, value: str) -> None:
        if stat in _COUNTERS or stat in _MORE_COUNTERS:
            host["stats"].append({"name": stat, "value": value})
        elif stat == "health_flags":
            host["health_status"] = _health(value)
        elif stat in ("region", "zone", "sub_zone") and value:
            host["locality"][stat] = value
        elif stat in ("weight", "priority") and value.isdecimal():
            host[stat] = int(value[:_DIGITS])
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
    statuses = []
    for line in data.decode("utf-8", errors="replace").split("\n"):
        name, separator, bound = line.strip().partition(_SEPARATOR)
        if separator and name and bound.rpartition(":")[2].isdecimal():
            statuses.append({"name": name, "local_address": _address(bound)})
    if not statuses and data.strip():
        return data
    return msgspec.json.encode({"listener_statuses": statuses})
