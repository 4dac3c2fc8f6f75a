"""Extension configurations of a config dump."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.envoy.config_dump import ExtensionConfig
from meshdoctor.model.resource import as_mapping
from meshdoctor.parse.envoy.fields import Notes, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.parse.envoy.section import Section


def _read_extension(
    entry: Mapping[str, Any], pointer: str, _notes: Notes
) -> Iterator[ExtensionConfig]:
    extension = as_mapping(entry.get("ecds_filter"))
    yield ExtensionConfig(
        name=text(extension.get("name")),
        type_url=text(as_mapping(extension.get("typed_config")).get("@type")),
        error=text(as_mapping(entry.get("error_state")).get("details")),
        version=text(entry.get("version_info")),
        pointer=pointer,
    )


def read_ecds(section: Section) -> tuple[ExtensionConfig, ...]:
    """Read an ``EcdsConfigDump``; a dump may hold several."""
    return tuple(section.read("ecds_filters", _read_extension))
