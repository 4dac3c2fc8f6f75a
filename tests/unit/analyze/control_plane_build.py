"""Control planes, their clients and what istiod says of them, for hand-built snapshots."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from meshdoctor.parse.proxy_log import read_istiod_log, read_proxy_log
from meshdoctor.parse.syncz import parse_syncz
from tests.build import CREATED, NOW, deployment, istiod, pod

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.analyze.base import Analyzer
    from meshdoctor.model.access_log import ProxyLog
    from meshdoctor.model.finding import Finding, Outcome
    from meshdoctor.model.istiod import Istiod
    from meshdoctor.model.log_line import IstiodLog
    from meshdoctor.model.snapshot import Snapshot

ROOT = "istio-system"
LDS = "type.googleapis.com/envoy.config.listener.v3.Listener"
CDS = "type.googleapis.com/envoy.config.cluster.v3.Cluster"


def ago(**delta: float) -> str:
    """RFC 3339 time some while before the snapshot."""
    return (NOW - timedelta(**delta)).strftime("%Y-%m-%dT%H:%M:%SZ")


def found(
    analyzer: Analyzer, mesh: Snapshot, *outcomes: Outcome
) -> list[tuple[str, str, tuple[str, ...]]]:
    """Code, subject and objects of the findings with these outcomes, sorted."""
    return sorted(
        (item.code, item.subject, item.objects)
        for item in analyzer.analyze(mesh)
        if item.outcome in outcomes
    )


def one(findings: Iterable[Finding], code: str, outcome: Outcome) -> Finding:
    """The only finding of a code and outcome."""
    (item,) = [f for f in findings if f.code == code and f.outcome is outcome]
    return item


def _name(revision: str) -> str:
    return "istiod" if revision == "default" else f"istiod-{revision}"


def _labels(revision: str) -> dict[str, str]:
    return {"app": "istiod", "istio.io/rev": revision}


def istiod_deployment(revision: str = "default", replicas: int = 1) -> dict[str, Any]:
    """istiod's Deployment; ``status`` says that all replicas are ready."""
    made = deployment(_name(revision), ROOT, labels=_labels(revision), replicas=replicas)
    made["metadata"]["labels"] = _labels(revision)
    made["spec"]["template"]["spec"]["containers"] = [
        {"name": "discovery", "image": "docker.io/istio/pilot:1.30.2"}
    ]
    return made


def istiod_pod(
    revision: str = "default",
    *,
    ready: bool = True,
    image: str = "docker.io/istio/pilot:1.30.2",
    since: str = CREATED,
    state: dict[str, Any] | None = None,
    last: dict[str, Any] | None = None,
    restarts: int = 0,
) -> dict[str, Any]:
    """A replica of istiod, named ``<deployment>-0``."""
    name = _name(revision)
    made = pod(
        f"{name}-0",
        ROOT,
        owner=name,
        labels=_labels(revision),
        proxy=None,
        ready=ready,
        ip="10.9.0.1",
    )
    made["metadata"]["creationTimestamp"] = since
    made["spec"]["containers"] = [{"name": "discovery", "image": image}]
    made["status"]["containerStatuses"] = [
        {
            "name": "discovery",
            "ready": ready,
            "restartCount": restarts,
            "state": state or {"running": {"startedAt": since}},
            "lastState": last or {},
        }
    ]
    made["status"]["conditions"][0]["lastTransitionTime"] = since
    return made


def istiod_service(revision: str = "default", **spec: Any) -> dict[str, Any]:
    """istiod's Service."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": _name(revision), "namespace": ROOT},
        "spec": {
            "selector": _labels(revision),
            "clusterIP": "10.96.0.1",
            "ports": [
                {"name": "https-dns", "port": 15012, "targetPort": 15012, "protocol": "TCP"},
                {"name": "https-webhook", "port": 443, "targetPort": 15017, "protocol": "TCP"},
            ],
            **spec,
        },
    }


def endpoint_slice(revision: str = "default", *, ready: bool | None = None) -> dict[str, Any]:
    """istiod's EndpointSlice; without endpoints unless ready is said."""
    endpoints = [{"addresses": ["10.9.0.1"], "conditions": {"ready": ready}}]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{_name(revision)}-x",
            "namespace": ROOT,
            "labels": {"kubernetes.io/service-name": _name(revision)},
        },
        "endpoints": None if ready is None else endpoints,
    }


def webhook(revision: str = "default", tag: str = "") -> dict[str, Any]:
    """The namespace entries of an injector, or of a revision tag."""
    name = f"istio-revision-tag-{tag}" if tag else f"istio-sidecar-injector-{revision}"
    absent = {"key": "istio-injection", "operator": "DoesNotExist"}
    by_revision = {"key": "istio.io/rev", "operator": "In", "values": [tag or revision]}
    by_label = {"key": "istio-injection", "operator": "In", "values": ["enabled"]}
    selectors = [[by_revision, absent]]
    if "default" in (revision if not tag else "", tag):
        selectors.append([by_label])
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {
            "name": name,
            "labels": {"istio.io/rev": revision, **({"istio.io/tag": tag} if tag else {})},
        },
        "webhooks": [
            {
                "name": f"n{index}.namespace.sidecar-injector.istio.io",
                "clientConfig": {"service": {"name": _name(revision), "namespace": ROOT}},
                "namespaceSelector": {"matchExpressions": expressions},
                "rules": [{"operations": ["CREATE"], "resources": ["pods"]}],
            }
            for index, expressions in enumerate(selectors)
        ],
    }


def injected(
    name: str,
    namespace: str = "shop",
    *,
    owner: str | None = None,
    revision: str = "default",
    image: str = "docker.io/istio/proxyv2:1.30.2",
    ip: str = "10.0.0.1",
    created: str = CREATED,
) -> dict[str, Any]:
    """A pod with a sidecar of a revision."""
    made = pod(name, namespace, owner=owner or name, ip=ip)
    made["metadata"]["creationTimestamp"] = created
    made["metadata"]["annotations"] = {
        "istio.io/rev": revision,
        "sidecar.istio.io/status": json.dumps({"revision": revision}),
    }
    address = f"{_name(revision)}.{ROOT}.svc:15012"
    sidecar = made["spec"]["initContainers"][0]
    sidecar["image"] = image
    sidecar["env"] = [{"name": "CA_ADDR", "value": address}]
    return made


def sync(
    proxy_id: str, version: str = "1.30.2", kind: str = "sidecar", **types: dict[str, Any]
) -> dict[str, Any]:
    """One entry of syncz (1.23 and later); everything SYNCED a minute ago unless said."""
    time = ago(minutes=1)
    good = {"sent": f"{time}/1", "acked": f"{time}/1", "sentTime": time}
    return {
        "cluster_id": "Kubernetes",
        "proxy": proxy_id,
        "proxy_type": kind,
        "istio_version": version,
        "resources": {CDS: types.get("cds", good), LDS: types.get("lds", good)},
    }


def refusal(reason: str, *, sent: str, accepted: str) -> dict[str, Any]:
    """What syncz has of a type that was rejected."""
    return {"sent": f"{sent}/2", "acked": f"{accepted}/1", "sentTime": sent, "lastError": reason}


def knowing(*entries: dict[str, Any], revision: str = "default", **parts: Any) -> Istiod:
    """What was read of the replica of a revision that knows these proxies."""
    document = json.dumps(entries).encode()
    parts.setdefault("version", "1.30.2-86c9f01fd735fb01d8192f5bcaf0d424afb7f14c-Clean")
    return istiod(f"{_name(revision)}-0", syncs=parse_syncz(document), revision=revision, **parts)


def proxy_log(*lines: str) -> ProxyLog:
    """A proxy's log: each line ``<time> <level> <scope> <message>`` with tabs for blanks."""
    return read_proxy_log("\n".join(lines).encode())


def istiod_log(*lines: str) -> IstiodLog:
    """An istiod's log."""
    return read_istiod_log("\n".join(lines).encode())
