"""The endpoint controllers: a Service's EndpointSlices and Endpoints, from the pods it selects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.drill.naming import free_suffix, uid
from meshdoctor.drill.objects import (
    ENDPOINT_SLICES,
    ENDPOINTS,
    PODS,
    SERVICES,
    labels_of,
    owner_reference,
    spec_of,
    status_of,
    uid_of,
)
from meshdoctor.drill.pods import as_pod, is_ready
from meshdoctor.model.pod import is_finished
from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.model.selector import matches_labels
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.drill.state import State
    from meshdoctor.serve.object_store import Object

SERVICE_NAME = "kubernetes.io/service-name"
_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
_ENDPOINTS_BY = "endpoints.kubernetes.io/managed-by"
_CONTROLLER = "endpointslice-controller.k8s.io"
Ports = tuple[tuple[str, int, str, str], ...]
"""Name, number, protocol and appProtocol of each port."""


def _port_of(pod: Object, wanted: object, protocol: str) -> int | None:
    """The number that a Service's targetPort means in a pod; None where the pod has no such name.

    Container ports of native sidecars count too (pkg/api/v1/pod, ``FindPort``).
    """
    if isinstance(wanted, int):
        return wanted
    spec = spec_of(pod)
    restartable = [
        one for one in as_list(spec.get("initContainers")) if one.get("restartPolicy") == "Always"
    ]
    for container in (*as_list(spec.get("containers")), *restartable):
        for port in map(as_mapping, as_list(container.get("ports"))):
            if port.get("name") == wanted and port.get("protocol", "TCP") == protocol:
                number = port.get("containerPort")
                return number if isinstance(number, int) else None
    return None


def _ports(service: Object, pod: Object) -> Ports:
    found = []
    for port in map(as_mapping, as_list(spec_of(service).get("ports"))):
        protocol = str(port.get("protocol") or "TCP")
        number = _port_of(pod, port.get("targetPort") or port.get("port"), protocol)
        if number is not None:
            app = str(port.get("appProtocol") or "")
            found.append((str(port.get("name") or ""), number, protocol, app))
    return tuple(found)


def _selected(state: State, service: Object) -> Iterator[Object]:
    selector = as_strings(spec_of(service).get("selector"))
    for pod in state.objects.all(PODS, name_of(service)[0]):
        addressed = bool(status_of(pod).get("podIP")) and not is_finished(as_pod(pod))
        if addressed and matches_labels(selector, labels_of(pod)):
            yield pod


def expected(state: State, service: Object) -> dict[Ports, list[tuple[Object, bool]]]:
    """The endpoints a Service should have: by their ports, each pod and whether it counts as ready.

    Args:
        state: the moment.
        service: one with a selector.
    """
    anyway = bool(spec_of(service).get("publishNotReadyAddresses"))
    found: dict[Ports, list[tuple[Object, bool]]] = {}
    for pod in _selected(state, service):
        ports = _ports(service, pod)
        if ports or spec_of(service).get("clusterIP") == "None":
            found.setdefault(ports, []).append((pod, anyway or is_ready(pod)))
    return found


def _is_ours(one: Object) -> bool:
    labels = labels_of(one)
    return labels.get(_MANAGED_BY) == _CONTROLLER or _ENDPOINTS_BY in labels


def _slices(state: State, service: Object) -> list[Object]:
    namespace, name = name_of(service)
    return [
        one
        for one in state.objects.all(ENDPOINT_SLICES, namespace)
        if labels_of(one).get(SERVICE_NAME) == name and _is_ours(one)
    ]


def _seen(slices: list[Object]) -> set[tuple[str, bool, int, str]]:
    """What slices say, for comparing: address, readiness, port and its name."""
    return {
        (str(address), as_mapping(end.get("conditions")).get("ready") is not False, *port)
        for one in slices
        for end in map(as_mapping, as_list(one.get("endpoints")))
        for address in as_list(end.get("addresses"))
        for port in [
            (int(p.get("port") or 0), str(p.get("name") or ""))
            for p in map(as_mapping, as_list(one.get("ports")))
        ]
        or [(0, "")]
    }


def _wanted(found: Mapping[Ports, list[tuple[Object, bool]]]) -> set[tuple[str, bool, int, str]]:
    return {
        (str(status_of(pod)["podIP"]), ready, number, name)
        for ports, pods in found.items()
        for pod, ready in pods
        for name, number, _, _ in ports or (("", 0, "", ""),)
    }


def _target(pod: Object) -> dict[str, Any]:
    namespace, name = name_of(pod)
    return {"kind": "Pod", "name": name, "namespace": namespace, "uid": uid_of(pod)}


def _endpoint(pod: Object, *, ready: bool) -> dict[str, Any]:
    return {
        "addresses": [status_of(pod)["podIP"]],
        "conditions": {"ready": ready, "serving": ready, "terminating": False},
        "nodeName": spec_of(pod).get("nodeName"),
        "targetRef": _target(pod),
    }


def _written_ports(ports: Ports) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "port": number,
            "protocol": protocol,
            **({"appProtocol": application} if application else {}),
        }
        for name, number, protocol, application in ports
    ]


def _slice(
    state: State, service: Object, old: Object | None, ports: Ports, pods: list[tuple[Object, bool]]
) -> dict[str, Any]:
    """One slice: an old one filled anew, or a new one."""
    body = {
        "addressType": "IPv4",
        "endpoints": [_endpoint(pod, ready=ready) for pod, ready in pods],
        "ports": _written_ports(ports),
    }
    if old is not None:
        metadata = {**old["metadata"], "generation": int(old["metadata"].get("generation", 1)) + 1}
        return {**old, **body, "metadata": metadata}
    namespace, name = name_of(service)
    suffix = free_suffix(state.objects, ENDPOINT_SLICES, namespace, f"{name}-", state.serial)
    metadata = {
        "name": f"{name}-{suffix}",
        "generateName": f"{name}-",
        "namespace": namespace,
        "uid": uid("endpointslice", namespace, name, state.serial),
        "creationTimestamp": state.timestamp,
        "generation": 1,
        "labels": {**labels_of(service), _MANAGED_BY: _CONTROLLER, SERVICE_NAME: name},
        "ownerReferences": [owner_reference(service, "v1", "Service")],
    }
    return {"metadata": metadata, **body}


def reconcile_service(state: State, service: Object) -> State:
    """Bring one Service's EndpointSlices and Endpoints to the pods it selects now."""
    spec = spec_of(service)
    if not spec.get("selector") or spec.get("type") == "ExternalName":
        return state
    found = expected(state, service)
    slices = _slices(state, service)
    if not state.objects.has(ENDPOINT_SLICES) or (
        slices and _seen(slices) == _wanted(found) and _same_ports(slices, found)
    ):
        return state
    left = list(slices)
    for ports, pods in found.items() or {(): []}.items():
        old = left.pop(0) if left else None
        state = state.put(ENDPOINT_SLICES, _slice(state, service, old, ports, pods))
    for one in left:
        state = state.remove(ENDPOINT_SLICES, one)
    return _endpoints(state, service, found)


def _same_ports(slices: list[Object], found: Mapping[Ports, object]) -> bool:
    """Whether the slices of a Service with endpoints name the protocols it names now."""
    if not found:
        return True
    told = {
        (str(p.get("name") or ""), str(p.get("appProtocol") or ""))
        for one in slices
        for p in map(as_mapping, as_list(one.get("ports")))
    }
    return told == {(name, app) for ports in found for name, _, _, app in ports}


def _endpoints(
    state: State, service: Object, found: Mapping[Ports, list[tuple[Object, bool]]]
) -> State:
    """The older form of the same, where the recording has it."""
    namespace, name = name_of(service)
    if not state.objects.has(ENDPOINTS):
        return state
    subsets = []
    for ports, pods in found.items():
        lists: dict[str, list[dict[str, Any]]] = {}
        for pod, ready in pods:
            entry = {
                "ip": status_of(pod)["podIP"],
                "nodeName": spec_of(pod).get("nodeName"),
                "targetRef": _target(pod),
            }
            lists.setdefault("addresses" if ready else "notReadyAddresses", []).append(entry)
        subsets.append({**lists, "ports": _written_ports(ports)})
    old = state.objects.get(ENDPOINTS, namespace, name)
    metadata = (
        old["metadata"]
        if old is not None
        else {
            "name": name,
            "namespace": namespace,
            "uid": uid("endpoints", namespace, name, state.serial),
            "creationTimestamp": state.timestamp,
            "labels": {
                **labels_of(service),
                _ENDPOINTS_BY: "endpoint-controller",
            },
        }
    )
    return state.put(ENDPOINTS, {"metadata": metadata, **({"subsets": subsets} if subsets else {})})


def orphans(state: State) -> State:
    """Take away the slices and Endpoints of Services that are no more."""
    for key in (ENDPOINT_SLICES, ENDPOINTS):
        for one in list(state.objects.all(key)):
            namespace, own = name_of(one)
            name = own if key == ENDPOINTS else labels_of(one).get(SERVICE_NAME, "")
            # What had no Service in the recording either was somebody's own.
            had = state.recorded.get(SERVICES, namespace, name) is not None
            is_new = state.recorded.get(key, namespace, own) is None and _is_ours(one)
            if (had or is_new) and state.objects.get(SERVICES, namespace, name) is None:
                state = state.remove(key, one)
    return state
