"""Builds small snapshots by hand, from plain objects and the parsers' own input."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from meshdoctor.model.catalog import Catalog
from meshdoctor.model.istiod import Istiod
from meshdoctor.model.kinds import ALL, Kind
from meshdoctor.model.not_read import NotRead, NotReadStatus, ReadState
from meshdoctor.model.proxy import Proxy
from meshdoctor.model.snapshot import About, Snapshot
from meshdoctor.parse.object_list import parse_object_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.ztunnel import Ztunnel

NOW = datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC)
"""The moment of every snapshot built here."""
CREATED = "2026-11-21T07:00:00Z"
"""When objects were created, unless they say otherwise."""


def kind_of(item: Mapping[str, Any]) -> Kind:
    """The kind of an object written with apiVersion and kind."""
    group = item.get("apiVersion", "v1").rpartition("/")[0] or "core"
    return next(kind for kind in ALL if kind.name == item["kind"] and kind.group == group)


def resources(objects: Iterable[Mapping[str, Any]]) -> list[Resource]:
    """Objects as the reader would have read them, one List a kind."""
    lists: dict[Kind, list[Mapping[str, Any]]] = defaultdict(list)
    for item in objects:
        item.get("metadata", {}).setdefault("creationTimestamp", CREATED)
        lists[kind_of(item)].append(item)
    return [
        resource
        for kind, items in lists.items()
        for resource in parse_object_list(
            json.dumps({"kind": f"{kind.name}List", "items": items}).encode(),
            kind,
            f"kubernetes/{kind.group}/v1/{kind.plural}.json",
        )[0]
    ]


def mesh(
    objects: Iterable[Mapping[str, Any]] = (),
    *,
    proxies: Iterable[Proxy] = (),
    istiods: Iterable[Istiod] = (),
    unread: Iterable[Kind] = (),
    not_installed: Iterable[Kind] = (),
    not_read: Iterable[NotRead] = (),
    ztunnels: Iterable[Ztunnel] = (),
    further: Mapping[str, tuple[Resource, ...]] | None = None,
    now: datetime = NOW,
) -> Snapshot:
    """A snapshot in which every kind was read, save those named in unread or not_installed."""
    states = dict.fromkeys(ALL, ReadState.READ)
    states |= dict.fromkeys(not_installed, ReadState.NOT_INSTALLED)
    states |= dict.fromkeys(unread, ReadState.UNREAD)
    missing = [NotRead(kind.input, NotReadStatus.DENIED, "forbidden") for kind in unread]
    kept = [item for item in resources(objects) if states[item.kind] is ReadState.READ]
    return Snapshot.build(
        about=About("test", now, "v1.33.0", "1.30.0", "recording"),
        catalog=Catalog.build(kept, states),
        istiods=istiods,
        proxies=proxies,
        not_read=[*missing, *not_read],
        ztunnels=ztunnels,
        further=further,
    )


def namespace(name: str, **labels: str) -> dict[str, Any]:
    """A Namespace; underscores in label names stand for dashes, double ones for dots."""
    keys = {key.replace("__", ".").replace("_", "-"): value for key, value in labels.items()}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": keys}}


def service(
    name: str, namespace: str = "shop", *, selector: Mapping[str, str] | None = None, **spec: Any
) -> dict[str, Any]:
    """A Service with one HTTP port 8080, selecting ``app: <name>``."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": dict(selector) if selector is not None else {"app": name},
            "clusterIP": "10.96.0.10",
            "ports": [{"name": "http", "port": 8080, "targetPort": 8080, "protocol": "TCP"}],
            **spec,
        },
    }


def deployment(
    name: str,
    namespace: str = "shop",
    *,
    labels: Mapping[str, str] | None = None,
    replicas: int = 1,
    **template_spec: Any,
) -> dict[str, Any]:
    """A Deployment ``<name>`` whose pods carry ``app: <name>`` unless labels are given."""
    chosen = dict(labels) if labels is not None else {"app": name, "version": "v1"}
    container = {"name": "app", "image": "app:1", "ports": [{"containerPort": 8080}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": chosen},
            "template": {
                "metadata": {"labels": chosen},
                "spec": {"containers": [container], **template_spec},
            },
        },
        "status": {"replicas": replicas, "readyReplicas": replicas},
    }


def pod(
    name: str,
    namespace: str = "shop",
    *,
    owner: str | None = None,
    labels: Mapping[str, str] | None = None,
    proxy: str | None = "native",
    ready: bool = True,
    ip: str = "10.244.0.10",
    **spec: Any,
) -> dict[str, Any]:
    """A running pod.

    Args:
        name: the pod's name.
        namespace: its namespace.
        owner: name of the Deployment that owns it, by way of ReplicaSet ``<owner>-abc``.
        labels: pod labels; ``app: <owner or name>`` unless given.
        proxy: ``native``, ``classic`` or None for no sidecar.
        ready: the Ready condition.
        ip: the pod's address.
        spec: further fields of the spec.
    """
    chosen = dict(labels) if labels is not None else {"app": owner or name, "version": "v1"}
    metadata: dict[str, Any] = {"name": name, "namespace": namespace, "labels": chosen}
    if owner:
        chosen["pod-template-hash"] = "abc"
        metadata["ownerReferences"] = [
            {"kind": "ReplicaSet", "name": f"{owner}-abc", "controller": True}
        ]
    app = {"name": "app", "image": "app:1", "ports": [{"containerPort": 8080}]}
    sidecar = {"name": "istio-proxy", "image": "proxyv2:1.30.0"}
    containers: list[dict[str, Any]] = [app]
    init: list[dict[str, Any]] = []
    statuses = [_running("app", ready)]
    init_statuses: list[dict[str, Any]] = []
    if proxy:
        chosen["security.istio.io/tlsMode"] = "istio"
        status = json.dumps({"initContainers": ["istio-init"], "revision": "default"})
        metadata["annotations"] = {"sidecar.istio.io/status": status, "istio.io/rev": "default"}
    if proxy == "classic":
        containers.append(sidecar)
        statuses.append(_running("istio-proxy", ready))
    elif proxy == "native":
        init.append({**sidecar, "restartPolicy": "Always"})
        init_statuses.append(_running("istio-proxy", ready))
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": containers, "initContainers": init, **spec},
        "status": {
            "phase": "Running",
            "podIP": ip,
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": statuses,
            "initContainerStatuses": init_statuses,
        },
    }


def _running(name: str, ready: bool) -> dict[str, Any]:
    state = {"running": {"startedAt": CREATED}}
    return {"name": name, "ready": ready, "restartCount": 0, "started": True, "state": state}


def istio_object(
    kind: str, name: str, namespace: str = "shop", *, group: str | None = None, **spec: Any
) -> dict[str, Any]:
    """An Istio object; its API group is found by kind unless given."""
    found = next(
        item for item in ALL if item.name == kind and item.custom and group in (None, item.group)
    )
    return {
        "apiVersion": f"{found.group}/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def istiod(name: str = "istiod-0", **parts: Any) -> Istiod:
    """An istiod replica in istio-system, connected to nobody unless told."""
    base = Istiod(
        namespace="istio-system", pod=name, source=f"istiod/istio-system/{name}", syncs=(), mesh={}
    )
    return replace(base, **parts)


def proxy(pod_name: str, namespace: str = "shop", **parts: Any) -> Proxy:
    """What was read of one proxy."""
    return Proxy(
        namespace=namespace, pod=pod_name, source=f"proxies/{namespace}/{pod_name}", **parts
    )
