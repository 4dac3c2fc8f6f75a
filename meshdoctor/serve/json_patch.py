"""JSON Patch (RFC 6902), by the kept library, and JSON merge patch (RFC 7396)."""

from __future__ import annotations

from typing import Any

import jsonpatch
import jsonpointer

MOST_OPERATIONS = 10_000
"""``jsonpatch`` of Kubernetes' request handlers refuses more."""


class PatchError(ValueError):
    """A patch that cannot be applied; the message is one line."""


def json_patch(document: Any, operations: object) -> Any:
    """Apply a JSON Patch.

    Args:
        document: what it is applied to; stays as it is.
        operations: the patch.

    Raises:
        PatchError: it is none, or one of its operations cannot be carried out.
    """
    if not isinstance(operations, list):
        raise PatchError("a JSON patch is an array of operations")
    if len(operations) > MOST_OPERATIONS:
        raise PatchError(f"a JSON patch has at most {MOST_OPERATIONS} operations")
    try:
        return jsonpatch.JsonPatch(operations).apply(document)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as error:
        raise PatchError(" ".join(str(error).split())) from None
    except (TypeError, KeyError, ValueError, IndexError, AttributeError) as error:
        # The library leaves some shapes that are no patch to Python's own errors.
        raise PatchError(f"the patch cannot be applied: {error}") from None


def merge_patch(document: Any, patch: Any) -> Any:
    """Apply a JSON merge patch: null takes away, objects are merged, all else is put in place.

    Args:
        document: what it is applied to; stays as it is.
        patch: the patch.
    """
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged
