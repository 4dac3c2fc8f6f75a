"""Pods, ztunnels and waypoints of ambient meshes, built by hand."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from meshdoctor.model.ztunnel import Ztunnel
from meshdoctor.parse.ztunnel import parse_ztunnel_dump
from meshdoctor.parse.ztunnel_log import read_ztunnel_log
from tests.build import NOW, deployment, istio_object, namespace, pod, service

MODE = "istio.io/dataplane-mode"
USE = "istio.io/use-waypoint"
GATEWAYS = "gateway.networking.k8s.io"
CAPTURED = {"ambient.istio.io/redirection": "enabled"}
MANAGED = {
    "gateway.istio.io/managed": "istio.io-mesh-controller",
    "gateway.networking.k8s.io/gateway-name": "edge",
}


def ambient_namespace(name: str = "till", **labels: str) -> dict[str, Any]:
    space = namespace(name)
    space["metadata"]["labels"] |= {MODE: "ambient", **{k: v for k, v in labels.items() if v}}
    return space


def captured(
    owner: str, ip: str, *, space: str = "till", node: str = "node-a", taken: bool = True
) -> dict[str, Any]:
    """A pod of a Deployment, in ambient mode unless it was not taken in."""
    made = pod(f"{owner}-1", space, owner=owner, proxy=None, ip=ip, nodeName=node)
    if taken:
        made["metadata"]["annotations"] = dict(CAPTURED)
    return made


def ztunnel_pod(node: str = "node-a", *, ready: bool = True) -> dict[str, Any]:
    made = pod(
        f"ztunnel-{node}",
        "istio-system",
        labels={"app": "ztunnel", MODE: "none"},
        proxy=None,
        ready=ready,
        ip="10.9.0.1",
        nodeName=node,
        containers=[{"name": "istio-proxy"}],
    )
    owner = {"kind": "DaemonSet", "name": "ztunnel", "controller": True}
    made["metadata"]["ownerReferences"] = [owner]
    made["status"]["containerStatuses"][0]["name"] = "istio-proxy"
    return made


def daemonset(**spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "ztunnel"}}, "spec": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "ztunnel", "namespace": "istio-system"},
        "spec": {"template": template},
        "status": {"desiredNumberScheduled": 0 if spec else 1, "numberReady": 1},
    }


def ambient_mesh_objects(*more: dict[str, Any], **labels: str) -> list[dict[str, Any]]:
    """Buyer calls seller, both in ambient mode in namespace till."""
    return [
        ambient_namespace("till", **labels),
        deployment("buyer", "till"),
        deployment("seller", "till"),
        captured("buyer", "10.1.0.1"),
        captured("seller", "10.1.0.2"),
        service("seller", "till"),
        daemonset(),
        ztunnel_pod(),
        *more,
    ]


def waypoint(
    name: str = "edge", space: str = "till", klass: str = "istio-waypoint", **labels: str
) -> dict[str, Any]:
    listeners = [{"name": "mesh", "port": 15008, "protocol": "HBONE"}]
    made = istio_object(
        "Gateway", name, space, group=GATEWAYS, gatewayClassName=klass, listeners=listeners
    )
    made["metadata"]["labels"] = labels
    return made


def waypoint_class() -> dict[str, Any]:
    return {
        "apiVersion": f"{GATEWAYS}/v1",
        "kind": "GatewayClass",
        "metadata": {"name": "istio-waypoint"},
        "spec": {"controllerName": "istio.io/mesh-controller"},
    }


def waypoint_pod(*, ready: bool = True, running: bool = True) -> dict[str, Any]:
    made = pod(
        "edge-1",
        "till",
        owner="edge",
        labels=dict(MANAGED),
        proxy=None,
        ready=ready,
        ip="10.1.0.9",
        nodeName="node-a",
        containers=[{"name": "istio-proxy"}],
    )
    made["status"]["containerStatuses"][0]["name"] = "istio-proxy"
    if not running:
        made["status"]["containerStatuses"] = []
        scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
        made["status"]["conditions"].append({**scheduled, "message": "no node fits"})
    return made


def waypoint_deployment(replicas: int = 1) -> dict[str, Any]:
    containers = [{"name": "istio-proxy"}]
    return deployment(
        "edge", "till", labels=dict(MANAGED), replicas=replicas, containers=containers
    )


def network_policy(
    name: str,
    selects: str,
    *,
    ingress: list[Any] | None = None,
    egress: list[Any] | None = None,
    space: str = "till",
) -> dict[str, Any]:
    spec: dict[str, Any] = {"podSelector": {"matchLabels": {"app": selects}}, "policyTypes": []}
    for key, rules in (("ingress", ingress), ("egress", egress)):
        if rules is not None:
            spec[key] = rules
            spec["policyTypes"].append(key.capitalize())
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": space},
        "spec": spec,
    }


def line(
    error: str = "",
    *,
    direction: str = "outbound",
    seconds_ago: float = 5,
    client: str = "buyer",
    ip: str = "10.1.0.1",
    to: str = "10.1.0.2:15008",
    identity: bool = True,
) -> str:
    """An access line: a call to seller's port 8080."""
    time = (NOW - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    level = "error" if error else "info"
    names = f' src.workload="{client}-1" src.namespace="till"' if client else ""
    if identity:
        names += f' src.identity="spiffe://cluster.local/ns/till/sa/{client}"'
    tail = f' error="{error}"' if error else ""
    return (
        f"{time}\t{level}\taccess\tconnection complete\tsrc.addr={ip}:4000{names} dst.addr={to} "
        f'dst.hbone_addr=10.1.0.2:8080 dst.service="seller.till.svc.cluster.local" '
        f'dst.workload="seller-1" dst.namespace="till" direction="{direction}"{tail}'
    )


def ztunnel(*lines: str, dump: dict[str, Any] | None = None, node: str = "node-a") -> Ztunnel:
    """What was read of one ztunnel."""
    return Ztunnel(
        namespace="istio-system",
        pod=f"ztunnel-{node}",
        source=f"ztunnels/istio-system/ztunnel-{node}",
        config=parse_ztunnel_dump(json.dumps(dump or {}).encode()),
        log=read_ztunnel_log("".join(f"{text}\n" for text in lines).encode()),
    )
