"""Istio's sidecar in its default form, for a mesh in which no injected pod was recorded."""

from __future__ import annotations

import json
import re
from typing import Any

_FIRST_NATIVE = (1, 27)
"""From this release on sidecars are native by default (ENABLE_NATIVE_SIDECARS)."""
_VOLUMES = (
    "workload-socket",
    "credential-socket",
    "workload-certs",
    "istio-envoy",
    "istio-data",
    "istio-podinfo",
    "istio-token",
    "istiod-ca-cert",
)
_FIELDS = {
    "POD_NAME": "metadata.name",
    "POD_NAMESPACE": "metadata.namespace",
    "INSTANCE_IP": "status.podIP",
    "SERVICE_ACCOUNT": "spec.serviceAccountName",
    "HOST_IP": "status.hostIP",
}
_LIMITS = {
    "limits": {"cpu": "2", "memory": "1Gi"},
    "requests": {"cpu": "100m", "memory": "128Mi"},
}


def native_by_default(image: str) -> bool:
    """Whether the istiod of an image makes sidecars native where nobody says anything."""
    found = re.search(r":(\d+)\.(\d+)", image)
    return found is not None and (int(found[1]), int(found[2])) >= _FIRST_NATIVE


def _proxy(image: str, *, native: bool) -> dict[str, Any]:
    probe = {
        "httpGet": {"path": "/healthz/ready", "port": 15021, "scheme": "HTTP"},
        "periodSeconds": 15,
        "timeoutSeconds": 3,
    }
    fields = [
        {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
        for name, path in _FIELDS.items()
    ]
    told = ("POD_PORTS", "APP_CONTAINERS", "WORKLOAD_NAME", "OWNER")
    return {
        "name": "istio-proxy",
        "image": image,
        "args": ["proxy", "sidecar", "--domain", "$(POD_NAMESPACE).svc.cluster.local"],
        "env": [
            {"name": "PILOT_CERT_PROVIDER", "value": "istiod"},
            {"name": "CA_ADDR", "value": "istiod.istio-system.svc:15012"},
            *fields,
            *({"name": f"ISTIO_META_{name}", "value": ""} for name in told),
            {"name": "TRUST_DOMAIN", "value": "cluster.local"},
        ],
        "ports": [{"containerPort": 15090, "name": "http-envoy-prom", "protocol": "TCP"}],
        "readinessProbe": {**probe, "failureThreshold": 4},
        "startupProbe": {**probe, "failureThreshold": 600, "periodSeconds": 1},
        "resources": _LIMITS,
        "securityContext": {"runAsUser": 1337, "runAsGroup": 1337, "runAsNonRoot": True},
        **({"restartPolicy": "Always"} if native else {}),
    }


def default_pattern(istiod: str) -> dict[str, Any]:
    """A pod whose sidecar is of Istio's default form.

    Args:
        istiod: the image of istiod, which names hub and version.
    """
    hub, _, tag = (istiod or "docker.io/istio/pilot:1.26.0").rpartition(":")
    image = f"{hub.rpartition('/')[0]}/proxyv2:{tag}"
    native = native_by_default(image)
    arguments = [
        "istio-iptables",
        "-p",
        "15001",
        "-z",
        "15006",
        "-u",
        "1337",
        "-m",
        "REDIRECT",
        "-i",
        "*",
        "-b",
        "*",
    ]
    start = {
        "name": "istio-init",
        "image": image,
        "args": [*arguments, "-x", "", "-d", "15090,15021,15020"],
        "resources": _LIMITS,
        "securityContext": {
            "capabilities": {"add": ["NET_ADMIN", "NET_RAW"], "drop": ["ALL"]},
            "runAsUser": 0,
            "runAsNonRoot": False,
        },
    }
    proxy = _proxy(image, native=native)
    status = {
        "initContainers": ["istio-init", *(["istio-proxy"] if native else [])],
        "containers": None if native else ["istio-proxy"],
        "volumes": list(_VOLUMES),
        "imagePullSecrets": None,
    }
    return {
        "metadata": {
            "name": "pattern",
            "namespace": "",
            "annotations": {"sidecar.istio.io/status": json.dumps(status)},
        },
        "spec": {
            "initContainers": [start, *([proxy] if native else [])],
            "containers": [] if native else [proxy],
            "volumes": [{"name": name, "emptyDir": {}} for name in _VOLUMES],
        },
    }
