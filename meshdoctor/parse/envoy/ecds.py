"""Extension configurations of a config dump."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.envoy.config_dump import ExtensionConfig
from meshdoctor.model.resource import as_mapping
from meshdoctor.parse.envoy.fields import Notes, mappings, text

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_ecds(
    section: Mapping[str, Any], pointer: str, notes: Notes
) -> tuple[ExtensionConfig, ...]:
    """Read an ``EcdsConfigDump``; a dump may hold several."""
    found = []
    for at, entry in mappings(section.get("ecds_filters"), f"{pointer}/ecds_filters", notes):
        extension = as_mapping(entry.get("ecds_filter"))
        found.append(
            ExtensionConfig(
                name=text(extension.get("name")),
                type_url=text(as_mapping(extension.get("typed_config")).get("@type")),
                error=text(as_mapping(entry.get("error_state")).get("details")),
                version=text(entry.get("version_info")),
                pointer=at,
            )
        )
    return tuple(found)
