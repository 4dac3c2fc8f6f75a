"""Read the Secrets and ConfigMaps that are wanted, each into one List document."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.list_document import ListDocument, item_name, read_list, write_list
from meshdoctor.collect.named_objects import ROOT_CONFIG_MAP, is_wanted_config_map
from meshdoctor.collect.object_lists import ReadList, list_path
from meshdoctor.collect.paging import list_pages
from meshdoctor.collect.read_reasons import one_line
from meshdoctor.model.kinds import CONFIG_MAP, SECRET
from meshdoctor.model.not_read import NotReadStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from meshdoctor.collect.api import KubeApi
    from meshdoctor.collect.named_objects import Name

_VERSION = "v1"
_NOT_FOUND = 404
_TEMPLATES = "config"
_INJECTOR = "istio-sidecar-injector"
_IN_FLIGHT = 8
"""Secrets asked for at once: they are many only where gateways are."""


async def read_secrets(api: KubeApi, wanted: Sequence[Name]) -> ReadList:
    """Read Secrets by name; one that does not exist is simply not in the list.

    Args:
        api: the cluster.
        wanted: namespace and name of each.

    Returns:
        Those that exist, as one List, and why some could not be read.

    Raises:
        ReadError: none could be read.
    """
    slots = asyncio.Semaphore(_IN_FLIGHT)

    async def one(name: Name) -> bytes | ReadError | None:
        async with slots:
            try:
                answer = await api.get(f"{list_path(SECRET, _VERSION, name[0])}/{name[1]}")
            except ReadError as error:
                return None if error.http_status == _NOT_FOUND else error
            return answer.body

    answers = await asyncio.gather(*(one(name) for name in wanted))
    errors = [
        (name, answer)
        for name, answer in zip(wanted, answers, strict=True)
        if isinstance(answer, ReadError)
    ]
    if errors and len(errors) == len(wanted):
        raise errors[0][1]
    items = [msgspec.Raw(answer) for answer in answers if isinstance(answer, bytes)]
    empty = ListDocument("SecretList", _VERSION)
    return ReadList(write_list(empty, items), _partly(errors, len(wanted)))


def _partly(errors: Sequence[tuple[Name, ReadError]], wanted: int) -> ReadError | None:
    if not errors:
        return None
    (namespace, name), error = errors[0]
    reason = f"{len(errors)} of {wanted} could not be read, {namespace}/{name} first: "
    return ReadError(error.status, one_line(reason + error.reason), error.http_status)


async def read_config_maps(
    api: KubeApi, istio_namespaces: Sequence[str], namespaces: Sequence[str]
) -> ReadList:
    """Read Istio's own ConfigMaps, and the mesh's root certificate of every namespace.

    Args:
        api: the cluster.
        istio_namespaces: where control planes run.
        namespaces: where to read when it may not be read everywhere.

    Raises:
        ReadError: nothing could be read.
    """
    problem: ReadError | None = None
    items: dict[Name, msgspec.Raw] = {}
    by_name = {"fieldSelector": f"metadata.name={ROOT_CONFIG_MAP}"}
    document = ListDocument("ConfigMapList", _VERSION)
    try:
        listed = await list_pages(api, list_path(CONFIG_MAP, _VERSION), by_name)
        document = read_list(listed.document)
        _take(document, istio_namespaces, items)
        wider: Sequence[str] = ()
    except ReadError as error:
        problem, wider = error, namespaces
    read_any = problem is None
    for namespace in dict.fromkeys((*istio_namespaces, *wider)):
        query = {} if namespace in istio_namespaces else by_name
        try:
            listed = await list_pages(api, list_path(CONFIG_MAP, _VERSION, namespace), query)
        except ReadError as error:
            problem = problem or error
            continue
        read_any = True
        _take(read_list(listed.document), istio_namespaces, items)
    if problem is not None and not read_any:
        raise problem
    data = write_list(document, (items[name] for name in sorted(items)))
    return ReadList(data, _incomplete(problem))


def _incomplete(problem: ReadError | None) -> ReadError | None:
    if problem is None or problem.http_status == _NOT_FOUND:
        return None
    status = problem.status
    if status is NotReadStatus.NOT_INSTALLED:
        status = NotReadStatus.FAILED
    reason = one_line(f"some could not be read: {problem.reason}")
    return ReadError(status, reason, problem.http_status)


def _take(
    document: ListDocument, istio_namespaces: Iterable[str], items: dict[Name, msgspec.Raw]
) -> None:
    for item in document.raw_items:
        namespace, name = item_name(item)
        if is_wanted_config_map(namespace, name, istio_namespaces):
            items[namespace, name] = _without_templates(item, name)


def _without_templates(item: msgspec.Raw, name: str) -> msgspec.Raw:
    """The injector's templates are Istio's own text, and most of the ConfigMap."""
    if not name.startswith(_INJECTOR):
        return item
    whole = msgspec.json.decode(item)
    data = whole.get("data")
    if isinstance(data, dict):
        data.pop(_TEMPLATES, None)
    return msgspec.Raw(msgspec.json.encode(whole))
