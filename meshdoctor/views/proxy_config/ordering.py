"""istioctl's order of clusters, and how it names the object behind a part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.envoy import ClusterName, parse_cluster_name

if TYPE_CHECKING:
    from meshdoctor.model.envoy import ConfigPointer

Columns = tuple[tuple[str, str], ...]
"""Headers and the row attributes they show."""


def split_name(name: str) -> ClusterName | None:
    """The parts of a cluster name with pipes; like istioctl, the SNI form is left whole."""
    return parse_cluster_name(name) if "|" in name else None


def cluster_key(name: str) -> tuple[str, str, int, str]:
    """Sort key of a cluster: host, subset, port, direction; other names sort by themselves."""
    parsed = split_name(name)
    if parsed is None:
        return (name, "", 0, "")
    return (parsed.host, parsed.subset, parsed.port or 0, parsed.direction)


def management_text(config: ConfigPointer | None) -> str:
    """``name.namespace`` of the object behind a part; empty for none."""
    return f"{config.name}.{config.namespace}" if config else ""
