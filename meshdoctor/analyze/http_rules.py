"""The HTTP rules of VirtualServices that proxies hold, and the calls that they took."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import access_logs, recent
from meshdoctor.analyze.base import destination_subject
from meshdoctor.intent.destinations import Destination, destination_routes
from meshdoctor.intent.port_protocol import PortProtocol, protocol_of
from meshdoctor.intent.route_bindings import bindings
from meshdoctor.model.envoy.names import parse_cluster_name
from meshdoctor.model.kinds import SERVICE
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.analyze.access_logs import Call, Calls
    from meshdoctor.intent.route_bindings import Binding
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_UNITS = {"ms": 0.001, "us": 0.000001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class HttpRule:
    """One entry of a VirtualService's ``http``."""

    binding: Binding
    index: int
    destinations: tuple[Destination, ...]
    """Where it leads."""

    @property
    def virtual_service(self) -> Resource:
        """The object it is part of."""
        return self.binding.virtual_service

    @property
    def path(self) -> tuple[str | int, ...]:
        """Within the object."""
        return ("spec", "http", self.index)

    @property
    def value(self) -> Mapping[str, object]:
        """As it is written."""
        return as_mapping(self.virtual_service.get(*self.path))

    @property
    def is_held(self) -> bool:
        """Whether some proxy has it."""
        return bool(self.binding.holders.pods)

    @property
    def subject(self) -> str:
        """Subject of findings about it: where it leads, else the host it speaks for."""
        if self.destinations:
            first = self.destinations[0]
            return destination_subject(first.host, first.port)
        return destination_subject(self.binding.hosts[0] if self.binding.hosts else "", None)

    @property
    def to(self) -> str:
        """``host:port`` that it leads to."""
        return self.subject.removeprefix("destination ")


@lru_cache(maxsize=2)
def http_rules(mesh: Snapshot) -> tuple[HttpRule, ...]:
    """Every HTTP rule, by VirtualService and place."""
    targets: dict[tuple[Resource, int], dict[Destination, None]] = {}
    for route in destination_routes(mesh):
        if route.path[1] == "http" and isinstance(route.path[2], int):
            key = (route.binding.virtual_service, route.path[2])
            targets.setdefault(key, {})[route.destination] = None
    return tuple(
        HttpRule(one, index, tuple(targets.get((one.virtual_service, index), ())))
        for one in bindings(mesh)
        for index, _ in enumerate(as_list(one.virtual_service.spec.get("http")))
    )


def calls_through(mesh: Snapshot, rule: HttpRule) -> Calls:
    """Calls of the last minutes to where a rule leads, by proxies that hold it, since it is there.

    Of several rules with one destination nobody can tell which took a call.
    """
    holders = {f"{pod.name}.{pod.namespace}" for pod in rule.binding.holders.pods}
    made = rule.virtual_service.created
    # Without Services the port of a destination that names none is a guess: its host must do.
    exact = mesh.catalog.known(SERVICE)
    wanted = {(d.host, d.port if exact else None, d.subset) for d in rule.destinations}
    found: list[Call] = []
    for cluster, calls in access_logs(mesh).outbound.items():
        name = parse_cluster_name(cluster)
        if name is None or (name.host, name.port if exact else None, name.subset) not in wanted:
            continue
        for call in recent(mesh, calls):
            if call.proxy.id in holders and (made is None or call.time >= made):
                found.append(call)
    return tuple(sorted(found, key=lambda call: call.time))


def serves_http(mesh: Snapshot, rule: HttpRule) -> bool | None:
    """Whether proxies read HTTP where a rule leads: else it is not looked at there.

    Returns:
        None where Services were not read.
    """
    if not mesh.catalog.known(SERVICE):
        return None
    taken_for = [
        protocol_of(service, port)
        for destination in rule.destinations
        for service in mesh.registry.find(destination.host)
        for port in service.ports
        if destination.port in (None, port.number)
    ]
    return not taken_for or any(
        protocol.is_http or protocol is PortProtocol.AUTO for protocol in taken_for
    )


def is_watched(mesh: Snapshot, rule: HttpRule) -> bool:
    """Whether the access logs of all who hold a rule were read and are switched on."""
    logs = access_logs(mesh)
    holders = {f"{pod.name}.{pod.namespace}" for pod in rule.binding.holders.pods}
    return not holders & (logs.unread | logs.silent) and holders <= set(mesh.proxies)


def seconds(text: object) -> float | None:
    """Seconds of a duration as VirtualServices have it (``0.5s``, ``500ms``); None for none."""
    if not isinstance(text, str):
        return None
    for unit in ("ms", "us", "s", "m", "h"):
        number = text.removesuffix(unit)
        if number != text and number.replace(".", "", 1).isdecimal():
            return float(number) * _UNITS[unit]
    return None
