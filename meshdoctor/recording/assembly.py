"""Parts of a snapshot, gathered file by file while a recording is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meshdoctor.model import proxy as files
from meshdoctor.model.access_log import ProxyLog
from meshdoctor.model.container_log import LOGS, ContainerLog
from meshdoctor.model.istiod import Istiod
from meshdoctor.model.kinds import CONFIG_MAP
from meshdoctor.model.not_read import NotRead, NotReadStatus
from meshdoctor.model.proxy import Proxy
from meshdoctor.model.ztunnel import ZTUNNEL_DUMP, ZTUNNEL_LOG, Ztunnel, ZtunnelLog
from meshdoctor.parse.container_log import read_container_log
from meshdoctor.parse.documents import decode_object
from meshdoctor.parse.envoy import (
    parse_certs,
    parse_clusters,
    parse_config_dump,
    parse_listeners,
    parse_server_info,
    parse_stats,
)
from meshdoctor.parse.errors import ParseError
from meshdoctor.parse.istiod_metrics import parse_istiod_metrics
from meshdoctor.parse.object_list import parse_object_list
from meshdoctor.parse.proxy_log import read_istiod_log, read_proxy_log
from meshdoctor.parse.syncz import parse_connections, parse_syncz
from meshdoctor.parse.ztunnel import parse_ztunnel_dump
from meshdoctor.parse.ztunnel_log import read_ztunnel_log
from meshdoctor.recording import layout
from meshdoctor.recording.archive import Entry

if TYPE_CHECKING:
    from meshdoctor.model.kinds import Kind
    from meshdoctor.model.resource import Resource
    from meshdoctor.recording.layout import Place

Pod = tuple[str, str]
"""Namespace and name."""


Parser = Callable[[Entry], Any]
"""One file to one part of a proxy or an istiod."""


def _text(entry: Entry) -> str:
    return entry.data.decode("utf-8", errors="replace").strip()


def _whole(parse: Callable[[bytes], Any]) -> Parser:
    return lambda entry: parse(entry.data)


_PROXY_PARTS: dict[str, tuple[str, Parser]] = {
    files.CONFIG_DUMP: ("config", _whole(parse_config_dump)),
    files.CLUSTERS: ("hosts", _whole(parse_clusters)),
    files.CERTS: ("certs", _whole(parse_certs)),
    files.LISTENERS: ("listeners", _whole(parse_listeners)),
    files.SERVER_INFO: ("server", _whole(parse_server_info)),
    files.STATS: ("stats", _whole(parse_stats)),
    files.READY: ("ready", lambda entry: "200" in _text(entry) or "LIVE" in _text(entry)),
    files.LOG: ("log", lambda entry: read_proxy_log(entry.data, first_line=entry.first_line)),
}
_ISTIOD_PARTS: dict[str, tuple[str, Parser]] = {
    layout.SYNCZ: ("syncs", _whole(parse_syncz)),
    layout.CONNECTIONS: ("connected_at", _whole(parse_connections)),
    layout.MESH: ("mesh", _whole(decode_object)),
    layout.VERSION: ("version", _text),
    layout.ISTIOD_METRICS: ("metrics", _whole(parse_istiod_metrics)),
    layout.ISTIOD_LOG: ("log", lambda entry: read_istiod_log(entry.data, entry.first_line)),
}
_ZTUNNEL_PARTS: dict[str, tuple[str, Parser]] = {
    ZTUNNEL_DUMP: ("config", _whole(parse_ztunnel_dump)),
    ZTUNNEL_LOG: ("log", lambda entry: read_ztunnel_log(entry.data, entry.first_line)),
}
NEEDED_PROXY_PARTS = {file: _PROXY_PARTS[file][0] for file in layout.NEEDED_PROXY_FILES}
"""The proxy files without which conclusions become unknown, and the part each becomes."""
NEEDED_ISTIOD_PARTS = {file: _ISTIOD_PARTS[file][0] for file in layout.NEEDED_ISTIOD_FILES}
"""The same for istiod."""
NEEDED_ZTUNNEL_PARTS = {file: _ZTUNNEL_PARTS[file][0] for file in layout.NEEDED_ZTUNNEL_FILES}
"""The same for ztunnels."""
_VERSION_ORDER = ("v1", "v1beta1", "v1alpha3", "v1alpha2", "v1alpha1")


def _preference(version: str) -> int:
    return _VERSION_ORDER.index(version) if version in _VERSION_ORDER else len(_VERSION_ORDER)


@dataclass(slots=True)
class Assembly:
    """What has been read so far."""

    resources: dict[Kind, tuple[str, tuple[Resource, ...]]] = field(default_factory=dict)
    proxies: dict[Pod, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    istiods: dict[Pod, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    container_logs: dict[str, ContainerLog] = field(default_factory=dict)
    """The ends of applications' logs, by path."""
    ztunnels: dict[Pod, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    not_read: list[NotRead] = field(default_factory=list)
    unread_files: dict[Pod, set[str]] = field(default_factory=lambda: defaultdict(set))
    failed_kinds: set[Kind] = field(default_factory=set)
    further: dict[str, tuple[Resource, ...]] = field(default_factory=dict)
    """ConfigMaps of further clusters, by cluster id."""

    def fail(self, path: str, reason: str) -> None:
        """Note that one file could not be used; the rest goes on."""
        self.not_read.append(NotRead(path, NotReadStatus.FAILED, reason))

    def add(self, place: Place, entry: Entry) -> None:
        """Parse one file and keep its part."""
        try:
            if place.cluster:
                self.further[place.cluster] = parse_object_list(entry.data, CONFIG_MAP, entry.path)[
                    0
                ]
            elif place.kind is not None:
                self._add_list(place, entry)
            elif place.room == "proxies":
                self._add_part(self.proxies, _PROXY_PARTS, place, entry)
                self._note_damage(entry.path, place)
            elif place.room == "istiod":
                self._add_part(self.istiods, _ISTIOD_PARTS, place, entry)
            elif place.room == LOGS:
                log = read_container_log(entry.data, entry.path, entry.first_line)
                self.container_logs[entry.path] = log
                return
            elif place.room == "ztunnels":
                self._add_part(self.ztunnels, _ZTUNNEL_PARTS, place, entry)
                self._note_damage(entry.path, place)
            if place.is_log:
                self._note_noise(entry.path, place)
        except ParseError as error:
            self.fail(entry.path, str(error))
            if place.kind is not None:
                self.failed_kinds |= set() if place.cluster else {place.kind}
            else:
                self.unread_files[place.namespace, place.pod].add(place.file)

    def _add_list(self, place: Place, entry: Entry) -> None:
        assert place.kind is not None
        known = self.resources.get(place.kind)
        # The API server serves the same objects in every version: one version is enough.
        if known is not None and _preference(known[0]) <= _preference(place.version):
            return
        resources, skipped = parse_object_list(entry.data, place.kind, entry.path)
        if skipped:
            self.fail(
                entry.path, f"{skipped} of its items are not objects with a name; the rest is used"
            )
            self.failed_kinds.add(place.kind)
        self.resources[place.kind] = (place.version, resources)

    def _add_part(
        self,
        parts: dict[Pod, dict[str, Any]],
        table: dict[str, tuple[str, Parser]],
        place: Place,
        entry: Entry,
    ) -> None:
        name, parse = table[place.file]
        known = parts[place.namespace, place.pod]
        known[name] = parse(entry)

    def _note_damage(self, path: str, place: Place) -> None:
        """An answer of which some parts were garbled is used, and says what is missing."""
        table = _PROXY_PARTS if place.room == "proxies" else _ZTUNNEL_PARTS
        part = self.parts_of(place.room)[place.namespace, place.pod][table[place.file][0]]
        for problem in getattr(part, "errors", ()):
            self.fail(path, problem)

    def _note_noise(self, path: str, place: Place) -> None:
        """A log that is mostly of no known form cannot vouch for anything."""
        log = self.parts_of(place.room)[place.namespace, place.pod]["log"]
        known = len(log.access) if isinstance(log, ProxyLog) else len(log.lines)
        if isinstance(log, ZtunnelLog):
            known = log.last_time is not None
        if log.unparsed and not known:
            self.fail(path, f"{log.unparsed} of its lines are in no form that is known")

    def parts_of(self, room: str) -> dict[Pod, dict[str, Any]]:
        """What was read of each pod of a room (``proxies``, ``istiod`` or ``ztunnels``)."""
        return {"proxies": self.proxies, "istiod": self.istiods, "ztunnels": self.ztunnels}[room]

    def built_ztunnels(self) -> list[Ztunnel]:
        """The ztunnels of which anything was read."""
        return [
            Ztunnel(
                namespace=namespace,
                pod=pod,
                source=f"ztunnels/{namespace}/{pod}",
                unread=frozenset(self.unread_files.get((namespace, pod), ())),
                **parts,
            )
            for (namespace, pod), parts in self.ztunnels.items()
        ]

    def built_proxies(self) -> list[Proxy]:
        """The proxies of which anything was read."""
        return [
            Proxy(
                namespace=namespace,
                pod=pod,
                source=f"proxies/{namespace}/{pod}",
                unread=frozenset(self.unread_files.get((namespace, pod), ())),
                **parts,
            )
            for (namespace, pod), parts in self.proxies.items()
        ]

    def built_istiods(self, revisions: dict[Pod, str]) -> list[Istiod]:
        """The istiods of which anything was read."""
        return [
            Istiod(
                namespace=namespace,
                pod=pod,
                source=f"istiod/{namespace}/{pod}",
                revision=revisions.get((namespace, pod), "default"),
                unread=frozenset(self.unread_files.get((namespace, pod), ())),
                **parts,
            )
            for (namespace, pod), parts in self.istiods.items()
        ]
