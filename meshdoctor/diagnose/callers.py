"""Which workload a person means by a caller: a pod, a controller, a Service or a Gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.diagnose.scope_error import ScopeError, near_matches
from meshdoctor.intent.backends import pods_behind, templates_behind
from meshdoctor.intent.gateways import GATEWAY_NAME, configures, gateway_workloads
from meshdoctor.model.kinds import GATEWAY, KUBERNETES_GATEWAY, POD
from meshdoctor.model.object_words import (
    GATEWAY_WORDS,
    SERVICE_WORDS,
    WORKLOAD_KINDS,
    is_named,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload


def _by_pod(mesh: Snapshot, text: str) -> Iterator[Workload]:
    for pod in mesh.catalog.of(POD):
        if is_named(text, pod.name, pod.namespace):
            yield mesh.workloads.owning(pod)


def _by_service(mesh: Snapshot, text: str) -> Iterator[Workload]:
    for service in mesh.registry.hosts:
        if service.is_kubernetes and is_named(text, service.resource.name, service.namespace):
            yield from (mesh.workloads.owning(pod) for pod in pods_behind(mesh, service))
            yield from templates_behind(mesh, service)


def _serves(mesh: Snapshot, gateway: Resource, workload: Workload) -> bool:
    if gateway.kind is GATEWAY:
        return configures(mesh, gateway, workload)
    named = workload.template_labels.get(GATEWAY_NAME) == gateway.name
    return named and workload.namespace == gateway.namespace


def _by_gateway(mesh: Snapshot, text: str) -> Iterator[Workload]:
    """The gateways that a Gateway of either API configures."""
    for kind in (GATEWAY, KUBERNETES_GATEWAY):
        for gateway in mesh.catalog.of(kind):
            if is_named(text, gateway.name, gateway.namespace):
                yield from (w for w in gateway_workloads(mesh) if _serves(mesh, gateway, w))


def _by_kind(mesh: Snapshot, kind: str, text: str) -> Iterator[Workload]:
    if kind in SERVICE_WORDS:
        yield from _by_service(mesh, text)
    elif kind in GATEWAY_WORDS:
        yield from _by_gateway(mesh, text)
    elif WORKLOAD_KINDS.get(kind) == POD.name:
        yield from _by_pod(mesh, text)
    else:
        wanted = WORKLOAD_KINDS.get(kind)
        for workload in mesh.workloads.all:
            if workload.kind == wanted and is_named(text, workload.name, workload.namespace):
                yield workload


def _by_any_name(mesh: Snapshot, text: str) -> list[Workload]:
    """A pod of that name, else a workload, else what serves a Gateway of that name."""
    named = (w for w in mesh.workloads.all if is_named(text, w.name, w.namespace))
    for found in (_by_pod(mesh, text), named, _by_gateway(mesh, text)):
        if chosen := list(found):
            return chosen
    return []


def _known_names(mesh: Snapshot) -> Iterator[str]:
    for workload in mesh.workloads.all:
        yield f"{workload.name}.{workload.namespace}"
        yield from (f"{pod.name}.{pod.namespace}" for pod in workload.running_pods)
    for kind in (GATEWAY, KUBERNETES_GATEWAY):
        yield from (f"{item.name}.{item.namespace}" for item in mesh.catalog.of(kind))


def find_workload(mesh: Snapshot, text: str, namespaces: tuple[str, ...] = ()) -> Workload:
    """The workload that a person means.

    Args:
        mesh: the snapshot.
        text: ``pod[.namespace]``, ``deploy/name`` (also sts, ds, pod, svc, gateway), or the name
            of a workload or Gateway.
        namespaces: where to look; empty for everywhere.

    Raises:
        ScopeError: there is none, or the name means more than one.
    """
    kind, slash, name = text.partition("/")
    found = list(_by_kind(mesh, kind.lower(), name)) if slash else _by_any_name(mesh, text)
    matches = {str(w): w for w in found if not namespaces or w.namespace in namespaces}
    if not matches:
        word = name if slash else text
        near = near_matches(word, _known_names(mesh))
        raise ScopeError(f"nothing called {text} is in what was read{near}")
    if len(matches) > 1:
        places = sorted({w.namespace for w in matches.values()})
        if len(places) > 1:
            where = ", ".join(places)
            raise ScopeError(f"{text} is in more than one namespace ({where}); name one with -n")
        names = ", ".join(sorted(matches))
        raise ScopeError(f"{text} means more than one workload: {names}; name one of them")
    return next(iter(matches.values()))
