"""Where a Sidecar's ``ingress`` leads what comes in at a port of its workload.

Ports that it does not name go on to the same port of the pod, as without a Sidecar
(networking.istio.io Sidecar.ingress; pilot/pkg/networking/core/listener_inbound.go).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.intent.sidecar_scope import sidecar_for
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class IngressListener:
    """One entry of a Sidecar's ``ingress``."""

    sidecar: Resource
    path: tuple[str | int, ...]
    """Path of the entry within the Sidecar."""
    address: str
    """Where it leads: ``127.0.0.1``, or ``0.0.0.0`` for the pod's own address."""
    port: int


def ingress_listener(mesh: Snapshot, pod: Resource, port: int) -> IngressListener | None:
    """The entry for a port of a pod; None where the port leads to itself.

    Args:
        mesh: the snapshot; its Sidecars must be known.
        pod: the server.
        port: the one that callers reach.
    """
    sidecar = sidecar_for(mesh, pod)
    if sidecar is None:
        return None
    for index, value in enumerate(as_list(sidecar.spec.get("ingress"))):
        item = as_mapping(value)
        if as_mapping(item.get("port")).get("number") != port:
            continue
        address, _, number = str(item.get("defaultEndpoint") or "").rpartition(":")
        if number.isascii() and number.isdecimal():
            path = ("spec", "ingress", index)
            return IngressListener(sidecar, path, address.strip("[]"), int(number))
    return None
