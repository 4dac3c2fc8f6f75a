"""Which VirtualService speaks for a host at a sidecar, by the objects.

The host itself comes before wildcards that cover it, the longest first. Of several VirtualServices
for one host a sidecar takes the oldest alone; only gateways join them
(pilot/pkg/networking/core/httproute.go, ``getVirtualHostsForSniffedServicePort``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.intent.destination_rules import covers, patterns_for
from meshdoctor.intent.export_to import is_exported
from meshdoctor.intent.route_bindings import bindings
from meshdoctor.intent.sidecar_scope import lets_see, sidecar_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.intent.route_bindings import Binding
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


def oldest_first(items: Iterable[Resource]) -> tuple[Resource, ...]:
    """Objects in istiod's order: by age, then by name."""
    return tuple(
        sorted(
            items,
            key=lambda item: (
                str(item.metadata.get("creationTimestamp") or ""),
                item.name,
                item.namespace,
            ),
        )
    )


def _held(mesh: Snapshot, pod: Resource) -> Iterator[Binding]:
    """The VirtualServices for the mesh that a pod's sidecar gets, those without hosts left out."""
    sidecar = sidecar_for(mesh, pod)
    for binding in bindings(mesh):
        rule = binding.virtual_service
        if not binding.in_mesh or not rule.spec.get("hosts"):
            continue
        if not is_exported(mesh, rule, pod.namespace):
            continue
        if sidecar is None or any(
            lets_see(sidecar, pod.namespace, host, rule.namespace) for host in binding.hosts
        ):
            yield binding


def governing_sidecar(mesh: Snapshot, pod: Resource, host: str, section: str) -> Resource | None:
    """The VirtualService that governs a host for a pod's sidecar.

    Args:
        mesh: the snapshot; its VirtualServices must be known.
        pod: the client.
        host: fully qualified.
        section: ``http``, ``tls`` or ``tcp``: one without rules of this kind does not count.
    """
    found = [item for item in _held(mesh, pod) if item.virtual_service.spec.get(section)]
    for pattern in patterns_for(host):
        named = [item.virtual_service for item in found if pattern in item.hosts]
        if named:
            return oldest_first(named)[0]
    return None


def speaks_for(mesh: Snapshot, pod: Resource, host: str) -> bool:
    """Whether some VirtualService for the mesh names a host that no registry need have."""
    return any(covers(name, host) for item in _held(mesh, pod) for name in item.hosts)
