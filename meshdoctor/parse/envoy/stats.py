"""Envoy's ``/stats``: the few lines of it worth keeping.

Istio's default filter drops most of them (pkg/bootstrap/config.go), so a stat that is absent was
not collected: absence is not zero.
"""

from __future__ import annotations

import re
from sys import intern

from meshdoctor.model.envoy.admin import Stat
from meshdoctor.parse.envoy.fields import integer

_EXACT = frozenset(
    {
        "cluster_manager.active_clusters",
        "cluster_manager.warming_clusters",
        "listener_manager.listener_create_failure",
        "listener_manager.total_listeners_active",
        "listener_manager.total_listeners_warming",
        "listener_manager.workers_started",
        "server.concurrency",
        "server.days_until_first_cert_expiring",
        "server.hot_restart_epoch",
        "server.live",
        "server.memory_allocated",
        "server.memory_heap_size",
        "server.memory_physical_size",
        "server.state",
        "server.total_connections",
        "server.uptime",
    }
)
_KEPT = re.compile(
    r"(?:cluster_manager\.cds|listener_manager\.lds)\."
    r"(?:init_fetch_timeout|update_(?:attempt|success|rejected|failure|time)|version_text)"
    r"|cluster\.xds-grpc\.(?:upstream_(?:cx|rq)_(?:active|total|connect_fail|connect_timeout"
    r"|destroy_remote|timeout)|membership_(?:healthy|total))"
    r"|cluster\..+\.(?:upstream_(?:cx_overflow|cx_connect_fail|rq_pending_overflow"
    r"|rq_retry_overflow)|outlier_detection\.ejections_active|membership_(?:healthy|total)"
    r"|ssl\.(?:fail_verify_\w+|connection_error))"
    r"|listener\..+\.(?:no_filter_chain_match|ssl\.(?:fail_verify_\w+|connection_error))"
    r"|.+\.rbac\.(?:\w+\.)?(?:shadow_)?(?:allowed|denied)"
    r"|.+\.jwt_authn\.(?:allowed|denied|jwks_fetch_(?:success|failed))"
    r"|wasm\..+"
)


def stat_key(name: str) -> str:
    """A stat's name without the ``;`` that istiod 1.23 and later ends scope names with."""
    return name.replace(";.", ".")


def parse_stats(data: bytes) -> dict[str, Stat]:
    """Read ``/stats`` as text.

    Args:
        data: lines of ``name: value``; other lines, and bytes that are not UTF-8, are passed over.

    Returns:
        Stats by ``stat_key`` of their name; values are numbers, or texts such as a version.
    """
    found: dict[str, Stat] = {}
    for line, row in enumerate(data.decode("utf-8", errors="replace").split("\n"), start=1):
        # Values hold no ": " but texts in quotes may, and names never do.
        name, colon, value = row.rstrip("\r").partition(": ")
        key = stat_key(name)
        if not colon or (key not in _EXACT and not _KEPT.fullmatch(key)):
            continue
        number = integer(value.strip())
        stat = Stat(intern(name), value.strip().strip('"') if number is None else number, line)
        found.setdefault(intern(key), stat)
    return found
