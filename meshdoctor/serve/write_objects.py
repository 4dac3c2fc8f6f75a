"""create, update, delete and deletecollection: all held in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.answer import json_answer
from meshdoctor.serve.api_error import already_exists, conflict
from meshdoctor.serve.api_request import ApiRequest, read_body
from meshdoctor.serve.new_object import changed_object, need_version, new_object
from meshdoctor.serve.object_store import name_of
from meshdoctor.serve.read_objects import existing

if TYPE_CHECKING:
    from aiohttp import web

    from meshdoctor.serve.object_store import Object

_CREATED = 201


def keep(request: ApiRequest, item: Object) -> Object:
    """Write an object, unless the request is a dry run.

    Returns:
        It, with its resourceVersion.
    """
    if request.dry_run:
        return item
    return request.cluster.store.put(request.kind.key, item)


def create(request: ApiRequest, body: object) -> Object:
    """Create an object.

    Args:
        request: where.
        body: the decoded body.

    Raises:
        ApiError: it breaks rules, or is there already.
    """
    item = new_object(request, body)
    name = item["metadata"]["name"]
    if request.cluster.store.get(request.kind.key, request.namespace, name) is not None:
        raise already_exists(request.kind, name)
    return keep(request, request.cluster.admit(request.kind.key, item, None))


def change(request: ApiRequest, old: Object, body: object) -> Object:
    """Put an object in place of another; where nothing differs, nothing is written.

    Args:
        request: where, and to which subresource.
        old: as it stands.
        body: as it shall be.

    Raises:
        ApiError: it breaks rules, or was changed meanwhile.
    """
    new = changed_object(request, old, body)
    if new == old:
        return old
    if new["metadata"].get("deletionTimestamp") and not new["metadata"].get("finalizers"):
        if not request.dry_run:
            request.cluster.store.remove(request.kind.key, *name_of(old))
        return new
    if not request.info.subresource:
        return keep(request, request.cluster.admit(request.kind.key, new, old))
    return keep(request, new)


async def create_object(request: ApiRequest) -> web.StreamResponse:
    """Answer a POST.

    Raises:
        ApiError: see ``create``.
    """
    item = create(request, await read_body(request.http))
    return json_answer(request.representation().one(item), _CREATED)


async def update_object(request: ApiRequest) -> web.StreamResponse:
    """Answer a PUT.

    Raises:
        ApiError: see ``change``.
    """
    body = await read_body(request.http)
    old = existing(request)
    need_version(request.kind, body)
    return json_answer(request.representation().one(change(request, old, body)))


def _check_preconditions(request: ApiRequest, item: Object, options: Any) -> None:
    wanted = as_mapping(as_mapping(options).get("preconditions"))
    for field, label in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        given, real = wanted.get(field), item["metadata"].get(field)
        if given and given != real:
            why = (
                f"Precondition failed: {label} in precondition: {given}, "
                f"{label} in object meta: {real}"
            )
            raise conflict(request.kind, str(item["metadata"]["name"]), why)


def delete(request: ApiRequest, item: Object) -> Object:
    """Delete an object at once, or mark it when finalizers hold it back.

    Returns:
        It as it last was.
    """
    metadata = item["metadata"]
    if as_list(metadata.get("finalizers")):
        if metadata.get("deletionTimestamp"):
            return item
        marks = {
            "deletionTimestamp": request.cluster.clock.timestamp(),
            "deletionGracePeriodSeconds": 0,
        }
        return keep(request, {**item, "metadata": {**metadata, **marks}})
    if request.dry_run:
        return item
    return request.cluster.store.remove(request.kind.key, *name_of(item)) or item


async def _options(request: ApiRequest) -> Any:
    return await read_body(request.http) if request.http.can_read_body else {}


def _dry(request: ApiRequest, options: Any) -> ApiRequest:
    """A dry run may also be asked for in the body of a delete."""
    return request.dried() if "All" in as_list(as_mapping(options).get("dryRun")) else request


async def delete_object(request: ApiRequest) -> web.StreamResponse:
    """Answer a DELETE with a Status.

    Raises:
        ApiError: there is no such object, or it is another than the one that is meant.
    """
    options = await _options(request)
    item = existing(request)
    _check_preconditions(request, item, options)
    last = delete(_dry(request, options), item)
    if last["metadata"].get("deletionTimestamp"):
        return json_answer(request.representation().one(last))
    details = {
        "name": request.name,
        "group": request.kind.group,
        "kind": request.kind.plural,
        "uid": item["metadata"].get("uid"),
    }
    return json_answer(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": {key: value for key, value in details.items() if value},
        }
    )


async def delete_objects(request: ApiRequest) -> web.StreamResponse:
    """Answer a DELETE of a collection with what was deleted.

    Raises:
        ApiError: a selector cannot be understood.
    """
    options, selection = await _options(request), request.selection()
    store = request.cluster.store
    found = [item for item in store.all(request.kind.key) if selection.includes(item)]
    gone = [delete(_dry(request, options), item) for item in found]
    metadata = {"resourceVersion": str(store.version)}
    return json_answer(request.representation().list(gone, metadata))
