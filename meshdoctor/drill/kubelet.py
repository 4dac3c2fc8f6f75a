"""The scheduler's and the kubelet's part: where a pod runs, and which of its containers do.

An application's fate is what the recording shows of the same container; what it does not show is
taken to run. A proxy is ready once it gets configuration; a probe that a STRICT sidecar resets
fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from meshdoctor.analyze.kubelet_probes import direct_probes
from meshdoctor.drill.admission import reaches_istiod
from meshdoctor.drill.kubelet_memory import is_killed_again
from meshdoctor.drill.kubelet_status import (
    crashed,
    never_pulled,
    running,
    unschedulable,
    waiting,
    whole_status,
)
from meshdoctor.drill.naming import free_address, node_names
from meshdoctor.drill.objects import (
    ENVOY_FILTERS,
    NODES,
    PODS,
    labels_of,
    spec_of,
    status_of,
)
from meshdoctor.drill.pods import as_pod, containers_of, is_live, is_native
from meshdoctor.drill.refusing import refused_filters
from meshdoctor.intent.inbound_capture import captures_inbound
from meshdoctor.intent.peer_authentication import ServerMode, peer_mode
from meshdoctor.model.kinds import PEER_AUTHENTICATION
from meshdoctor.model.pod import PROXY_CONTAINER, has_proxy, is_ztunnel
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.drill.objects import Objects
    from meshdoctor.drill.state import State
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.serve.object_store import Object
    from meshdoctor.serve.resource_type import Key

_ENCODER = msgspec.json.Encoder(order="deterministic")
_TELLING = ("image", "command", "args", "env", "envFrom", "ports", "resources", "securityContext")
_PROBES = ("readinessProbe", "startupProbe", "livenessProbe")


def _told(container: Mapping[str, Any], fields: tuple[str, ...]) -> bytes:
    """What fields of a container say; an empty one says what an absent one does."""
    return _ENCODER.encode({key: container[key] for key in fields if container.get(key)})


def _same_workload(one: Object, other: Object) -> bool:
    """Whether two pods are of one workload: their labels agree but for what controllers add."""
    names = ("app", "app.kubernetes.io/name", "version", "k8s-app")
    mine, theirs = labels_of(one), labels_of(other)
    return name_of(one)[0] == name_of(other)[0] and all(
        mine.get(name) == theirs.get(name) for name in names
    )


def _recorded_status(state: State, pod: Object, container: Mapping[str, Any]) -> Object | None:
    """The status of the same container in a recorded pod of the same workload."""
    wanted, probes = _told(container, _TELLING), _told(container, _PROBES)
    for other in state.recorded.all(PODS, name_of(pod)[0]):
        if not _same_workload(pod, other) or not is_live(other):
            continue
        for one in containers_of(spec_of(other)):
            if one.get("name") != container.get("name") or _told(one, _TELLING) != wanted:
                continue
            seen = _status(other, str(one.get("name")))
            if seen is not None and _waits(seen):
                # It never came to run there: how it fares is not known.
                continue
            # One that runs and is not ready fails its probe: another probe may succeed, and one
            # that the sidecar reset says nothing of the application.
            runs = seen is not None and "running" in as_mapping(seen.get("state"))
            fails_probe = seen is not None and runs and not seen.get("ready")
            if not fails_probe or (
                _told(one, _PROBES) == probes and not resets_probe(state.recorded_mesh, other)
            ):
                return seen
    return None


def _killed_status(state: State, pod: Object, container: Mapping[str, Any]) -> Object | None:
    """The recorded status of the same container, where its memory does not suffice now either."""
    for other in state.recorded.all(PODS, name_of(pod)[0]):
        if _same_workload(pod, other) and is_killed_again(container, other):
            return _status(other, str(container.get("name")))
    return None


def _waits(status: Object) -> bool:
    reason = as_mapping(as_mapping(status.get("state")).get("waiting")).get("reason")
    return reason in ("PodInitializing", "ContainerCreating")


def _status(pod: Object, name: str) -> Object | None:
    for key in ("containerStatuses", "initContainerStatuses"):
        for one in as_list(status_of(pod).get(key)):
            if as_mapping(one).get("name") == name:
                return as_mapping(one)
    return None


def resets_probe(mesh: Snapshot, pod: Object) -> bool:
    """Whether the pod's sidecar resets a probe of its application."""
    resource = as_pod(pod)
    if not has_proxy(resource) or not mesh.catalog.known(PEER_AUTHENTICATION):
        return False
    return any(
        captures_inbound(resource, probe.port)
        and peer_mode(mesh, resource.namespace, resource.labels, probe.port).mode
        is ServerMode.STRICT
        for probe in direct_probes(resource)
    )


def proxy_gets_ready(state: State, pod: Object) -> bool:
    """Whether a pod's proxy gets configuration that it takes.

    The agent's readiness waits for listeners that were taken (pilot-agent, ``status/ready``).
    One that reached istiod and was not ready all the same has refused what it got: it goes on
    doing so while every EnvoyFilter is what it was.
    """
    if not reaches_istiod(state.mesh, pod) or any(refused_filters(state.mesh, as_pod(pod))):
        return False
    if _meant(state.objects, ENVOY_FILTERS) != _meant(state.recorded, ENVOY_FILTERS):
        return True
    return not any(
        _same_workload(pod, other)
        and (seen := _status(other, PROXY_CONTAINER)) is not None
        and not seen.get("ready")
        and reaches_istiod(state.recorded_mesh, other)
        for other in state.recorded.all(PODS, name_of(pod)[0])
    )


def _meant(objects: Objects, key: Key) -> list[tuple[object, object]]:
    return [(name_of(one), spec_of(one)) for one in objects.all(key)]


def _images(state: State) -> set[str]:
    """Every image that is on the nodes, as far as pods show it."""
    return {
        str(as_mapping(one).get("image"))
        for pod in state.recorded.all(PODS)
        for one in containers_of(spec_of(pod))
    }


def node_for(state: State, pod: Object) -> str | None:
    """The node a pod goes to; None where none fits its nodeSelector."""
    if name := spec_of(pod).get("nodeName"):
        return str(name)
    wanted = as_mapping(spec_of(pod).get("nodeSelector"))
    for node in state.objects.all(NODES):
        if wanted.items() <= labels_of(node).items() and not spec_of(node).get("unschedulable"):
            return name_of(node)[1]
    if next(iter(state.objects.all(NODES)), None) is not None:
        return None
    return next(iter(node_names(state.objects)), "node")


def _application(state: State, pod: Object, container: Mapping[str, Any]) -> dict[str, Any]:
    """The status of an application's container that may start."""
    image = container.get("image")
    if container.get("imagePullPolicy") == "Never" and image not in _images(state):
        return never_pulled(container)
    killed = _killed_status(state, pod, container)
    if killed is not None:
        return crashed(container, killed, state.timestamp)
    seen = _recorded_status(state, pod, container)
    if seen is not None and not seen.get("ready"):
        return crashed(container, seen, state.timestamp)
    ready = not resets_probe(state.mesh, pod)
    return running(container, state.timestamp, ready=ready)


def started(state: State, pod: Object) -> dict[str, Any]:
    """A pod that was just stored, scheduled and started.

    Args:
        state: the moment.
        pod: after admission.
    """
    node = node_for(state, pod)
    if node is None:
        return {
            **pod,
            "status": unschedulable(state.timestamp, len(list(state.objects.all(NODES)))),
        }
    spec = {**spec_of(pod), "nodeName": node}
    placed = {**pod, "spec": spec}
    host = _host_address(state, node)
    address = host if spec.get("hostNetwork") else free_address(state.objects)
    init, main = container_statuses(state, placed)
    status = whole_status(placed, init, main, state.timestamp, address=address, host=host)
    return {**placed, "status": status}


def container_statuses(
    state: State, pod: Object
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The statuses of init containers and of the others, as they come to be."""
    proxied = has_proxy(as_pod(pod)) or is_ztunnel(as_pod(pod))
    proxy_ready = not proxied or proxy_gets_ready(state, pod)
    init: list[dict[str, Any]] = []
    held = False
    for one in map(as_mapping, as_list(spec_of(pod).get("initContainers"))):
        if held:
            init.append(waiting(one, "PodInitializing"))
        elif is_native(one):
            ready = proxy_ready or one.get("name") != PROXY_CONTAINER
            held = not ready
            init.append(running(one, state.timestamp, ready=ready))
        else:
            init.append(running(one, state.timestamp, ready=True, ended=True))
    main: list[dict[str, Any]] = []
    for one in map(as_mapping, as_list(spec_of(pod).get("containers"))):
        if held:
            main.append(waiting(one, "PodInitializing"))
        elif one.get("name") == PROXY_CONTAINER:
            main.append(running(one, state.timestamp, ready=proxy_ready))
        else:
            main.append(_application(state, pod, one))
    return init, main


def _host_address(state: State, node: str) -> str:
    for one in state.objects.all(NODES):
        if name_of(one)[1] == node:
            for address in as_list(status_of(one).get("addresses")):
                if as_mapping(address).get("type") == "InternalIP":
                    return str(address.get("address"))
    for pod in state.objects.all(PODS):
        if spec_of(pod).get("nodeName") == node and status_of(pod).get("hostIP"):
            return str(status_of(pod)["hostIP"])
    return "192.0.2.1"


def reconsidered(state: State, pod: Object) -> Object:
    """A running pod whose probes or whose proxy fare otherwise than they did.

    Only a fate that the change decides is touched: what the recording shows stays.
    """
    status = status_of(pod)
    if not is_live(pod) or not as_list(status.get("containerStatuses")):
        return _scheduled(state, pod)
    proxy = _status(pod, PROXY_CONTAINER)
    waits = proxy is not None and not proxy.get("ready") and has_proxy(as_pod(pod))
    gets_ready = waits and proxy_gets_ready(state, pod)
    if not gets_ready and not _probes_differ(state, pod):
        return pod
    init, main = container_statuses(state, pod)
    kept = {"address": str(status.get("podIP") or ""), "host": str(status.get("hostIP") or "")}
    made = whole_status(pod, init, main, state.timestamp, **kept)
    if [one["ready"] for one in (*init, *main)] == _readiness(pod):
        return pod
    return {**pod, "status": {**made, "startTime": status.get("startTime", state.timestamp)}}


def _probes_differ(state: State, pod: Object) -> bool:
    """Whether a pod's readiness is not what its sidecar makes of its probes by now.

    A recorded pod stays as it was recorded until the policies say something else than they did.
    """
    if not any(True for _ in direct_probes(as_pod(pod))):
        return False
    after = resets_probe(state.mesh, pod)
    recorded = state.recorded.get(PODS, *name_of(pod))
    if recorded is not None and status_of(recorded) == status_of(pod):
        return resets_probe(state.recorded_mesh, pod) != after
    return after == _all_ready(pod)


def _scheduled(state: State, pod: Object) -> Object:
    """A pod that no node would take, where one does by now."""
    if not is_live(pod) or spec_of(pod).get("nodeName") or node_for(state, pod) is None:
        return pod
    # Why the recorded scheduler refused may be more than a nodeSelector: only that is known here.
    if not as_mapping(spec_of(pod).get("nodeSelector")):
        return pod
    return started(state, pod)


def _readiness(pod: Object) -> list[bool]:
    status = status_of(pod)
    every = [
        *as_list(status.get("initContainerStatuses")),
        *as_list(status.get("containerStatuses")),
    ]
    return [bool(as_mapping(one).get("ready")) for one in every]


def _all_ready(pod: Object) -> bool:
    return all(_readiness(pod))
