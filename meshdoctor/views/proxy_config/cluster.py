"""``proxy-config cluster``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.views.proxy_config.ordering import (
    Columns,
    cluster_key,
    management_text,
    split_name,
)

if TYPE_CHECKING:
    from meshdoctor.model.envoy import Cluster, ConfigDump

COLUMNS: Columns = (
    ("SERVICE FQDN", "fqdn"),
    ("PORT", "port"),
    ("SUBSET", "subset"),
    ("DIRECTION", "direction"),
    ("TYPE", "type"),
    ("DESTINATION RULE", "destination_rule"),
)


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """One cluster."""

    fqdn: str
    """Host, or the whole name of a cluster that is not a service's."""
    port: str
    subset: str
    direction: str
    type: str
    destination_rule: str
    """``name.namespace``."""
    name: str
    """The cluster's name in Envoy."""
    pointer: str


@dataclass(frozen=True, slots=True)
class ClusterFilter:
    """istioctl's ``--fqdn --port --subset --direction``; each looks into the name, as there."""

    fqdn: str = ""
    port: int = 0
    subset: str = ""
    direction: str = ""

    def accepts(self, cluster: Cluster) -> bool:
        """Whether a cluster passes every filter that is set."""
        wanted = (self.fqdn, self.subset, self.direction, f"|{self.port}|" if self.port else "")
        return all(text in cluster.name for text in wanted)


def _row(cluster: Cluster) -> ClusterRow:
    parsed = split_name(cluster.name)
    return ClusterRow(
        fqdn=parsed.host if parsed else cluster.name,
        port=str(parsed.port or 0) if parsed else "-",
        subset=(parsed.subset or "-") if parsed else "-",
        direction=parsed.direction if parsed else "-",
        type=cluster.type,
        destination_rule=management_text(cluster.config),
        name=cluster.name,
        pointer=cluster.pointer,
    )


def rows(dump: ConfigDump, only: ClusterFilter | None = None) -> tuple[ClusterRow, ...]:
    """The clusters that serve (warming ones are left out, as istioctl does), sorted by host.

    Args:
        dump: the proxy's configuration.
        only: which clusters to show; None for all.
    """
    only = only or ClusterFilter()
    shown = (item for item in dump.clusters if item.state != "warming" and only.accepts(item))
    return tuple(_row(item) for item in sorted(shown, key=lambda item: cluster_key(item.name)))


def to_json(row: ClusterRow) -> dict[str, Any]:
    """A row as plain data."""
    return asdict(row)
