"""Istio's metadata: which object and which services a part was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.envoy.config_pointer import ConfigPointer, parse_config_pointer
from meshdoctor.parse.envoy.fields import istio_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_config_pointer(config: Mapping[str, Any]) -> ConfigPointer | None:
    """The back-pointer of a cluster, route or filter chain; None when it has none."""
    path = istio_metadata(config).get("config")
    return parse_config_pointer(path) if isinstance(path, str) else None
