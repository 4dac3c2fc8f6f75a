"""The ``scale`` subresource: replicas of a workload as ``autoscaling/v1`` Scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.resource import as_mapping
from meshdoctor.serve.answer import json_answer
from meshdoctor.serve.api_error import bad_request, invalid, method_not_allowed
from meshdoctor.serve.api_request import ApiRequest, read_body
from meshdoctor.serve.patch_objects import patched
from meshdoctor.serve.read_objects import existing
from meshdoctor.serve.table_columns import selector_text
from meshdoctor.serve.write_objects import change

if TYPE_CHECKING:
    from aiohttp import web

    from meshdoctor.serve.object_store import Object

_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(item: Object) -> dict[str, Any]:
    """The Scale of a workload."""
    spec, status = as_mapping(item.get("spec")), as_mapping(item.get("status"))
    metadata = item["metadata"]
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in _METADATA if key in metadata},
        "spec": {"replicas": spec.get("replicas", 1)},
        "status": {
            "replicas": status.get("replicas", 0),
            "selector": selector_text(spec.get("selector")),
        },
    }


def _scaled(request: ApiRequest, old: Object, scale: object) -> Object:
    """Write the replicas that a Scale wants.

    Raises:
        ApiError: it is none, or was made of an older state of the workload.
    """
    wanted = as_mapping(as_mapping(scale).get("spec")).get("replicas", 0)
    if not isinstance(wanted, int) or isinstance(wanted, bool):
        raise bad_request('Scale in version "v1" cannot be handled: spec.replicas is no number')
    if wanted < 0:
        message = f"Invalid value: {wanted}: must be greater than or equal to 0"
        raise invalid(request.kind, request.name, [("FieldValueInvalid", "spec.replicas", message)])
    given = as_mapping(as_mapping(scale).get("metadata"))
    metadata = dict(old["metadata"])
    for key in ("uid", "resourceVersion"):
        if given.get(key):
            metadata[key] = given[key]
    spec = {**as_mapping(old.get("spec")), "replicas": wanted}
    return change(request, old, {**old, "metadata": metadata, "spec": spec})


async def answer_scale(request: ApiRequest) -> web.StreamResponse:
    """Answer GET, PUT and PATCH of a workload's scale.

    Raises:
        ApiError: there is no such workload, or what is sent is no Scale.
    """
    old = existing(request)
    match request.info.verb:
        case "get":
            return json_answer(scale_of(old))
        case "update":
            wanted = await read_body(request.http)
        case "patch":
            media, patch = request.http.content_type, await read_body(request.http)
            # It has no lists, and no strategic merge patch of its own in a real server either.
            wanted = patched(scale_of(old), media, patch, custom=False)
        case _:
            raise method_not_allowed()
    return json_answer(scale_of(_scaled(request, existing(request), wanted)))
