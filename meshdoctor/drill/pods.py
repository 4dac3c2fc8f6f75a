"""A pod as its controller creates it, before admission has seen it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.drill.naming import uid
from meshdoctor.drill.objects import (
    PODS,
    controller_of,
    owner_reference,
    spec_of,
    status_of,
    uid_of,
)
from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import PROXY_CONTAINER
from meshdoctor.model.resource import Resource, as_list, as_mapping
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.drill.objects import Objects
    from meshdoctor.drill.state import State
    from meshdoctor.serve.object_store import Object

_FINISHED = ("Succeeded", "Failed")
_TOLERATIONS = ("not-ready", "unreachable")


def as_pod(item: Object) -> Resource:
    """A document as the model's Resource, for what the model and intent say of pods."""
    namespace, name = name_of(item)
    return Resource(POD, namespace, name, item, "kubernetes/core/v1/pods.json", f"/{uid_of(item)}")


def is_live(pod: Object) -> bool:
    """Whether a pod counts for its controller: neither finished nor being deleted."""
    return status_of(pod).get("phase") not in _FINISHED and "deletionTimestamp" not in as_mapping(
        pod.get("metadata")
    )


def is_ready(pod: Object) -> bool:
    """Whether a pod's Ready condition is true."""
    return any(
        as_mapping(one).get("type") == "Ready" and as_mapping(one).get("status") == "True"
        for one in as_list(status_of(pod).get("conditions"))
    )


def pods_of(objects: Objects, owner: Object, kind: str) -> list[Object]:
    """The live pods that a controller owns, the oldest first."""
    namespace, name = name_of(owner)
    own_uid = uid_of(owner)
    found = []
    for pod in objects.all(PODS, namespace):
        reference = controller_of(pod)
        same = reference.get("uid") == own_uid if own_uid else reference.get("name") == name
        if reference.get("kind") == kind and same and is_live(pod):
            found.append(pod)
    return sorted(
        found, key=lambda pod: (str(pod["metadata"].get("creationTimestamp") or ""), name_of(pod))
    )


def containers_of(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Init containers, then the others."""
    for key in ("initContainers", "containers"):
        yield from (as_mapping(one) for one in as_list(spec.get(key)))


def is_native(container: Mapping[str, Any]) -> bool:
    """Whether an init container is a sidecar that stays (``restartPolicy: Always``)."""
    return container.get("restartPolicy") == "Always"


def application_waits(pod: Object) -> bool:
    """Whether a pod's applications start only once its sidecar is ready.

    A native sidecar is started before them; a classic one only where it is the first container
    and its postStart hook waits (``holdApplicationUntilProxyStarts``).
    """
    for one in as_list(spec_of(pod).get("initContainers")):
        if one.get("name") == PROXY_CONTAINER and is_native(one):
            return True
    first = as_mapping(next(iter(as_list(spec_of(pod).get("containers"))), {}))
    hook = as_mapping(as_mapping(first.get("lifecycle")).get("postStart"))
    command = as_list(as_mapping(hook.get("exec")).get("command"))
    return first.get("name") == PROXY_CONTAINER and "wait" in command


def new_pod(
    state: State, owner: Object, api_version: str, kind: str, name: str, labels: Mapping[str, str]
) -> dict[str, Any]:
    """A pod of a controller's template.

    Args:
        state: the moment.
        owner: a ReplicaSet, StatefulSet or DaemonSet.
        api_version: the owner's.
        kind: the owner's.
        name: of the pod.
        labels: besides those of the template.
    """
    template = as_mapping(spec_of(owner).get("template"))
    metadata = as_mapping(template.get("metadata"))
    namespace = name_of(owner)[0]
    made: dict[str, Any] = {
        "name": name,
        "generateName": f"{name_of(owner)[1]}-",
        "namespace": namespace,
        "uid": uid("pod", namespace, name, state.serial),
        "creationTimestamp": state.timestamp,
        "labels": {**as_mapping(metadata.get("labels")), **labels},
        "ownerReferences": [owner_reference(owner, api_version, kind)],
    }
    if annotations := as_mapping(metadata.get("annotations")):
        made["annotations"] = dict(annotations)
    return {"metadata": made, "spec": completed(as_mapping(template.get("spec")))}


def completed(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A pod's spec with what the API server's defaults and the ServiceAccount plugin add."""
    account = spec.get("serviceAccountName") or "default"
    tolerations = [
        {
            "effect": "NoExecute",
            "key": f"node.kubernetes.io/{one}",
            "operator": "Exists",
            "tolerationSeconds": 300,
        }
        for one in _TOLERATIONS
    ]
    return {
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "terminationGracePeriodSeconds": 30,
        "securityContext": {},
        "enableServiceLinks": True,
        **spec,
        "serviceAccountName": account,
        "serviceAccount": account,
        "tolerations": as_list(spec.get("tolerations")) or tolerations,
    }
