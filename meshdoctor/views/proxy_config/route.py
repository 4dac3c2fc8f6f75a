"""``proxy-config route``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.views.proxy_config.domains import describe_domains
from meshdoctor.views.proxy_config.ordering import Columns, management_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.envoy import ConfigDump, Route, RouteConfig, VirtualHost

COLUMNS: Columns = (
    ("NAME", "name"),
    ("VHOST NAME", "vhost_name"),
    ("DOMAINS", "domains"),
    ("MATCH", "match"),
    ("VIRTUAL SERVICE", "virtual_service"),
)
SUMMARY_COLUMNS: Columns = (("NAME", "name"), ("VIRTUAL HOSTS", "virtual_hosts"))
"""Columns of ``--verbose=false``."""
_PASSTHROUGH = "PassthroughCluster"


@dataclass(frozen=True, slots=True)
class RouteRow:
    """One route of a virtual host."""

    name: str
    """The RouteConfiguration's name."""
    vhost_name: str
    domains: str
    match: str
    virtual_service: str
    """``name.namespace``; ``404`` for a virtual host without routes."""
    clusters: tuple[str, ...]
    pointer: str


@dataclass(frozen=True, slots=True)
class RouteSummaryRow:
    """One RouteConfiguration."""

    name: str
    virtual_hosts: int
    pointer: str


def _shown(dump: ConfigDump, name: str) -> list[RouteConfig]:
    """Ports by number first, then every other name in the file's order."""
    return sorted(
        (item for item in dump.routes if not name or item.name == name),
        key=lambda item: (0, int(item.name)) if item.name.isdecimal() else (1, 0),
    )


def _is_passthrough(route: Route) -> bool:
    return [cluster.name for cluster in route.clusters] == [_PASSTHROUGH]


def _host_rows(config: RouteConfig, host: VirtualHost) -> Iterator[RouteRow]:
    domains = describe_domains(host.domains)
    if not host.routes:
        yield RouteRow(config.name, host.name, domains, "/*", "404", (), host.pointer)
    for route in host.routes:
        # istioctl hides these: every sidecar has one on every port.
        if not _is_passthrough(route):
            yield RouteRow(
                name=config.name,
                vhost_name=host.name,
                domains=domains,
                match=str(route.match),
                virtual_service=management_text(route.config),
                clusters=tuple(cluster.name for cluster in route.clusters),
                pointer=route.pointer,
            )


def rows(dump: ConfigDump, name: str = "") -> tuple[RouteRow, ...]:
    """One row a route, in matching order within a virtual host.

    Args:
        dump: the proxy's configuration.
        name: istioctl's ``--name``: only the RouteConfiguration of that name.
    """
    return tuple(
        row
        for config in _shown(dump, name)
        for host in config.virtual_hosts
        for row in _host_rows(config, host)
    )


def summary_rows(dump: ConfigDump, name: str = "") -> tuple[RouteSummaryRow, ...]:
    """One row a RouteConfiguration, with the number of its virtual hosts."""
    return tuple(
        RouteSummaryRow(item.name, len(item.virtual_hosts), item.pointer)
        for item in _shown(dump, name)
    )


def to_json(row: RouteRow | RouteSummaryRow) -> dict[str, Any]:
    """A row as plain data."""
    return asdict(row)
