"""Envoy's admin answers to the runtime model of one proxy."""

from __future__ import annotations

from meshdoctor.parse.envoy.admin import parse_certs, parse_listeners, parse_server_info
from meshdoctor.parse.envoy.config_dump import parse_config_dump
from meshdoctor.parse.envoy.host_status import parse_clusters
from meshdoctor.parse.envoy.stats import parse_stats

__all__ = [
    "parse_certs",
    "parse_clusters",
    "parse_config_dump",
    "parse_listeners",
    "parse_server_info",
    "parse_stats",
]
