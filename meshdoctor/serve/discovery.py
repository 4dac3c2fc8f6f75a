"""Discovery: which groups, versions and resources are served, in the old and the new form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.serve.api_error import unknown_path
from meshdoctor.serve.resource_type import ResourceType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.serve.catalog import Catalog

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
_AGGREGATED_VERSIONS = ("v2", "v2beta1")
_STREAMS = (
    ("log", "Pod", ("get",)),
    ("exec", "PodExecOptions", ("create", "get")),
    ("portforward", "PodPortForwardOptions", ("create", "get")),
)
_REVIEWS = {
    "authorization.k8s.io": (
        ("selfsubjectaccessreviews", "SelfSubjectAccessReview"),
        ("selfsubjectrulesreviews", "SelfSubjectRulesReview"),
    ),
    "authentication.k8s.io": (("selfsubjectreviews", "SelfSubjectReview"),),
}
_STATUS_VERBS = ("get", "patch", "update")

Subresource = tuple[str, str, str, str, tuple[str, ...]]
"""Name, kind, and where it is another's kind its group and version; verbs."""


def review_types() -> Iterator[ResourceType]:
    """The resources that answer who one is and what one may do."""
    for group, reviews in _REVIEWS.items():
        for plural, kind in reviews:
            yield ResourceType(group, plural, kind, namespaced=False, verbs=("create",))


def _subresources(kind: ResourceType) -> Iterator[Subresource]:
    if kind.key == ("", "pods"):
        for name, stream, verbs in _STREAMS:
            yield name, stream, "", "v1", verbs
    if kind.has_scale:
        yield "scale", "Scale", "autoscaling", "v1", _STATUS_VERBS
    if kind.has_status:
        yield "status", kind.kind, "", "", _STATUS_VERBS


def _group_versions(catalog: Catalog) -> dict[str, list[str]]:
    groups = catalog.groups()
    for one in review_types():
        groups.setdefault(one.group, list(one.versions))
    return groups


def _resources(catalog: Catalog, group: str, version: str) -> list[ResourceType]:
    reviews = [one for one in review_types() if (one.group, one.versions) == (group, (version,))]
    return [*catalog.of_version(group, version), *reviews]


def api_versions(address: str) -> dict[str, Any]:
    """``/api``: the versions of the core group.

    Args:
        address: host and port the server is reached at.
    """
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def _group(group: str, versions: list[str]) -> dict[str, Any]:
    written = [{"groupVersion": f"{group}/{one}", "version": one} for one in versions]
    return {"name": group, "versions": written, "preferredVersion": written[0]}


def api_groups(catalog: Catalog) -> dict[str, Any]:
    """``/apis``: the groups and their versions."""
    groups = _group_versions(catalog)
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group(group, groups[group]) for group in groups if group],
    }


def api_group(catalog: Catalog, group: str) -> dict[str, Any]:
    """``/apis/GROUP``.

    Raises:
        ApiError: there is no such group.
    """
    versions = _group_versions(catalog).get(group)
    if not group or not versions:
        raise unknown_path()
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(group, versions)}


def api_resources(catalog: Catalog, group: str, version: str) -> dict[str, Any]:
    """``/api/v1`` and ``/apis/GROUP/VERSION``: the resources, in the old form.

    Raises:
        ApiError: there is no such version.
    """
    found = _resources(catalog, group, version)
    if not found:
        raise unknown_path()
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/{version}" if group else version,
        "resources": [entry for one in found for entry in _old_entries(one)],
    }


def _old_entries(kind: ResourceType) -> Iterator[dict[str, Any]]:
    entry: dict[str, Any] = {
        "name": kind.plural,
        "singularName": kind.singular_name,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    yield entry
    for name, of, group, version, verbs in _subresources(kind):
        written: dict[str, Any] = {
            "name": f"{kind.plural}/{name}",
            "singularName": "",
            "namespaced": kind.namespaced,
            "kind": of,
            "verbs": list(verbs),
        }
        if group:
            written |= {"group": group, "version": version}
        yield written


def wanted_aggregation(accept: str) -> str | None:
    """The version of aggregated discovery that an Accept header asks for; None for the old form."""
    for one in accept.replace(" ", "").split(","):
        for version in _AGGREGATED_VERSIONS:
            if one.split(";q=")[0] == AGGREGATED.format(version=version):
                return version
    return None


def aggregated(catalog: Catalog, version: str, *, core: bool) -> dict[str, Any]:
    """Everything in one answer (``apidiscovery.k8s.io``).

    Args:
        catalog: what is served.
        version: of the form.
        core: the core group, as ``/api`` has it; else all the others, as ``/apis`` has them.
    """
    groups = _group_versions(catalog)
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": [
            {
                "metadata": {"name": group, "creationTimestamp": None} if group else {},
                "versions": [_version(catalog, group, one) for one in versions],
            }
            for group, versions in groups.items()
            if (not group) == core
        ],
    }


def _version(catalog: Catalog, group: str, version: str) -> dict[str, Any]:
    resources = [_new_entry(one, version) for one in _resources(catalog, group, version)]
    return {"version": version, "resources": resources, "freshness": "Current"}


def _new_entry(kind: ResourceType, version: str) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "resource": kind.plural,
        "responseKind": {"group": kind.group, "version": version, "kind": kind.kind},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular_name,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    parts = [
        {
            "subresource": name,
            "responseKind": {
                "group": group or kind.group,
                "version": part_version or version,
                "kind": of,
            },
            "verbs": list(verbs),
        }
        for name, of, group, part_version, verbs in _subresources(kind)
    ]
    return entry | ({"subresources": parts} if parts else {})
