"""Proxies compared: version, sync, and what they hold by name."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.sync_connections import connections
from meshdoctor.analyze.upgrade_version import proxy_version
from meshdoctor.diff.change import Change, PartChange, ProxyChange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from meshdoctor.analyze.sync_connections import Connection
    from meshdoctor.model.envoy import ConfigDump
    from meshdoctor.model.envoy.route import RouteConfig
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot

_MOST_HOSTS = 3
_BOOKKEEPING = frozenset(
    {"pointer", "version", "last_updated", "state", "source", "line", "errors", "_shared"}
)
"""Fields that say where or when something stood, not what it is."""


def plain(value: Any) -> Any:
    """What a part of a proxy's configuration is, without where it stood.

    Args:
        value: a model object, or anything inside one.
    """
    if is_dataclass(value):
        kept = (field.name for field in fields(value) if field.name not in _BOOKKEEPING)
        return tuple((name, plain(getattr(value, name))) for name in kept)
    if isinstance(value, tuple | list):
        return tuple(map(plain, value))
    if isinstance(value, dict):
        return tuple(sorted((str(key), str(plain(item))) for key, item in value.items()))
    return value


class _Side:
    """One snapshot's proxies, by workload."""

    def __init__(self, mesh: Snapshot) -> None:
        self.mesh = mesh
        self.proxies: dict[str, list[Proxy]] = {}
        for proxy in mesh.proxies.values():
            self.proxies.setdefault(mesh.caller(proxy), []).append(proxy)
        self._connections = connections(mesh)

    def connection(self, proxy: Proxy) -> Connection | None:
        return self._connections.get(proxy.id)

    def version(self, proxy: Proxy) -> str:
        stated = proxy_version(self.mesh.pod_of(proxy), proxy, self.connection(proxy))
        return stated.version.text if stated else ""

    def sync(self, proxy: Proxy) -> dict[str, str]:
        connection = self.connection(proxy)
        types = connection.sync.types if connection else ()
        return {item.type: item.status.value for item in types}


def _pair(old: list[Proxy], new: list[Proxy]) -> Iterator[tuple[Proxy, Proxy]]:
    """A workload's proxies that live on, else the first of each side: replicas are alike."""
    before = {proxy.id: proxy for proxy in old}
    living = [(before[proxy.id], proxy) for proxy in new if proxy.id in before]
    yield from living or [(old[0], new[0])]


def proxy_changes(old: Snapshot, new: Snapshot) -> tuple[ProxyChange, ...]:
    """The proxies that differ, those of one workload that differ alike told once.

    Args:
        old: the mesh before.
        new: the mesh after.
    """
    before, after = _Side(old), _Side(new)
    found: list[ProxyChange] = []
    for name in sorted({*before.proxies, *after.proxies}):
        was, now = before.proxies.get(name), after.proxies.get(name)
        if was is None or now is None:
            found.append(ProxyChange(name, Change.ADDED if was is None else Change.REMOVED))
            continue
        changes = (_compared(name, before, one, after, two) for one, two in _pair(was, now))
        found += dict.fromkeys(change for change in changes if change is not None)
    return tuple(found)


def _compared(name: str, old: _Side, was: Proxy, new: _Side, now: Proxy) -> ProxyChange | None:
    versions = (old.version(was), new.version(now))
    before, after = old.sync(was), new.sync(now)
    sync = tuple(
        (kind, before.get(kind, "-"), after.get(kind, "-"))
        for kind in sorted({*before, *after})
        if before.get(kind) != after.get(kind)
    )
    parts: tuple[PartChange, ...] = ()
    if was.config is not None and now.config is not None:
        parts = tuple(_parts(was.config, now.config))
    differs = versions[0] != versions[1] and all(versions)
    if not (differs or sync or parts):
        return None
    return ProxyChange(name, Change.CHANGED, versions if differs else None, sync, parts)


def _parts(old: ConfigDump, new: ConfigDump) -> Iterator[PartChange]:
    yield from _by_name("listener", old.listeners, new.listeners)
    yield from _by_name("route", old.routes, new.routes)
    yield from _by_name("cluster", old.clusters, new.clusters)
    before, after = _endpoints(old), _endpoints(new)
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            detail = f"{before[name]} → {after[name]}"
            yield PartChange("endpoints", name, Change.CHANGED, detail)


def _endpoints(dump: ConfigDump) -> dict[str, int]:
    return {item.cluster_name: len(item.endpoints) for item in dump.endpoints}


def _by_name(part: str, old: Iterable[Any], new: Iterable[Any]) -> Iterator[PartChange]:
    before, after = _indexed(old), _indexed(new)
    for name in sorted({*before, *after}):
        if name not in before:
            yield PartChange(part, name, Change.ADDED)
        elif name not in after:
            yield PartChange(part, name, Change.REMOVED)
        elif before[name] is not after[name] and plain(before[name]) != plain(after[name]):
            detail = _hosts(before[name], after[name]) if part == "route" else ""
            yield PartChange(part, name, Change.CHANGED, detail)


def _hosts(old: RouteConfig, new: RouteConfig) -> str:
    """The virtual hosts of a route configuration that differ."""
    before = {host.name: plain(host) for host in old.virtual_hosts}
    after = {host.name: plain(host) for host in new.virtual_hosts}
    names = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    return ", ".join([*names[:_MOST_HOSTS], *(["…"] if len(names) > _MOST_HOSTS else [])])


def _indexed(items: Iterable[Any]) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        found.setdefault(item.name, item)
    return found
