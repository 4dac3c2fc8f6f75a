"""An object as it is when it has just been created, or changed: rules and metadata."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.api_error import MODIFIED, ApiError, bad_request, conflict, invalid, not_found
from meshdoctor.serve.cluster import NAMESPACE_KEY, POD_KEY
from meshdoctor.serve.defaults import add_defaults, normalize
from meshdoctor.serve.template_labels import FIELD, UNSELECTED, misses_own_pods

if TYPE_CHECKING:
    from meshdoctor.serve.cluster import Cluster
    from meshdoctor.serve.object_store import Object
    from meshdoctor.serve.request_info import RequestInfo
    from meshdoctor.serve.resource_type import Key, ResourceType

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST_NAME = 253
_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""Of generated names: no word can come of them (apimachinery, ``util/rand``)."""
_CHANGEABLE = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds")
_POD_RULE = (
    "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds`"
)
"""Of ``k8s.io/kubernetes/pkg/apis/core/validation``."""
_KEPT = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "namespace", "name")
"""Metadata that nobody can write."""
_NO_GENERATION = frozenset({"", "discovery.k8s.io"})
"""Groups whose kinds mostly count no generation when they are created."""


class Sent(Protocol):
    """Where an object was sent: what the rules need to know of a request."""

    @property
    def cluster(self) -> Cluster:
        """What is written to."""

    @property
    def info(self) -> RequestInfo:
        """The attributes of the path."""

    @property
    def kind(self) -> ResourceType:
        """The resource."""

    @property
    def namespace(self) -> str:
        """Where; empty for what is in none."""


def checked_document(request: Sent, body: object) -> dict[str, Any]:
    """A body that is an object of the path's kind.

    Args:
        request: where it was sent.
        body: the decoded body.

    Raises:
        ApiError: it is none.
    """
    if not isinstance(body, Mapping):
        raise bad_request("the object provided is no object")
    kind, wanted = str(body.get("kind") or request.kind.kind), request.kind.kind
    version = str(body.get("apiVersion") or "")
    expected = request.kind.api_version(request.info.version)
    if kind != wanted or version not in ("", expected):
        message = (
            f"{kind} in version {version!r} cannot be handled as a {wanted} of {expected}: "
            "the API version in the data does not match the expected API version"
        )
        raise bad_request(message)
    return {**body, "metadata": dict(as_mapping(body.get("metadata")))}


def _check_name(kind: ResourceType, name: str) -> None:
    if not name:
        message = "Required value: name or generateName is required"
        raise invalid(kind, name, [("FieldValueRequired", "metadata.name", message)])
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        message = f'Invalid value: "{name}": {_RULE}'
        raise invalid(kind, name, [("FieldValueInvalid", "metadata.name", message)])


def check_labels(kind: ResourceType, item: Object) -> None:
    """Labels and annotations are text.

    Raises:
        ApiError: one is not.
    """
    for field in ("labels", "annotations"):
        for key, value in as_mapping(item["metadata"].get(field)).items():
            if not isinstance(value, str):
                raise bad_request(
                    f'{kind.kind} in version "{kind.versions[0]}" cannot be handled as a '
                    f"{kind.kind}: json: cannot unmarshal {type(value).__name__} into Go struct "
                    f"field ObjectMeta.metadata.{field} of type string ({key})"
                )


def _check_template(kind: ResourceType, item: Object) -> None:
    """A workload selects the pods that it makes."""
    if misses_own_pods(kind.key, item):
        name = str(item["metadata"].get("name") or "")
        message = f"Invalid value: {UNSELECTED}"
        raise invalid(kind, name, [("FieldValueInvalid", FIELD, message)])


def _check_namespace(request: Sent, written: str) -> None:
    if not request.kind.namespaced:
        return
    if written and written != request.namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if not request.cluster.has_namespace(request.namespace):
        namespaces = request.cluster.catalog.types[NAMESPACE_KEY]
        raise not_found(namespaces, request.namespace)


def new_object(request: Sent, body: object) -> dict[str, Any]:
    """Make the object that is to be created.

    Args:
        request: where it was sent.
        body: the decoded body.

    Raises:
        ApiError: it breaks rules.
    """
    kind, item = request.kind, checked_document(request, body)
    metadata = item["metadata"]
    if metadata.get("resourceVersion"):
        raise bad_request("resourceVersion should not be set on objects to be created")
    _check_namespace(request, str(metadata.get("namespace") or ""))
    if not metadata.get("name") and metadata.get("generateName"):
        tail = "".join(secrets.choice(_LETTERS) for _ in range(5))
        metadata["name"] = f"{metadata['generateName']}{tail}"
    _check_name(kind, str(metadata.get("name") or ""))
    check_labels(kind, item)
    _check_template(kind, item)
    if kind.namespaced:
        metadata["namespace"] = request.namespace
    else:
        metadata.pop("namespace", None)
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = request.cluster.clock.timestamp()
    metadata.pop("deletionTimestamp", None)
    if "spec" in item and kind.group not in _NO_GENERATION:
        metadata["generation"] = 1
    if kind.has_status:
        item.pop("status", None)
    normalize(kind.key, item)
    add_defaults(kind.key, item, request.cluster.store)
    return _kept_form(request, item)


def _kept_form(request: Sent, item: dict[str, Any]) -> dict[str, Any]:
    """Built-in objects are kept as Lists have them, custom ones with apiVersion and kind."""
    if request.kind.custom:
        item["apiVersion"] = request.kind.api_version(request.info.version)
        item["kind"] = request.kind.kind
    else:
        item.pop("apiVersion", None)
        item.pop("kind", None)
    return item


def _check_identity(kind: ResourceType, old: Object, metadata: Mapping[str, Any]) -> None:
    name = str(old["metadata"]["name"])
    if metadata.get("name") not in (None, "", name):
        raise bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL "
            f"({name})"
        )
    if metadata.get("namespace") not in (None, "", old["metadata"].get("namespace")):
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    uid, is_uid = metadata.get("uid"), old["metadata"].get("uid")
    if uid and is_uid and uid != is_uid:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {is_uid}"
        raise conflict(kind, name, why)
    version = metadata.get("resourceVersion")
    if version and version != old["metadata"].get("resourceVersion"):
        raise conflict(kind, name, MODIFIED)


def changed_object(request: Sent, old: Object, body: object) -> dict[str, Any]:
    """Make an object as it is after a change: of the whole, or of its status.

    Args:
        request: where it was sent, and to which subresource.
        old: the object as it stands.
        body: the whole object as it shall be.

    Raises:
        ApiError: it breaks rules, or was changed meanwhile.
    """
    kind, new = request.kind, checked_document(request, body)
    _check_identity(kind, old, new["metadata"])
    check_labels(kind, new)
    if request.info.subresource == "status":
        new = {**old, "status": new.get("status") or {}}
        return {**new, "metadata": dict(old["metadata"])}
    for field in _KEPT:
        if field in old["metadata"]:
            new["metadata"][field] = old["metadata"][field]
        else:
            new["metadata"].pop(field, None)
    new["metadata"]["resourceVersion"] = old["metadata"].get("resourceVersion", "")
    if kind.has_status:
        new.pop("status", None)
        if "status" in old:
            new["status"] = old["status"]
    normalize(kind.key, new)
    _check_immutable(kind, old, new)
    _check_template(kind, new)
    new = _kept_form(request, new)
    if "generation" in old["metadata"] and _meant(old) != _meant(new):
        new["metadata"]["generation"] = int(old["metadata"]["generation"]) + 1
    return new


def _meant(item: Object) -> dict[str, Any]:
    """What a generation counts: everything but metadata and status."""
    left_out = ("metadata", "status", "apiVersion", "kind")
    return {key: value for key, value in item.items() if key not in left_out}


def immutable_field(key: Key, old: Object, new: Object) -> str:
    """The field that a change touches and nobody may change; empty where there is none.

    Args:
        key: the resource.
        old: as it stands.
        new: as it shall be.
    """
    fields = {"apps": ("selector",), "batch": ("selector", "template")}.get(key[0], ())
    if key[1] in ("replicasets", "cronjobs"):
        return ""
    for field in fields:
        was, now = (as_mapping(one.get("spec")).get(field) for one in (old, new))
        if was != now:
            return f"spec.{field}"
    return ""


def _check_immutable(kind: ResourceType, old: Object, new: Object) -> None:
    """Selectors of workloads cannot be changed, nor anything of what is immutable."""
    name = str(old["metadata"]["name"])
    if kind.key == POD_KEY and _fixed_of_pod(old) != _fixed_of_pod(new):
        raise invalid(kind, name, [("FieldValueForbidden", "spec", _POD_RULE)])
    if field := immutable_field(kind.key, old, new):
        message = "Invalid value: field is immutable"
        raise invalid(kind, name, [("FieldValueInvalid", field, message)])
    if old.get("immutable") and _meant(old) != _meant(new):
        message = "Forbidden: field is immutable when `immutable` is set"
        raise invalid(kind, name, [("FieldValueForbidden", "data", message)])


def _fixed_of_pod(pod: Object) -> dict[str, Any]:
    """What of a pod's spec cannot be changed once the pod is there."""
    spec = dict(as_mapping(pod.get("spec")))
    for field in _CHANGEABLE:
        spec.pop(field, None)
    for field in ("containers", "initContainers"):
        spec[field] = [{**as_mapping(one), "image": ""} for one in as_list(spec.get(field))]
    return spec


def need_version(kind: ResourceType, body: object) -> None:
    """A custom resource can be replaced by whoever says which one only.

    Raises:
        ApiError: the body has no resourceVersion.
    """
    metadata = as_mapping(as_mapping(body).get("metadata"))
    if kind.custom and not metadata.get("resourceVersion"):
        message = "Invalid value: 0: must be specified for an update"
        field = "metadata.resourceVersion"
        name = str(metadata.get("name") or "")
        error: ApiError = invalid(kind, name, [("FieldValueInvalid", field, message)])
        raise error
