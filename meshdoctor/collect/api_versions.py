"""In which version an API server serves each kind, by its discovery documents."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.read_reasons import failed
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.collect.api import KubeApi
    from meshdoctor.model.kinds import Kind

AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json"
)
"""Every group, version and resource in one answer; older servers answer with the groups alone."""
_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")
_STABILITY = {None: 2, "beta": 1, "alpha": 0}
_CORE = "core"


def version_rank(version: str) -> tuple[int, int, int]:
    """A version's place in Kubernetes' own order: v2 before v1 before v1beta1 before v1alpha3.

    The greatest is preferred (apimachinery, ``version.CompareKubeAwareVersionStrings``).
    """
    match = _VERSION.fullmatch(version)
    if match is None:
        return (-1, 0, 0)
    return (_STABILITY[match[2]], int(match[1]), int(match[3] or 0))


class _Version(msgspec.Struct):
    gitVersion: str  # noqa: N815 - the API's own word


def is_version(body: bytes) -> bool:
    """Whether an answer to ``/version`` is one (version.Info)."""
    try:
        msgspec.json.decode(body, type=_Version)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Served:
    """What discovery said."""

    versions: Mapping[tuple[str, str], tuple[str, ...]]
    """Group and plural to the versions it is served in, the preferred first."""
    unknown: Mapping[str, ReadError]
    """Groups that discovery could not tell about, and why."""

    def version_of(self, kind: Kind) -> str | None:
        """The version to read a kind in; None when it is not served.

        Raises:
            ReadError: discovery could not tell.
        """
        if kind.group == _CORE:
            return "v1"
        versions = self.versions.get((kind.group, kind.plural))
        if versions:
            return versions[0]
        if kind.group in self.unknown:
            raise self.unknown[kind.group]
        return None


def _document(data: bytes) -> Mapping[str, Any]:
    try:
        return as_mapping(msgspec.json.decode(data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _build(found: Mapping[tuple[str, str], set[str]], unknown: Mapping[str, ReadError]) -> Served:
    ordered = {
        key: tuple(sorted(versions, key=version_rank, reverse=True))
        for key, versions in found.items()
    }
    return Served(ordered, unknown)


def _of_aggregated(document: Mapping[str, Any]) -> Served:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    unknown: dict[str, ReadError] = {}
    for item in map(as_mapping, as_list(document.get("items"))):
        group = str(as_mapping(item.get("metadata")).get("name") or "")
        for version in map(as_mapping, as_list(item.get("versions"))):
            name = str(version.get("version") or "")
            if version.get("freshness") == "Stale":
                unknown[group] = failed(f"discovery of {group}/{name} is stale")
            for resource in map(as_mapping, as_list(version.get("resources"))):
                found[group, str(resource.get("resource"))].add(name)
    return _build(found, unknown)


def _wanted_versions(document: Mapping[str, Any], groups: Iterable[str]) -> list[tuple[str, str]]:
    wanted = set(groups)
    return [
        (str(item["name"]), str(as_mapping(version).get("version") or ""))
        for item in map(as_mapping, as_list(document.get("groups")))
        if item.get("name") in wanted
        for version in as_list(item.get("versions"))
    ]


async def _of_groups(api: KubeApi, document: Mapping[str, Any], kinds: Iterable[Kind]) -> Served:
    """The older form: one request for each version of each group that matters."""
    wanted = _wanted_versions(document, (kind.group for kind in kinds))
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    unknown: dict[str, ReadError] = {}

    async def resources(group: str, version: str) -> None:
        try:
            answer = await api.get(f"/apis/{group}/{version}")
        except ReadError as error:
            if error.http_status != 404:
                unknown[group] = error
            return
        for item in as_list(_document(answer.body).get("resources")):
            found[group, str(as_mapping(item).get("name"))].add(version)

    await asyncio.gather(*(resources(group, version) for group, version in wanted))
    return _build(found, unknown)


async def discover(api: KubeApi, kinds: Iterable[Kind]) -> Served:
    """Ask which kinds are served, and in which versions.

    Args:
        api: the cluster.
        kinds: those that matter.

    Raises:
        ReadError: discovery was refused or is no discovery.
    """
    answer = await api.get("/apis", accept=AGGREGATED)
    document = _document(answer.body)
    match document.get("kind"):
        case "APIGroupDiscoveryList":
            return _of_aggregated(document)
        case "APIGroupList":
            return await _of_groups(api, document, kinds)
    raise failed("the answer to /apis is no list of API groups")
