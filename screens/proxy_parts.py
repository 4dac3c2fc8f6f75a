"""The parts of one proxy's configuration: each a tab, made when it is first looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from screens.view_rows import RIGID, Look, ViewTable
from screens.widgets.marks import SEVERITY, Mark

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.views.proxy_log import ProxyLogRow

    Made = tuple[ViewTable, Sequence[Any]]
    """The table and its rows."""


@dataclass(frozen=True, slots=True)
class ProxyPart:
    """One tab."""

    name: str
    title: str
    file: str
    """The file of the proxy that it is read from."""
    make: Callable[[Snapshot, Proxy], Made | None]
    """Makes the rows, in a thread; None when the file was not read."""
    command: str
    """What shows the same on a live mesh; ``{pod}`` and ``{namespace}`` are filled in."""


def _word(bad: frozenset[str], good: frozenset[str]) -> Callable[[str], Mark]:
    def mark(text: str) -> Mark:
        if text in bad:
            return Mark(f"✗ {text}", "error", bold=True)
        return Mark(f"✓ {text}", "success") if text in good else Mark(text)

    return mark


def _named_by(*attributes: str) -> Callable[[Any], str]:
    """A row's key: what names it, not its place in the file, which moves with every new push."""

    def key(row: Any) -> str:
        return " ".join(str(getattr(row, name)) for name in attributes)

    return key


_CLUSTER_LOOKS = {
    "fqdn": Look(least=24),
    "port": RIGID,
    "direction": Look(least=0, rank=1),
    "type": Look(least=0, rank=2),
    "destination_rule": Look(least=16),
}
_LISTENER_LOOKS = {
    "addresses": Look(least=7),
    "port": RIGID,
    "match": Look(least=24),
    "destination": Look(least=28),
}
_ROUTE_LOOKS = {
    "name": Look(least=12, cut="middle"),
    "vhost_name": Look(least=20, rank=3),
    "domains": Look(least=18),
    "match": Look(least=12),
    "virtual_service": Look(least=16, mark=_word(frozenset({"404"}), frozenset())),
    "clusters": Look(least=30, rank=1),
}
_ENDPOINT_LOOKS = {
    "endpoint": Look(least=22, cut="middle"),
    "status": Look(
        least=0, mark=_word(frozenset({"UNHEALTHY", "TIMEOUT"}), frozenset({"HEALTHY"}))
    ),
    "outlier_check": Look("OUTLIER", least=0, mark=_word(frozenset({"FAILED"}), frozenset({"OK"}))),
    "cluster": Look(least=24),
}
_SECRET_LOOKS = {
    "name": Look(least=16, cut="middle"),
    "type": Look(least=0, rank=1),
    "status": RIGID,
    "valid": Look(least=0, mark=_word(frozenset({"false"}), frozenset({"true"}))),
    "serial": Look(least=16, cut="middle", rank=3),
    "not_after": RIGID,
    "not_before": Look(least=0, rank=2),
}


def _clusters(mesh: Snapshot, proxy: Proxy) -> Made | None:
    from meshdoctor.views.proxy_config import cluster as view

    del mesh
    if proxy.config is None:
        return None
    table = ViewTable(view.COLUMNS, view.to_json, _named_by("name"), _CLUSTER_LOOKS)
    return table, view.rows(proxy.config)


def _listeners(mesh: Snapshot, proxy: Proxy) -> Made | None:
    from meshdoctor.views.proxy_config import listener as view

    del mesh
    if proxy.config is None:
        return None
    table = ViewTable(
        view.COLUMNS, view.to_json, _named_by("listener", "chain", "match"), _LISTENER_LOOKS
    )
    return table, view.rows(proxy.config)


def _routes(mesh: Snapshot, proxy: Proxy) -> Made | None:
    from meshdoctor.views.proxy_config import route as view

    del mesh
    if proxy.config is None:
        return None
    columns = (*view.COLUMNS, ("CLUSTERS", "clusters"))
    table = ViewTable(
        columns,
        view.to_json,
        _named_by("name", "vhost_name", "match"),
        _ROUTE_LOOKS,
        is_fault=lambda row: str(row.virtual_service) == "404",
    )
    return table, view.rows(proxy.config)


def _endpoints(mesh: Snapshot, proxy: Proxy) -> Made | None:
    from meshdoctor.views.proxy_config import endpoint as view

    del mesh
    if proxy.hosts is None:
        return None
    table = ViewTable(
        view.COLUMNS,
        view.to_json,
        _named_by("endpoint", "cluster"),
        _ENDPOINT_LOOKS,
        is_fault=lambda row: row.status != "HEALTHY" or row.outlier_check == "FAILED",
    )
    return table, view.rows(proxy.hosts)


def _secrets(mesh: Snapshot, proxy: Proxy) -> Made | None:
    from meshdoctor.views.proxy_config import secret as view

    if proxy.config is None:
        return None
    rows = view.rows(proxy.config, mesh.now)
    table = ViewTable(
        view.columns(rows),
        view.to_json,
        _named_by("name", "type"),
        _SECRET_LOOKS,
        is_fault=lambda row: row.valid != "true" or row.status != "ACTIVE",
    )
    return table, rows


def _log(mesh: Snapshot, proxy: Proxy) -> Made | None:
    from meshdoctor.views import proxy_log as view

    del mesh
    if proxy.log is None:
        return None
    table = ViewTable(
        view.COLUMNS,
        view.to_json,
        lambda row: str(row.text),
        _LOG_LOOKS,
        is_fault=lambda row: row.severity is not None,
        detail=_log_detail,
    )
    return table, view.rows(proxy.log)


def _status_mark(text: str) -> Mark:
    if text in ("error", "fatal") or text[:1] == "5":
        return Mark(f"✗ {text}", "error", bold=True)
    if text == "warn" or text[:1] == "4":
        return Mark(f"! {text}", "warning")
    return Mark(text, "md-muted")


_LOG_LOOKS = {
    "line": Look(least=0, rank=2),
    "time": RIGID,
    "status": Look(least=0, mark=_status_mark),
    "flags": RIGID,
    "what": Look(least=30),
    "cluster": Look(least=20, rank=1),
}


def _log_detail(row: ProxyLogRow) -> str:
    severity = f"{SEVERITY[row.severity]}: " if row.severity and row.meaning else ""
    todo = f"→ {row.what_to_do}" if row.what_to_do else ""
    return "\n".join(part for part in (severity + row.meaning, todo, row.text) if part)


def _about(mesh: Snapshot, proxy: Proxy) -> Made | None:
    from meshdoctor.views import proxy_about as view

    table = ViewTable(
        view.COLUMNS,
        view.to_json,
        lambda row: f"{row.name} {row.value}",
        looks={"name": RIGID, "value": Look(least=30), "source": Look(least=30, rank=1)},
        is_fault=lambda row: row.value.startswith(("?", "expired", "not ready")),
    )
    return table, view.rows(mesh, proxy)


_CONFIG = "config_dump.json"
_ISTIOCTL = "istioctl proxy-config {part} {{pod}}.{{namespace}}"

PARTS = (
    ProxyPart("clusters", "Clusters", _CONFIG, _clusters, _ISTIOCTL.format(part="cluster")),
    ProxyPart("listeners", "Listeners", _CONFIG, _listeners, _ISTIOCTL.format(part="listener")),
    ProxyPart("routes", "Routes", _CONFIG, _routes, _ISTIOCTL.format(part="route")),
    ProxyPart(
        "endpoints", "Endpoints", "clusters.json", _endpoints, _ISTIOCTL.format(part="endpoint")
    ),
    ProxyPart("secrets", "Secrets", _CONFIG, _secrets, _ISTIOCTL.format(part="secret")),
    ProxyPart(
        "log", "Log", "istio-proxy.log", _log, "kubectl logs {pod} -n {namespace} -c istio-proxy"
    ),
    ProxyPart(
        "about", "About", "server_info.json", _about, "istioctl proxy-status {pod}.{namespace}"
    ),
)
"""The tabs, in order."""
