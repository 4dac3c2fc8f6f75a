"""Envoy's ``/config_dump``: one section at a time, reduced as it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from meshdoctor.model.envoy import config_dump as sections
from meshdoctor.model.envoy.config_dump import ConfigDump
from meshdoctor.parse.envoy.bootstrap import read_bootstrap
from meshdoctor.parse.envoy.cluster import read_clusters
from meshdoctor.parse.envoy.decoding import decode
from meshdoctor.parse.envoy.ecds import read_ecds
from meshdoctor.parse.envoy.endpoint import read_load_assignments
from meshdoctor.parse.envoy.fields import Notes
from meshdoctor.parse.envoy.listener import read_listeners
from meshdoctor.parse.envoy.route import read_routes
from meshdoctor.parse.envoy.secret import read_secrets
from meshdoctor.parse.envoy.section import Section
from meshdoctor.parse.envoy.sharing import Pool, open_pool
from meshdoctor.parse.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from meshdoctor.model.envoy.bootstrap import Bootstrap

_DATED = {
    sections.CLUSTERS: "dynamic_active_clusters",
    sections.LISTENERS: "dynamic_listeners",
    sections.ROUTES: "dynamic_route_configs",
    sections.SECRETS: "dynamic_active_secrets",
}
"""The lists whose entries say when they came."""
_READERS: dict[str, tuple[str, Callable[[Section], tuple[Any, ...]]]] = {
    sections.CLUSTERS: ("clusters", read_clusters),
    sections.LISTENERS: ("listeners", read_listeners),
    sections.ROUTES: ("routes", read_routes),
    sections.ENDPOINTS: ("endpoints", read_load_assignments),
    sections.SECRETS: ("secrets", read_secrets),
    sections.ECDS: ("ecds", read_ecds),
}


class _Dump(msgspec.Struct):
    configs: list[msgspec.Raw] | None = None


class _Reading:
    """What has been read of a dump so far."""

    def __init__(self, pool: Pool) -> None:
        self.bootstrap: Bootstrap | None = None
        self.parts: dict[str, tuple[Any, ...]] = {name: () for name, _ in _READERS.values()}
        self.sections: list[str] = []
        self.versions: dict[str, str] = {}
        self.updated: dict[str, str] = {}
        self.notes = Notes()
        self._pool = pool

    def add(self, raw: msgspec.Raw, pointer: str) -> None:
        """Read one section."""
        try:
            section = Section(raw, pointer, self.notes, self._pool)
            name = section.text("@type").rpartition(".")[2]
            self.sections.append(name)
            if name == sections.BOOTSTRAP:
                self.bootstrap = read_bootstrap(raw, pointer)
            elif name in _READERS:
                self._add_section(name, section)
        except ParseError as error:
            self.notes.add(pointer, str(error))

    def _add_section(self, name: str, section: Section) -> None:
        part, read = _READERS[name]
        if version := section.text("version_info"):
            self.versions[name] = version
        for entry, time in section.times(_DATED[name]) if name in _DATED else ():
            self.updated[name] = max(time, self.updated.get(name, ""))
            if entry:
                self.updated[entry] = time
        # A dump may hold a section several times: Envoy splits ECDS so.
        self.parts[part] += read(section)


def parse_config_dump(data: bytes) -> ConfigDump:
    """Read a config dump.

    A section or part that is garbled is left out and named in ``errors``; a section that is not
    there is not in ``sections``, which is how an answer without EDS is told from no endpoints.

    Args:
        data: the answer of ``/config_dump``, with or without ``include_eds``.

    Raises:
        ParseError: it is not a JSON object, or its ``configs`` is not a list.
    """
    dump = decode(data, _Dump, "an Envoy config dump")
    pool = open_pool()
    reading = _Reading(pool)
    for index, raw in enumerate(dump.configs or ()):
        reading.add(raw, f"/configs/{index}")
    return ConfigDump(
        bootstrap=reading.bootstrap,
        sections=tuple(reading.sections),
        errors=reading.notes.all(),
        versions=reading.versions,
        updated=reading.updated,
        **reading.parts,
        _shared=pool,
    )
