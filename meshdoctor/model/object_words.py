"""How people call objects: kubectl's words for a kind, ``name[.namespace]`` for one of them."""

from __future__ import annotations

WORKLOAD_KINDS = {
    "deploy": "Deployment",
    "deployment": "Deployment",
    "deployments": "Deployment",
    "sts": "StatefulSet",
    "statefulset": "StatefulSet",
    "ds": "DaemonSet",
    "daemonset": "DaemonSet",
    "job": "Job",
    "rs": "ReplicaSet",
    "replicaset": "ReplicaSet",
    "pod": "Pod",
    "pods": "Pod",
    "po": "Pod",
}
"""What may call or be called, by kubectl's words."""
SERVICE_WORDS = ("svc", "service", "services")
"""How kubectl calls a Service."""
GATEWAY_WORDS = ("gateway", "gateways", "gw", "gtw")
"""How it calls a Gateway, of either API."""


def is_named(text: str, name: str, namespace: str) -> bool:
    """Whether ``name[.namespace]`` means an object; names may hold dots themselves."""
    return text in (name, f"{name}.{namespace}")
