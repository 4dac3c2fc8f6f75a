"""What the API server answers instead of what was asked, in its own words.

The messages are those of ``k8s.io/apimachinery/pkg/api/errors``: kubectl and clients tell cases
apart by ``reason`` and ``details``, people by the sentence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.serve.streams_refusal import RefusedError, status_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.serve.resource_type import ResourceType


NOT_RECORDED = 501
"""Of what the recording lacks: unlike 503 it is not tried again by clients, and it lasts."""


class ApiError(RefusedError):
    """A refusal that says what it is about."""

    def __init__(
        self, code: int, message: str, reason: str = "", details: dict[str, Any] | None = None
    ) -> None:
        """Say why.

        Args:
            code: the HTTP status.
            message: one sentence, in the API server's words.
            reason: the machine's word; the usual one of the code when empty.
            details: what it is about.
        """
        super().__init__(code, message, reason)
        self.status = status_object(code, message, reason, details)


def _about(kind: ResourceType, name: str) -> dict[str, Any]:
    facts = {"name": name, "group": kind.group, "kind": kind.plural}
    return {key: value for key, value in facts.items() if value}


def forbidden(kind: ResourceType, reason: str, name: str) -> ApiError:
    """Who recorded was not allowed to read it.

    Args:
        kind: what was asked for.
        reason: what the recorder was told.
        name: of the object; empty for a collection.
    """
    return ApiError(403, f"{kind.qualified} is forbidden: {reason}", details=_about(kind, name))


def not_recorded(kind: ResourceType, reason: str, name: str) -> ApiError:
    """It is not known what stands there.

    Args:
        kind: what was asked for.
        reason: why it is not known.
        name: of the object; empty for a collection.
    """
    message = f"{kind.qualified}: {reason}"
    return ApiError(NOT_RECORDED, message, "NotRecorded", _about(kind, name))


def unknown_path() -> ApiError:
    """Nothing is served there: what a client takes for "not installed"."""
    return ApiError(404, "the server could not find the requested resource", details={})


def not_found(kind: ResourceType, name: str) -> ApiError:
    """There is no such object."""
    return ApiError(404, f'{kind.qualified} "{name}" not found', details=_about(kind, name))


def already_exists(kind: ResourceType, name: str) -> ApiError:
    """There is one of that name."""
    message = f'{kind.qualified} "{name}" already exists'
    return ApiError(409, message, "AlreadyExists", _about(kind, name))


def conflict(kind: ResourceType, name: str, why: str) -> ApiError:
    """Someone else changed it since it was read, or it is not the one that is meant."""
    message = f'Operation cannot be fulfilled on {kind.qualified} "{name}": {why}'
    return ApiError(409, message, "Conflict", _about(kind, name))


MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def invalid(kind: ResourceType, name: str, causes: Sequence[tuple[str, str, str]]) -> ApiError:
    """An object that breaks rules.

    Args:
        kind: what it is.
        name: its name.
        causes: reason (``FieldValueInvalid``), field and sentence of each.
    """
    sentences = [f"{field}: {message}" for _, field, message in causes]
    said = sentences[0] if len(sentences) == 1 else f"[{', '.join(sentences)}]"
    details: dict[str, Any] = {
        "name": name,
        "group": kind.group,
        "kind": kind.kind,
        "causes": [
            {"reason": reason, "message": message, "field": field}
            for reason, field, message in causes
        ],
    }
    what = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    message = f'{what} "{name}" is invalid: {said}'
    return ApiError(422, message, "Invalid", {k: v for k, v in details.items() if v})


def bad_request(message: str) -> ApiError:
    """The request itself cannot be understood."""
    return ApiError(400, message)


def unsupported_media_type(given: str, accepted: Sequence[str]) -> ApiError:
    """A body in a form that is not read."""
    message = (
        f"the body of the request was in an unknown format ({given or 'none'}) - "
        f"accepted media types include: {', '.join(accepted)}"
    )
    return ApiError(415, message, "UnsupportedMediaType")


def not_acceptable(served: Sequence[str]) -> ApiError:
    """The client accepts no form that is written."""
    message = f"only the following media types are accepted: {', '.join(served)}"
    return ApiError(406, message, "NotAcceptable")


def method_not_allowed() -> ApiError:
    """A verb that the resource does not have."""
    return ApiError(405, "the server does not allow this method on the requested resource")


def expired(message: str) -> ApiError:
    """A resourceVersion or a page that lies too far back."""
    return ApiError(410, message, "Expired")
