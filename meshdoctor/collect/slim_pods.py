"""Pods without what no collector looks at: a big mesh's pods are held only once in full."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from meshdoctor.model.kinds import POD
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.parse.object_list import parse_object_list

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.resource import Resource

_METADATA = (
    "name",
    "namespace",
    "labels",
    "annotations",
    "ownerReferences",
    "deletionTimestamp",
)
_STATUS = ("phase", "reason", "podIP", "containerStatuses", "initContainerStatuses")
_ANNOTATIONS = ("proxy.istio.io/config", "prometheus.io/port", "inject.istio.io/templates")
_ENV = "DISABLE_ENVOY"


def _container(container: Mapping[str, Any]) -> dict[str, Any]:
    env = [item for item in as_list(container.get("env")) if as_mapping(item).get("name") == _ENV]
    return {"name": container.get("name"), "image": container.get("image"), "env": env}


def _status(status: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("name", "state", "lastState", "restartCount")
    return {key: status[key] for key in keys if key in status}


def slim(pod: Resource) -> Resource:
    """The same pod with its names, labels, owner, containers' names and states alone."""
    metadata = {key: pod.metadata[key] for key in _METADATA if key in pod.metadata}
    annotations = pod.annotations
    metadata["annotations"] = {key: annotations[key] for key in _ANNOTATIONS if key in annotations}
    spec = {
        key: [_container(as_mapping(item)) for item in as_list(pod.spec.get(key))]
        for key in ("containers", "initContainers")
    }
    status = {key: pod.status[key] for key in _STATUS if key in pod.status}
    for key in ("containerStatuses", "initContainerStatuses"):
        status[key] = [_status(as_mapping(item)) for item in as_list(status.get(key))]
    return replace(pod, raw={"metadata": metadata, "spec": spec, "status": status})


def read_pods(data: bytes, source: str) -> tuple[Resource, ...]:
    """The pods of a List answer, slim.

    Args:
        data: the document.
        source: its path within a recording.

    Raises:
        ParseError: it is no List.
    """
    pods, _ = parse_object_list(data, POD, source)
    return tuple(slim(pod) for pod in pods)
