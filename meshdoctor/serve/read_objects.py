"""get, list and watch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.serve.answer import json_answer
from meshdoctor.serve.api_error import not_found
from meshdoctor.serve.page import read_page
from meshdoctor.serve.watch import Watch

if TYPE_CHECKING:
    from aiohttp import web

    from meshdoctor.serve.api_request import ApiRequest
    from meshdoctor.serve.object_store import Object


def existing(request: ApiRequest) -> Object:
    """The object a path names.

    Raises:
        ApiError: there is none.
    """
    item = request.cluster.store.get(request.kind.key, request.namespace, request.name)
    if item is None:
        raise not_found(request.kind, request.name)
    return item


async def get_object(request: ApiRequest) -> web.StreamResponse:
    """Answer one object; ``status`` answers the whole object too.

    Raises:
        ApiError: there is none.
    """
    return json_answer(request.representation().one(existing(request)))


async def list_objects(request: ApiRequest) -> web.StreamResponse:
    """Answer a list, or a page of it.

    Raises:
        ApiError: a parameter cannot be understood, or the page has expired.
    """
    form, page = request.representation(), read_page(request)
    return json_answer(form.list(page.items, page.metadata))


async def watch_objects(request: ApiRequest) -> web.StreamResponse:
    """Answer what happens, while it happens.

    Raises:
        ApiError: a parameter cannot be understood.
    """
    return await Watch(request).run()
