"""Read all objects of one kind: paged, and namespace by namespace where only that is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.list_document import read_list, write_list
from meshdoctor.collect.paging import Listing, joined, list_pages
from meshdoctor.collect.read_reasons import one_line
from meshdoctor.collect.rights import CLUSTER_SCOPED
from meshdoctor.model.kinds import EVENT, NAMESPACE, Kind
from meshdoctor.model.not_read import NotReadStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.collect.api import KubeApi

_MOST_EVENTS = 10_000
"""A cluster may hold a hundred thousand events; what is not read of them is said."""


@dataclass(frozen=True, slots=True)
class ReadList:
    """A List as it was read."""

    data: bytes
    """One List document."""
    problem: ReadError | None = None
    """Why it is not the whole one."""


def base_path(kind: Kind, version: str) -> str:
    """Where the API server serves a version of a group."""
    return f"/api/{version}" if kind.group == "core" else f"/apis/{kind.group}/{version}"


def list_path(kind: Kind, version: str, namespace: str = "") -> str:
    """Where the API server serves a kind.

    Args:
        kind: the kind.
        version: of its group.
        namespace: empty for all of them, and for what is in none.
    """
    within = f"/namespaces/{namespace}" if namespace else ""
    return f"{base_path(kind, version)}{within}/{kind.plural}"


def artifact_path(kind: Kind, version: str) -> str:
    """Where a recording keeps a kind."""
    return f"kubernetes/{kind.group}/{version}/{kind.plural}.json"


async def _all(api: KubeApi, kind: Kind, path: str) -> ReadList:
    if kind is EVENT:
        return await _events(api, path)
    return ReadList((await list_pages(api, path)).document)


async def _events(api: KubeApi, path: str) -> ReadList:
    """Of more events than anyone looks through, the warnings are what counts."""
    most = {"limit": str(_MOST_EVENTS)}
    body = (await api.get(path, most)).body
    document = read_list(body)
    if not document.metadata.continue_:
        return ReadList(body)
    left = document.metadata.remaining_item_count or 0
    total = f"{len(document.raw_items) + left}" if left else f"more than {_MOST_EVENTS}"
    body = (await api.get(path, {**most, "fieldSelector": "type=Warning"})).body
    document = read_list(body)
    which = "the warnings"
    if document.metadata.continue_:
        which = f"the first {len(document.raw_items)} warnings"
    reason = f"of {total} events only {which} were read"
    return ReadList(
        write_list(document, document.raw_items), ReadError(NotReadStatus.FAILED, reason)
    )


async def read_kind(api: KubeApi, kind: Kind, version: str, namespaces: Sequence[str]) -> ReadList:
    """Read all objects of a kind.

    Args:
        api: the cluster.
        kind: what to read.
        version: in which version of its group.
        namespaces: where to read it when it may not be read everywhere.

    Raises:
        ReadError: nothing could be read.
    """
    try:
        return await _all(api, kind, list_path(kind, version))
    except ReadError as error:
        cluster_wide = kind in CLUSTER_SCOPED and kind is not NAMESPACE
        if error.status is not NotReadStatus.DENIED or not namespaces or cluster_wide:
            raise
        refusal = error
    return await _by_namespace(api, kind, version, namespaces, refusal)


async def _by_namespace(
    api: KubeApi, kind: Kind, version: str, namespaces: Sequence[str], refusal: ReadError
) -> ReadList:
    found: dict[str, Listing] = {}
    for namespace in namespaces:
        try:
            found[namespace] = await _within(api, kind, version, namespace)
        except ReadError:
            # It is not among those that are said to have been read.
            continue
    if not found:
        raise refusal
    problem = ReadError(
        NotReadStatus.DENIED,
        one_line(f"only those of {', '.join(found)} were read: {refusal.reason}"),
        refusal.http_status,
    )
    return ReadList(joined(found.values()).document, problem)


async def _within(api: KubeApi, kind: Kind, version: str, namespace: str) -> Listing:
    if kind is not NAMESPACE:
        return await list_pages(api, list_path(kind, version, namespace))
    # A right within a namespace lets one read the namespace itself, by its name.
    answer = await api.get(f"{list_path(kind, version)}/{namespace}")
    return Listing("NamespaceList", version, "", (answer.body.strip(),))
