"""istiod's Gateway API controller, simply: a Gateway gets its Deployment, Service and account.

What another Gateway of the same class got in this mesh serves as the pattern (istiod's template
``waypoint`` or ``kube-gateway`` is not in a recording); without one a plain proxy is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.drill.controllers_routes import reads_gateway_api
from meshdoctor.drill.injecting import istiod_image
from meshdoctor.drill.naming import uid
from meshdoctor.drill.objects import (
    DEPLOYMENTS,
    GATEWAYS,
    SERVICE_ACCOUNTS,
    SERVICES,
    annotations_of,
    labels_of,
    spec_of,
    status_of,
    uid_of,
)
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.drill.state import State
    from meshdoctor.serve.object_store import Object

_NAME = "gateway.networking.k8s.io/gateway-name"
_CLASS = "gateway.networking.k8s.io/gateway-class-name"
_WAYPOINT_FOR = "istio.io/waypoint-for"
_CLASSES = {
    "istio": ("istio.io-gateway-controller", "router", "LoadBalancer"),
    "istio-waypoint": ("istio.io-mesh-controller", "waypoint", "ClusterIP"),
}
"""Controller, kind of proxy and type of Service, by GatewayClass."""
_STATUS_PORT = 15021
_PROBE = {"httpGet": {"path": "/healthz/ready", "port": _STATUS_PORT, "scheme": "HTTP"}}


def _labels(gateway: Object, controller: str) -> dict[str, str]:
    return {
        **{key: value for key, value in labels_of(gateway).items() if key != _NAME},
        "gateway.istio.io/managed": controller,
        _CLASS: str(spec_of(gateway).get("gatewayClassName")),
        _NAME: name_of(gateway)[1],
    }


def _metadata(
    state: State, gateway: Object, name: str, labels: Mapping[str, str]
) -> dict[str, Any]:
    namespace = name_of(gateway)[0]
    owner = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "name": name_of(gateway)[1],
        "uid": uid_of(gateway),
    }
    return {
        "name": name,
        "namespace": namespace,
        "uid": uid("gateway", namespace, name, state.serial),
        "creationTimestamp": state.timestamp,
        "generation": 1,
        "labels": dict(labels),
        "ownerReferences": [owner],
    }


def _proxy(state: State, kind: str, name: str) -> dict[str, Any]:
    image = istiod_image(state, "default")
    hub, _, tag = image.rpartition(":")
    variables = {"POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace"}
    return {
        "name": "istio-proxy",
        "image": f"{hub.rpartition('/')[0]}/proxyv2:{tag}" if hub else "docker.io/istio/proxyv2",
        "args": ["proxy", kind, "--domain", "$(POD_NAMESPACE).svc.cluster.local"],
        "env": [
            *(
                {"name": key, "valueFrom": {"fieldRef": {"fieldPath": path}}}
                for key, path in variables.items()
            ),
            {"name": "CA_ADDR", "value": "istiod.istio-system.svc:15012"},
            {"name": "ISTIO_META_WORKLOAD_NAME", "value": name},
        ],
        "ports": [{"name": "status-port", "containerPort": _STATUS_PORT, "protocol": "TCP"}],
        "readinessProbe": {**_PROBE, "periodSeconds": 15, "failureThreshold": 4},
    }


def _pattern(state: State, gateway: Object) -> Mapping[str, Any] | None:
    """The pod template that a Gateway of the same class got."""
    wanted = spec_of(gateway).get("gatewayClassName")
    for objects in (state.recorded, state.objects):
        for one in objects.all(DEPLOYMENTS):
            if labels_of(one).get(_CLASS) == wanted:
                return as_mapping(spec_of(one).get("template"))
    return None


def _deployment(state: State, gateway: Object, name: str) -> dict[str, Any]:
    controller, kind, _ = _CLASSES[str(spec_of(gateway).get("gatewayClassName"))]
    labels = _labels(gateway, controller)
    extra = {
        "istio.io/dataplane-mode": "none",
        "service.istio.io/canonical-name": name,
        "service.istio.io/canonical-revision": "latest",
        "sidecar.istio.io/inject": "false",
    }
    pattern = _pattern(state, gateway)
    spec = dict(as_mapping((pattern or {}).get("spec"))) or {
        "containers": [_proxy(state, kind, name)]
    }
    spec |= {"serviceAccountName": name, "serviceAccount": name}
    annotations = {"istio.io/rev": "default", **annotations_of(pattern or {})}
    template = {
        "metadata": {"labels": {**labels, **extra}, "annotations": annotations},
        "spec": spec,
    }
    body = {
        "replicas": 1,
        "selector": {"matchLabels": {_NAME: name_of(gateway)[1]}},
        "template": template,
        "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
    }
    return {"metadata": _metadata(state, gateway, name, labels), "spec": body, "status": {}}


def _service(state: State, gateway: Object, name: str) -> dict[str, Any]:
    controller, _, kind = _CLASSES[str(spec_of(gateway).get("gatewayClassName"))]
    ports = [{"name": "status-port", "port": _STATUS_PORT, "protocol": "TCP", "appProtocol": "tcp"}]
    seen = {_STATUS_PORT}
    for one in map(as_mapping, as_list(spec_of(gateway).get("listeners"))):
        if one.get("port") not in seen:
            seen.add(one["port"])
            protocol = str(one.get("protocol") or "").lower()
            ports.append(
                {
                    "name": str(one.get("name")),
                    "port": one["port"],
                    "protocol": "TCP",
                    "appProtocol": protocol,
                }
            )
    metadata = _metadata(state, gateway, name, _labels(gateway, controller))
    address = _free_cluster_address(state)
    return {
        "metadata": {key: value for key, value in metadata.items() if key != "generation"},
        "spec": {
            "type": kind,
            "clusterIP": address,
            "clusterIPs": [address],
            "ports": [{**one, "targetPort": one["port"]} for one in ports],
            "selector": {_NAME: name_of(gateway)[1]},
            "sessionAffinity": "None",
        },
        "status": {"loadBalancer": {}},
    }


def _free_cluster_address(state: State) -> str:
    used = {str(spec_of(one).get("clusterIP") or "") for one in state.objects.all(SERVICES)}
    first, second = next((one for one in sorted(used) if one.count(".") == 3), "10.96.0.1").split(
        "."
    )[:2]
    free = (f"{first}.{second}.{a}.{b}" for a in range(180, 200) for b in range(2, 254))
    return next(one for one in free if one not in used)


def _condition(kind: str, message: str, now: str, *, holds: bool) -> dict[str, Any]:
    return {
        "type": kind,
        "status": "True" if holds else "False",
        "reason": kind if holds else "Pending",
        "message": message,
        "lastTransitionTime": now,
    }


def _programmed(state: State, gateway: Object, name: str) -> State:
    """Say in the Gateway's status whether its Deployment serves."""
    namespace = name_of(gateway)[0]
    deployment = state.objects.get(DEPLOYMENTS, namespace, name)
    ready = bool(deployment and status_of(deployment).get("readyReplicas"))
    before = {
        str(one.get("type")): one.get("status")
        for one in as_list(status_of(gateway).get("conditions"))
    }
    if before.get("Programmed") == str(ready):
        return state
    where = f"{name}.{namespace}.svc.cluster.local"
    conditions = [
        _condition("Accepted", "Resource accepted", state.timestamp, holds=True),
        _condition(
            "Programmed",
            f"Resource programmed, assigned to service(s) {where}"
            if ready
            else f"Waiting for the Deployment {name}",
            state.timestamp,
            holds=ready,
        ),
    ]
    addresses = [{"type": "Hostname", "value": where}]
    status = {**status_of(gateway), "conditions": conditions, "addresses": addresses}
    return state.put(GATEWAYS, {**gateway, "status": status})


def reconcile_gateway(state: State, gateway: Object) -> State:
    """Give one Gateway that was not recorded what istiod would give it."""
    kind = str(spec_of(gateway).get("gatewayClassName"))
    if kind not in _CLASSES or spec_of(gateway).get("addresses"):
        return state
    namespace, own = name_of(gateway)
    if uid_of(gateway) == uid_of(state.recorded.get(GATEWAYS, namespace, own) or {}):
        # Its objects were recorded, with whatever is wrong with them.
        return state
    if not reads_gateway_api(state.mesh, "gateways"):
        return state
    name = own if kind == "istio-waypoint" else f"{own}-{kind}"
    account = {"metadata": _metadata(state, gateway, name, {})}
    account["metadata"].pop("generation")
    wanted = (
        (SERVICE_ACCOUNTS, account),
        (SERVICES, _service(state, gateway, name)),
        (DEPLOYMENTS, _deployment(state, gateway, name)),
    )
    for key, item in wanted:
        if state.objects.get(key, namespace, name) is None:
            state = state.put(key, item)
    return _programmed(state, gateway, name)
