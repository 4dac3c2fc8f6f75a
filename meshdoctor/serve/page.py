"""Lists in pages: ``limit`` and ``continue``, every page as of the first one's time."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from meshdoctor.serve.api_error import ApiError, bad_request, expired
from meshdoctor.serve.object_store import TooOldError, name_of

if TYPE_CHECKING:
    from meshdoctor.serve.api_request import ApiRequest
    from meshdoctor.serve.object_store import Name, Object

_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can "
    "start a new list without the continue parameter, or use the continue token in this response "
    "to retrieve the remainder of the results. Continuing with the provided token results in an "
    "inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class Token:
    """Where a page begins, as etcd's paging has it."""

    version: int
    """The resourceVersion the first page was read at; 0 for now (after one that expired)."""
    after: Name
    """The last object of the page before."""

    def encoded(self) -> str:
        """The token for clients."""
        document = msgspec.json.encode({"v": "meta.k8s.io/v1", "rv": self.version, "s": self.after})
        return base64.urlsafe_b64encode(document).decode().rstrip("=")


def read_token(text: str) -> Token:
    """Read a ``continue`` token.

    Raises:
        ApiError: it is not one of ours.
    """
    try:
        padded = text + "=" * (-len(text) % 4)
        document = msgspec.json.decode(base64.urlsafe_b64decode(padded.encode()))
        namespace, name = document["s"]
        return Token(int(document["rv"]), (str(namespace), str(name)))
    except (ValueError, KeyError, TypeError, msgspec.DecodeError):
        raise bad_request("continue key is not valid: it is none of this server's") from None


def _limit(text: str) -> int:
    if text and not text.isdecimal():
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text or 0)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, or all of it."""

    items: list[Object]
    metadata: dict[str, Any]
    """resourceVersion, and where the rest is."""


def _objects(request: ApiRequest, token: Token | None) -> tuple[int, list[Object]]:
    """The objects of a resource, and the resourceVersion they stand for."""
    store, key = request.cluster.store, request.kind.key
    if token is None or token.version == 0:
        return store.version, store.all(key)
    try:
        return token.version, store.all_at(key, token.version)
    except TooOldError:
        error = expired(_EXPIRED)
        error.status["metadata"] = {"continue": Token(0, token.after).encoded()}
        raise error from None


def read_page(request: ApiRequest) -> Page:
    """Find what a list asks for.

    Raises:
        ApiError: a parameter cannot be understood, or the page has expired.
    """
    query, selection = request.query, request.selection()
    limit = _limit(query.get("limit", ""))
    _check_version(request, query.get("resourceVersion", ""))
    token = read_token(query["continue"]) if query.get("continue") else None
    version, objects = _objects(request, token)
    if token is not None:
        objects = [item for item in objects if name_of(item) > token.after]
    items = [item for item in objects if selection.includes(item)]
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if limit and len(items) > limit:
        left = len(items) - limit
        items = items[:limit]
        metadata["continue"] = Token(version, name_of(items[-1])).encoded()
        # The API server cannot count what a selector leaves out.
        if not selection.is_partial:
            metadata["remainingItemCount"] = left
    return Page(items, metadata)


def _check_version(request: ApiRequest, written: str) -> None:
    """A list may ask for a time: one that has not come yet, or is long gone, is refused."""
    if not written or written == "0":
        return
    if not written.isdecimal():
        raise bad_request(f'resourceVersion: Invalid value: "{written}": strconv.ParseUint')
    store = request.cluster.store
    if int(written) > store.version:
        raise _too_large(int(written), store.version)
    exact = request.query.get("resourceVersionMatch") == "Exact"
    if exact and int(written) < store.oldest:
        raise expired(f"The resourceVersion for the provided list is too old: {written}")


def _too_large(wanted: int, now: int) -> ApiError:
    message = f"Timeout: Too large resource version: {wanted}, current: {now}"
    details = {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }
    return ApiError(504, message, "Timeout", details)
