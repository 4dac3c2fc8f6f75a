"""What the API server refuses of a write, in its own words, for writes that need no server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.drill.targets import Target
from meshdoctor.model.kinds import BY_GROUP_AND_PLURAL
from meshdoctor.model.resource import as_mapping
from meshdoctor.serve.api_error import ApiError
from meshdoctor.serve.new_object import changed_object, new_object
from meshdoctor.serve.request_info import RequestInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.serve.cluster import Cluster
    from meshdoctor.serve.object_store import Object
    from meshdoctor.serve.resource_type import ResourceType

_DEFAULT_NAMESPACE = "default"


class RefusedWriteError(ValueError):
    """A write that a cluster would refuse; the message is one line."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A write as the server's rules look at it."""

    cluster: Cluster
    kind: ResourceType
    info: RequestInfo

    @property
    def namespace(self) -> str:
        """Where; empty for what is in none."""
        return self.info.namespace if self.kind.namespaced else ""


def _sent(cluster: Cluster, target: Target, version: str) -> _Sent:
    kind = cluster.catalog.types[target.key]
    info = RequestInfo(
        "update",
        "",
        resource=kind.plural,
        group=kind.group,
        version=version,
        namespace=target.namespace,
        name=target.name,
    )
    return _Sent(cluster, kind, info)


def _version(document: Mapping[str, Any], kind: ResourceType) -> str:
    return str(document.get("apiVersion") or "").rpartition("/")[2] or kind.versions[0]


def target_of(cluster: Cluster, document: Mapping[str, Any]) -> Target:
    """The object that a manifest is about, as kubectl finds it.

    Args:
        cluster: what is written to.
        document: the manifest; without a namespace it means ``default``.

    Raises:
        RefusedWriteError: the cluster serves no such kind, or there is no name.
    """
    kind_name, api_version = str(document.get("kind") or ""), str(document.get("apiVersion") or "")
    if not kind_name or not api_version:
        missing = "kind" if not kind_name else "apiVersion"
        raise RefusedWriteError(f"the manifest has no {missing}: it is not set")
    group, _, version = api_version.rpartition("/")
    found = next(
        (
            one
            for one in cluster.catalog.types.values()
            if (one.group, one.kind) == (group, kind_name) and version in one.versions
        ),
        None,
    )
    kind = BY_GROUP_AND_PLURAL.get((group or "core", found.plural)) if found else None
    if found is None or kind is None:
        raise RefusedWriteError(f'no matches for kind "{kind_name}" in version "{api_version}"')
    if found.unread is not None:
        raise RefusedWriteError(f"{found.qualified}: {found.unread.reason}")
    metadata = as_mapping(document.get("metadata"))
    namespace = str(metadata.get("namespace") or _DEFAULT_NAMESPACE) if found.namespaced else ""
    name = str(metadata.get("name") or "")
    if not name:
        raise RefusedWriteError(f"{kind_name}: metadata.name is required")
    return Target(kind, namespace, name)


def checked_new(cluster: Cluster, target: Target, document: Mapping[str, Any]) -> dict[str, Any]:
    """An object as it is when it has just been created.

    Args:
        cluster: what is written to.
        target: its name.
        document: the whole manifest.

    Raises:
        RefusedWriteError: the API server would refuse it.
    """
    kind = cluster.catalog.types[target.key]
    try:
        return new_object(_sent(cluster, target, _version(document, kind)), document)
    except ApiError as error:
        raise RefusedWriteError(str(error)) from None


def checked_change(
    cluster: Cluster, target: Target, old: Object, document: Mapping[str, Any]
) -> dict[str, Any]:
    """An object as it is after it was replaced.

    Args:
        cluster: what is written to.
        target: its name.
        old: as it stands.
        document: the whole object as it shall be.

    Raises:
        RefusedWriteError: the API server would refuse it.
    """
    kind = cluster.catalog.types[target.key]
    version = str(old.get("apiVersion") or "").rpartition("/")[2] or kind.versions[0]
    try:
        return changed_object(_sent(cluster, target, version), old, document)
    except ApiError as error:
        raise RefusedWriteError(str(error)) from None
