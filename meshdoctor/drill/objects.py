"""Every object of a played mesh, immutable: a write makes another ``Objects``."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from meshdoctor.model import kinds
from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from meshdoctor.model.kinds import Kind
    from meshdoctor.serve.object_store import Name, Object
    from meshdoctor.serve.resource_type import Key


def key_of(kind: Kind) -> Key:
    """Where a kind's objects are kept: its group (empty for core) and plural."""
    return ("" if kind.group == "core" else kind.group), kind.plural


NAMESPACES = key_of(kinds.NAMESPACE)
PODS = key_of(kinds.POD)
SERVICES = key_of(kinds.SERVICE)
ENDPOINTS = key_of(kinds.ENDPOINTS)
ENDPOINT_SLICES = key_of(kinds.ENDPOINT_SLICE)
DEPLOYMENTS = key_of(kinds.DEPLOYMENT)
REPLICA_SETS = key_of(kinds.REPLICA_SET)
STATEFUL_SETS = key_of(kinds.STATEFUL_SET)
DAEMON_SETS = key_of(kinds.DAEMON_SET)
JOBS = key_of(kinds.JOB)
AUTOSCALERS = key_of(kinds.HORIZONTAL_POD_AUTOSCALER)
NODES = key_of(kinds.NODE)
QUOTAS = key_of(kinds.RESOURCE_QUOTA)
LIMIT_RANGES = key_of(kinds.LIMIT_RANGE)
SERVICE_ACCOUNTS = key_of(kinds.SERVICE_ACCOUNT)
GATEWAYS = key_of(kinds.KUBERNETES_GATEWAY)
GRPC_ROUTES = key_of(kinds.GRPC_ROUTE)
HTTP_ROUTES = key_of(kinds.HTTP_ROUTE)
ENVOY_FILTERS = key_of(kinds.ENVOY_FILTER)
EVENTS = key_of(kinds.EVENT)


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects by resource, then by namespace and name; documents as a List has its items."""

    by_key: Mapping[Key, Mapping[Name, Object]] = field(
        default_factory=lambda: MappingProxyType({})
    )

    @classmethod
    def of(cls, lists: Iterable[tuple[Key, Iterable[Object]]]) -> Objects:
        """Index documents."""
        return cls({key: {name_of(item): item for item in items} for key, items in lists})

    def get(self, key: Key, namespace: str, name: str) -> Object | None:
        """One object; None where there is none."""
        return self.by_key.get(key, {}).get((namespace, name))

    def all(self, key: Key, namespace: str | None = None) -> Iterator[Object]:
        """The objects of a resource by namespace and name, in one namespace or in all."""
        objects = self.by_key.get(key, {})
        for name in sorted(objects):
            if namespace is None or name[0] == namespace:
                yield objects[name]

    def has(self, key: Key) -> bool:
        """Whether a resource is known at all: an unread one is not, an empty one is."""
        return key in self.by_key

    def put(self, key: Key, item: Object) -> Objects:
        """With an object written, new or not."""
        return Objects({**self.by_key, key: {**self.by_key.get(key, {}), name_of(item): item}})

    def remove(self, key: Key, name: Name) -> Objects:
        """Without one object."""
        left = {one: item for one, item in self.by_key.get(key, {}).items() if one != name}
        return Objects({**self.by_key, key: left})

    def changes(self, after: Objects) -> Iterator[tuple[Key, Name, Object | None]]:
        """What has to be written to come to another state: None for an object that goes."""
        for key in sorted({*self.by_key, *after.by_key}):
            before, then = self.by_key.get(key, {}), after.by_key.get(key, {})
            if before is then:
                continue
            for name in sorted({*before, *then}):
                if before.get(name) is not then.get(name):
                    yield key, name, then.get(name)


def spec_of(item: Object) -> Mapping[str, Any]:
    """An object's spec."""
    return as_mapping(item.get("spec"))


def status_of(item: Object) -> Mapping[str, Any]:
    """An object's status."""
    return as_mapping(item.get("status"))


def labels_of(item: Object) -> dict[str, str]:
    """An object's labels."""
    return as_strings(as_mapping(item.get("metadata")).get("labels"))


def annotations_of(item: Object) -> dict[str, str]:
    """An object's annotations."""
    return as_strings(as_mapping(item.get("metadata")).get("annotations"))


def uid_of(item: Object) -> str:
    """An object's uid; empty where none was recorded."""
    return str(as_mapping(item.get("metadata")).get("uid") or "")


def controller_of(item: Object) -> Mapping[str, Any]:
    """The ownerReference that controls an object; empty where none does."""
    for owner in as_list(as_mapping(item.get("metadata")).get("ownerReferences")):
        if as_mapping(owner).get("controller"):
            return as_mapping(owner)
    return {}


def owned_by(item: Object, owner: Object, kind: str) -> bool:
    """Whether an object is controlled by another: by uid, or by name where uids were left out."""
    reference = controller_of(item)
    if reference.get("kind") != kind:
        return False
    uid, wanted = reference.get("uid"), uid_of(owner)
    if uid and wanted:
        return bool(uid == wanted)
    return name_of(item)[0] == name_of(owner)[0] and reference.get("name") == name_of(owner)[1]


def owner_reference(owner: Object, api_version: str, kind: str) -> dict[str, Any]:
    """The ownerReference that a controller writes."""
    return {
        "apiVersion": api_version,
        "blockOwnerDeletion": True,
        "controller": True,
        "kind": kind,
        "name": name_of(owner)[1],
        "uid": uid_of(owner),
    }
