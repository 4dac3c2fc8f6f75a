"""Which Sidecar governs a proxy, and what its egress lets the proxy see.

One Sidecar governs a workload: the oldest of its namespace whose ``workloadSelector`` picks it,
else the oldest of its namespace without a selector, else the root namespace's without one. Gateways
have none (pilot/pkg/model/push_context.go, ``getSidecarScope``; pilot/pkg/model/sidecar.go).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from meshdoctor.intent.destination_rules import covers
from meshdoctor.intent.mesh_config import MeshConfig, mesh_config
from meshdoctor.model.kinds import SIDECAR
from meshdoctor.model.pod import is_gateway
from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.model.selector import matches_labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

REGISTRY_ONLY = "REGISTRY_ONLY"
"""The outbound mode in which what no registry knows is refused."""
ALLOW_ANY = "ALLOW_ANY"
"""The outbound mode in which what no registry knows is let through as it is."""
POLICY = "outboundTrafficPolicy"
"""The field that sets the mode, in a Sidecar and in MeshConfig."""


def _by_age(items: tuple[Resource, ...]) -> list[Resource]:
    return sorted(
        items, key=lambda item: (str(item.metadata.get("creationTimestamp") or ""), item.name)
    )


@lru_cache(maxsize=2)
def _by_namespace(mesh: Snapshot) -> Mapping[str, tuple[tuple[Resource, ...], Resource | None]]:
    """Of each namespace the Sidecars that select workloads, and the one that selects none."""
    found = {}
    for namespace in {item.namespace for item in mesh.catalog.of(SIDECAR)}:
        aged = _by_age(mesh.catalog.within(SIDECAR, namespace))
        selecting = tuple(item for item in aged if "workloadSelector" in item.spec)
        rest = next((item for item in aged if "workloadSelector" not in item.spec), None)
        found[namespace] = (selecting, rest)
    return found


def sidecar_for(mesh: Snapshot, pod: Resource) -> Resource | None:
    """The Sidecar that governs a pod's proxy; None when none does, or the pod is a gateway."""
    if is_gateway(pod):
        return None
    index = _by_namespace(mesh)
    selecting, own = index.get(pod.namespace, ((), None))
    for item in selecting:
        wanted = as_strings(item.get("spec", "workloadSelector", "labels"))
        if matches_labels(wanted, pod.labels):
            return item
    return own or index.get(mesh.root_namespace, ((), None))[1]


def _needs_port(listener: Mapping[str, Any]) -> int | None:
    """The only port that an egress listener is for; None when it is for every port."""
    port = as_mapping(listener.get("port"))
    number = port.get("number")
    bound = str(listener.get("bind") or "")
    if not isinstance(number, int) or number == 0 or port.get("protocol") == "HTTP_PROXY":
        return None
    return None if bound.startswith("unix://") else number


def _listeners(sidecar: Resource) -> Iterator[Mapping[str, Any]]:
    for item in as_list(sidecar.spec.get("egress")):
        yield as_mapping(item)


def egress_hosts(sidecar: Resource, port: int | None = None) -> tuple[str, ...]:
    """The ``namespace/host`` entries that count for a port, all of them for None.

    A Sidecar without ``egress`` lets everything be seen.
    """
    if not as_list(sidecar.spec.get("egress")):
        return ("*/*",)
    return tuple(
        str(host)
        for listener in _listeners(sidecar)
        if port is None or _needs_port(listener) in (None, port)
        for host in as_list(listener.get("hosts"))
    )


def _matches(entry: str, host: str, namespace: str, client: str) -> bool:
    place, slash, name = entry.partition("/")
    if not slash or place == "~":
        return False
    if place not in ("*", namespace) and not (place == "." and namespace == client):
        return False
    # Two wildcards meet when either covers the other, as host.Name.Matches has it.
    return covers(name, host) or (host.startswith("*") and covers(host, name))


def lets_see(
    sidecar: Resource, client_namespace: str, host: str, namespace: str, port: int | None = None
) -> bool:
    """Whether a Sidecar's egress covers a host of a namespace for a client.

    Args:
        sidecar: the one that governs the client.
        client_namespace: what ``.`` stands for.
        host: fully qualified, or a ServiceEntry's wildcard.
        namespace: of the object that has the host.
        port: of the service; None for any.
    """
    entries = egress_hosts(sidecar, port)
    return any(_matches(entry, host, namespace, client_namespace) for entry in entries)


@dataclass(frozen=True, slots=True)
class OutboundMode:
    """What a proxy does with destinations that it does not know."""

    mode: str
    """ALLOW_ANY, REGISTRY_ONLY …"""
    sidecar: Resource | None
    """The Sidecar that sets it; None when the mesh does."""
    config: MeshConfig

    @property
    def is_known(self) -> bool:
        """Whether what sets it was read."""
        return self.sidecar is not None or self.config.is_known


def outbound_mode(mesh: Snapshot, pod: Resource) -> OutboundMode:
    """The outbound traffic policy of a pod's proxy: its Sidecar's, else the mesh's.

    A policy that is there without a mode is REGISTRY_ONLY, the enum's zero value; one that is
    nowhere is ALLOW_ANY.
    """
    config = mesh_config(mesh, pod)
    sidecar = sidecar_for(mesh, pod)
    if sidecar is not None and sidecar.spec.get(POLICY) is not None:
        mode = as_mapping(sidecar.spec.get(POLICY)).get("mode")
        return OutboundMode(str(mode or REGISTRY_ONLY), sidecar, config)
    value = config.settings.get(POLICY)
    if value is None:
        return OutboundMode(ALLOW_ANY, None, config)
    return OutboundMode(str(as_mapping(value).get("mode") or REGISTRY_ONLY), None, config)
