"""Destinations that a pod's own template names: URLs and ``host:port`` in env, args and command.

Where no access log tells whom a workload calls, this is what its configuration says of it. Values
that come from ConfigMaps and Secrets are not read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.model.pod import PROXY_CONTAINER, containers
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_PLACE = re.compile(
    r"(?<![\w.@/-])(?:(?P<scheme>[a-z][a-z0-9+.-]{1,15})://)?(?:[^\s/@,'\"]+@)?"
    r"(?P<host>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*)"
    r"(?::(?P<port>\d{1,5}))?(?![\w.@-])"
)
_SCHEME_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_LONGEST = 4096
"""Longer values are programs and certificates rather than addresses."""


@dataclass(frozen=True, slots=True)
class NamedDestination:
    """A host and port that a pod's template names."""

    host: str
    """Fully qualified where a registry has it, else as it is written."""
    port: int
    scheme: str
    """Empty when none is written."""
    evidence: Evidence
    """The value that names it."""


def search_names(host: str, namespace: str, domain: str) -> Iterator[str]:
    """What a pod's DNS search path makes of a name, in its order."""
    for suffix in ("", f".{namespace}.svc.{domain}", f".svc.{domain}", f".{domain}"):
        yield host + suffix


def _resolved(mesh: Snapshot, host: str, namespace: str) -> str | None:
    names = search_names(host, namespace, mesh.registry.domain)
    return next((name for name in names if mesh.registry.find(name)), None)


def _port(mesh: Snapshot, host: str, found: re.Match[str]) -> int | None:
    if found["port"]:
        number = int(found["port"])
        return number if 0 < number < 65536 else None
    if found["scheme"] in _SCHEME_PORTS:
        return _SCHEME_PORTS[found["scheme"]]
    ports = {port.number for item in mesh.registry.find(host) for port in item.ports}
    return ports.pop() if len(ports) == 1 else None


def _values(pod: Resource) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for path, container in containers(pod):
        if path[1] != "containers" or container.get("name") == PROXY_CONTAINER:
            continue
        for index, item in enumerate(as_list(container.get("env"))):
            yield (*path, "env", index, "value"), str(as_mapping(item).get("value") or "")
        for key in ("command", "args"):
            for index, item in enumerate(as_list(container.get(key))):
                yield (*path, key, index), str(item)


def _named(mesh: Snapshot, pod: Resource) -> Iterator[NamedDestination]:
    for path, text in _values(pod):
        if len(text) > _LONGEST:
            continue
        for found in _PLACE.finditer(text):
            # A bare word is no address, and neither is a file name.
            if not found["scheme"] and not found["port"]:
                continue
            host = _resolved(mesh, found["host"], pod.namespace)
            outside = found["scheme"] in _SCHEME_PORTS and "." in found["host"]
            if host is None and not outside:
                continue
            host = host or found["host"]
            port = _port(mesh, host, found)
            if port is not None:
                yield NamedDestination(host, port, found["scheme"] or "", pod.evidence(*path))


@lru_cache(maxsize=2)
def _known(mesh: Snapshot) -> dict[Resource, tuple[NamedDestination, ...]]:
    """What was found in one snapshot's pods so far: most are never asked for."""
    del mesh
    return {}


def named_destinations(mesh: Snapshot, pod: Resource) -> tuple[NamedDestination, ...]:
    """The hosts and ports that a pod's containers are told to call, each once, in order.

    Hosts of the registry are found by the names that the pod's DNS search path allows; a host that
    no registry has counts only in an ``http`` or ``https`` URL.
    """
    known = _known(mesh)
    if pod not in known:
        found: dict[tuple[str, int], NamedDestination] = {}
        for item in _named(mesh, pod):
            found.setdefault((item.host, item.port), item)
        known[pod] = tuple(found.values())
    return known[pod]
