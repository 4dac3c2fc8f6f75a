"""patch: JSON patch, JSON merge patch, strategic merge patch and server-side apply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.answer import json_answer
from meshdoctor.serve.api_error import ApiError, bad_request, unsupported_media_type
from meshdoctor.serve.api_request import ApiRequest, read_body, read_yaml
from meshdoctor.serve.apply_patch import applied, conflicts, fields_of, without
from meshdoctor.serve.json_patch import PatchError, json_patch, merge_patch
from meshdoctor.serve.new_object import checked_document
from meshdoctor.serve.read_objects import existing
from meshdoctor.serve.strategic_patch import strategic_patch
from meshdoctor.serve.write_objects import change, create

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from meshdoctor.serve.object_store import Object

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
_ALL = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)
"""A custom resource has no strategic merge patch: its lists have no keys."""


def patched(document: Mapping[str, Any], media: str, patch: Any, *, custom: bool) -> Any:
    """Apply a patch of one of the three kinds that need an object.

    Args:
        document: the object, with apiVersion and kind.
        media: the patch's kind.
        patch: the decoded body.
        custom: whether the object is a custom resource.

    Raises:
        ApiError: the patch cannot be applied, or is of another kind.
    """
    accepted = [one for one in _ALL if not (custom and one == STRATEGIC_PATCH)]
    if media not in accepted:
        raise unsupported_media_type(media, accepted)
    try:
        if media == JSON_PATCH:
            return json_patch(document, patch)
        if media == MERGE_PATCH:
            return merge_patch(document, patch)
        return strategic_patch(document, patch)
    except PatchError as error:
        message = f"the server rejected our request due to an error in our request: {error}"
        raise ApiError(422, message, "Invalid", {}) from None


async def patch_object(request: ApiRequest) -> web.StreamResponse:
    """Answer a PATCH.

    Raises:
        ApiError: there is no such object, or the patch cannot be applied.
    """
    if request.http.content_type == APPLY_PATCH:
        return await _apply(request)
    patch = await read_body(request.http)
    old = existing(request)
    form = request.representation()
    whole = patched(form.item(old), request.http.content_type, patch, custom=request.kind.custom)
    return json_answer(form.one(change(request, old, whole)))


async def _apply(request: ApiRequest) -> web.StreamResponse:
    config = checked_document(request, read_yaml(await request.http.read()))
    manager = request.query.get("fieldManager")
    if not manager:
        raise bad_request("PatchOptions.meta.k8s.io is invalid: fieldManager: Required value")
    config["metadata"].pop("managedFields", None)
    form = request.representation()
    store = request.cluster.store
    old = store.get(request.kind.key, request.namespace, request.name)
    if old is None:
        config["metadata"]["name"] = request.name
        item = create(request, _managed(request, config, config, (), manager))
        return json_answer(form.one(item), 201)
    return json_answer(form.one(change(request, old, _merged(request, old, config, manager))))


def _merged(
    request: ApiRequest, old: Object, config: dict[str, Any], manager: str
) -> dict[str, Any]:
    """The object with a configuration applied to it."""
    builtin = not request.kind.custom
    owners = [as_mapping(one) for one in as_list(old["metadata"].get("managedFields"))]
    others = [one for one in owners if not _is_apply(one, manager)]
    if not request.flag("force"):
        _refuse_conflicts(request, old, config, others)
    whole = applied(request.representation().item(old), config, builtin=builtin)
    fields = fields_of(config, builtin=builtin)
    for owner in owners:
        if _is_apply(owner, manager):
            kept = fields
            for other in others:
                kept = merge_patch(kept, as_mapping(other.get("fieldsV1")))
            whole = without(whole, dict(as_mapping(owner.get("fieldsV1"))), kept)
    return _managed(request, whole, config, others, manager)


def _is_apply(owner: Mapping[str, Any], manager: str) -> bool:
    return owner.get("manager") == manager and owner.get("operation") == "Apply"


def _refuse_conflicts(
    request: ApiRequest, old: Object, config: Mapping[str, Any], others: list[Mapping[str, Any]]
) -> None:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f'conflict with "{other.get("manager")}"',
            "field": field,
        }
        for other in others
        for field in conflicts(old, config, dict(as_mapping(other.get("fieldsV1"))))
    ]
    if not causes:
        return
    said = "; ".join(f"{cause['message']}: {cause['field']}" for cause in causes)
    plural = "s" if len(causes) > 1 else ""
    message = f"Apply failed with {len(causes)} conflict{plural}: {said}"
    raise ApiError(409, message, "Conflict", {"causes": causes})


def _managed(
    request: ApiRequest,
    item: Mapping[str, Any],
    config: Mapping[str, Any],
    others: list[Mapping[str, Any]] | tuple[()],
    manager: str,
) -> dict[str, Any]:
    """The object with the manager among its managedFields."""
    fields = fields_of(config, builtin=not request.kind.custom)
    old = [as_mapping(one) for one in as_list(as_mapping(item["metadata"]).get("managedFields"))]
    before = next((one for one in old if _is_apply(one, manager)), None)
    now = request.cluster.clock.timestamp()
    same = before is not None and before.get("fieldsV1") == fields
    entry = {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": request.kind.api_version(request.info.version),
        "time": before["time"] if before is not None and same else now,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    metadata = {**item["metadata"], "managedFields": [*others, entry]}
    return {**item, "metadata": metadata}
