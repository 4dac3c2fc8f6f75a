"""The clients of the mTLS matrix: pods that send alike, kept together until somebody asks who."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.mtls_sending import Client, ClientKind, client_of
from meshdoctor.analyze.mtls_servers import has_application
from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import is_finished, is_gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from meshdoctor.intent.clients import Clients
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

SYSTEM_NAMESPACES = frozenset({"kube-system", "kube-public", "kube-node-lease"})
PROXIED = (ClientKind.SIDECAR, ClientKind.GATEWAY)
"""The kinds that DestinationRules govern."""


@dataclass(frozen=True, slots=True)
class ClientSet:
    """Pods that send alike to some destinations."""

    client: Client
    scope: tuple[object, ...]
    """Which of them, where DestinationRules tell namespaces apart; empty for all."""
    workloads: tuple[str, ...]


def _is_client(pod: Resource) -> bool:
    if is_finished(pod) or pod.namespace in SYSTEM_NAMESPACES:
        return False
    return is_gateway(pod) or has_application(pod)


@lru_cache(maxsize=2)
def pods_by_client(mesh: Snapshot) -> Mapping[Client, tuple[Resource, ...]]:
    """Every pod that may call others, by what decides about its calls."""
    found: dict[Client, list[Resource]] = {}
    for pod in mesh.catalog.of(POD):
        if _is_client(pod):
            found.setdefault(client_of(pod), []).append(pod)
    return {client: tuple(pods) for client, pods in found.items()}


class ClientSets:
    """Makes client sets, each once."""

    def __init__(self, mesh: Snapshot, wanted: Callable[[Resource], bool]) -> None:
        """Keep what narrows them.

        Args:
            mesh: the snapshot.
            wanted: whether somebody asks about a pod as a client.
        """
        self._mesh = mesh
        self._wanted = wanted
        self._made: dict[tuple[object, ...], ClientSet] = {}

    def of(self, client: Client, groups: Iterable[Clients] | None) -> ClientSet:
        """The pods of one kind that these groups include; of all when there are no groups.

        Args:
            client: what decides about their calls.
            groups: those that DestinationRules govern alike; None for everybody.
        """
        chosen = tuple(groups) if groups is not None else None
        scope = tuple(sorted((group.key for group in chosen), key=str)) if chosen else ()
        key = (client, scope)
        if key not in self._made:
            pods = (
                pod
                for pod in pods_by_client(self._mesh)[client]
                if self._wanted(pod)
                and (chosen is None or any(g.includes(pod.namespace, pod.labels) for g in chosen))
            )
            names = dict.fromkeys(str(self._mesh.workloads.owning(pod)) for pod in pods)
            self._made[key] = ClientSet(client, scope, tuple(names))
        return self._made[key]
