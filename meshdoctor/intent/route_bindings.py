"""Which VirtualServices take part: the gateways and sidecars that they are bound to.

A VirtualService without ``gateways`` is bound to ``mesh``, that is to every sidecar its
``exportTo`` lets see it; one that names gateways is bound to the pods those Gateways select
(networking.istio.io VirtualService.gateways).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from meshdoctor.intent.gateways import gateway_pods
from meshdoctor.model.kinds import GATEWAY, VIRTUAL_SERVICE
from meshdoctor.model.pod import is_finished, is_gateway
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

MESH = "mesh"
"""The reserved gateway name that stands for every sidecar."""


@dataclass(frozen=True, slots=True)
class Holders:
    """Pods whose proxies hold a rule."""

    pods: tuple[Resource, ...]
    """By namespace and name."""
    namespaces: tuple[str, ...]
    """Where they run, in order."""
    gateways: tuple[Resource, ...]
    """Those of them that are gateways."""
    examples: tuple[tuple[Resource, bool], ...]
    """One pod of each namespace's sidecars and one of its gateways, with whether it is one."""

    @classmethod
    def of(cls, pods: Iterable[Resource]) -> Holders:
        """Put pods in order, each once."""
        found = tuple(sorted(set(pods), key=lambda pod: (pod.namespace, pod.name)))
        namespaces = tuple(dict.fromkeys(pod.namespace for pod in found))
        gateways: list[Resource] = []
        examples: dict[tuple[str, bool], Resource] = {}
        for pod in found:
            if is_one := is_gateway(pod):
                gateways.append(pod)
            examples.setdefault((pod.namespace, is_one), pod)
        kinds = tuple((pod, kind) for (_, kind), pod in examples.items())
        return cls(found, namespaces, tuple(gateways), kinds)


@dataclass(frozen=True, slots=True)
class Binding:
    """Where one VirtualService is held."""

    virtual_service: Resource
    hosts: tuple[str, ...]
    """Hosts it speaks for, fully qualified; a delegate's are those of what delegates to it."""
    in_mesh: bool
    gateways: tuple[Resource, ...]
    """The Gateways it names that exist."""
    holders: Holders


def gateway_named(mesh: Snapshot, text: str, namespace: str) -> Resource | None:
    """The Gateway that ``name`` or ``namespace/name`` means in a rule of this namespace."""
    place, found, name = text.partition("/")
    return (
        mesh.catalog.find(GATEWAY, place, name)
        if found
        else mesh.catalog.find(GATEWAY, namespace, text)
    )


@lru_cache(maxsize=2)
def _sidecars(mesh: Snapshot) -> dict[str, tuple[Resource, ...]]:
    """Pods with a sidecar, by namespace."""
    found: dict[str, list[Resource]] = {}
    for pod in mesh.proxy_pods:
        if not is_gateway(pod) and not is_finished(pod):
            found.setdefault(pod.namespace, []).append(pod)
    return {namespace: tuple(pods) for namespace, pods in found.items()}


@lru_cache(maxsize=2)
def _every_sidecar(mesh: Snapshot) -> Holders:
    """What a rule for the whole mesh is held by: the same for every such rule."""
    return Holders.of(pod for pods in _sidecars(mesh).values() for pod in pods)


def _holders(
    mesh: Snapshot, item: Resource, in_mesh: bool, gateways: tuple[Resource, ...]
) -> Holders:
    targets = as_list(item.spec.get("exportTo"))
    if in_mesh and not gateways and (not targets or "*" in targets):
        return _every_sidecar(mesh)
    found = [pod for gateway in gateways for pod in gateway_pods(mesh, gateway)]
    if in_mesh:
        sidecars = _sidecars(mesh)
        for namespace in sidecars if not targets or "*" in targets else _named(item, targets):
            found += sidecars.get(namespace, ())
    return Holders.of(found)


def _named(item: Resource, targets: list[Any]) -> frozenset[str]:
    """The namespaces that an ``exportTo`` without ``*`` names."""
    return frozenset(item.namespace if name == "." else str(name) for name in targets)


def _delegations(mesh: Snapshot) -> dict[tuple[str, str], list[Resource]]:
    """Who delegates to each VirtualService (http[].delegate)."""
    found: dict[tuple[str, str], list[Resource]] = {}
    for item in mesh.catalog.of(VIRTUAL_SERVICE):
        for route in as_list(item.spec.get("http")):
            delegate = as_mapping(as_mapping(route).get("delegate"))
            name = delegate.get("name")
            if isinstance(name, str):
                place = str(delegate.get("namespace") or item.namespace)
                found.setdefault((place, name), []).append(item)
    return found


def _own_hosts(mesh: Snapshot, item: Resource) -> tuple[str, ...]:
    hosts = [host for host in as_list(item.spec.get("hosts")) if isinstance(host, str)]
    return tuple(mesh.registry.resolve(host, item.namespace) for host in hosts)


def _binding(mesh: Snapshot, item: Resource, roots: list[Resource]) -> Binding:
    """Bind one VirtualService; a delegate is bound as its roots are."""
    own = _own_hosts(mesh, item)
    speakers = [item] if own else roots
    hosts: list[str] = []
    names: list[tuple[str, str]] = []
    for speaker in speakers:
        hosts += _own_hosts(mesh, speaker)
        given = [name for name in as_list(speaker.spec.get("gateways")) if isinstance(name, str)]
        names += [(name, speaker.namespace) for name in given or [MESH]]
    in_mesh = any(name == MESH for name, _ in names)
    gateways = tuple(
        dict.fromkeys(
            gateway
            for name, place in names
            if name != MESH and (gateway := gateway_named(mesh, name, place)) is not None
        )
    )
    holders = _holders(mesh, item, in_mesh, gateways)
    return Binding(item, tuple(dict.fromkeys(hosts)), in_mesh, gateways, holders)


@lru_cache(maxsize=2)
def bindings(mesh: Snapshot) -> tuple[Binding, ...]:
    """Every VirtualService and where it is held, by namespace and name."""
    delegations = _delegations(mesh)
    return tuple(
        _binding(mesh, item, delegations.get((item.namespace, item.name), []))
        for item in mesh.catalog.of(VIRTUAL_SERVICE)
    )
