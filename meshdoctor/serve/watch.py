"""Watches: one JSON line for each write, for as long as the client listens."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from meshdoctor.serve.api_error import bad_request, expired
from meshdoctor.serve.object_store import Change, ChangeType, TooOldError
from meshdoctor.serve.representation import Form
from meshdoctor.serve.streams_end import while_open

if TYPE_CHECKING:
    from meshdoctor.serve.api_request import ApiRequest
    from meshdoctor.serve.object_store import Object
    from meshdoctor.serve.representation import Representation
    from meshdoctor.serve.selection import Selection

_LONGEST = 1800.0
"""Seconds a watch lasts that does not say; the API server takes 30 to 60 minutes."""
_BOOKMARK_EVERY = 60.0
"""Seconds between two bookmarks."""
_INITIAL_END = "k8s.io/initial-events-end"


def event_of(change: Change, selection: Selection) -> tuple[ChangeType, Object] | None:
    """What a write means to a watcher: an object may come into a selection, or leave it.

    Returns:
        The event's type and object; None when it means nothing.
    """
    was = change.previous is not None and selection.includes(change.previous)
    stays = change.type is not ChangeType.DELETED and selection.includes(change.object)
    if stays:
        return (ChangeType.MODIFIED if was else ChangeType.ADDED), change.object
    if not was or change.previous is None:
        return None
    # It is shown as it last was in the selection, at the time it left.
    version = change.object["metadata"]["resourceVersion"]
    last = {**change.previous, "metadata": {**change.previous["metadata"]}}
    last["metadata"]["resourceVersion"] = version
    return ChangeType.DELETED, last


class Watch:
    """One watch of one client."""

    def __init__(self, request: ApiRequest) -> None:
        """Read what it asks for.

        Args:
            request: a list with ``watch=true``.

        Raises:
            ApiError: a parameter cannot be understood.
        """
        self._request = request
        self._store = request.cluster.store
        self._selection = request.selection()
        self._form = request.representation()
        self._bookmarks = request.flag("allowWatchBookmarks")
        self._initial = request.flag("sendInitialEvents")
        self._version, self._from_now = self._start()
        self._seconds = self._timeout()
        self._news = asyncio.Event()
        self._first = True

    def _start(self) -> tuple[int, bool]:
        """Where to begin, and whether all that stands is told first."""
        written = self._request.query.get("resourceVersion", "")
        if self._initial or written in ("", "0"):
            return self._store.version, True
        if not written.isdecimal():
            raise bad_request(f'resourceVersion: Invalid value: "{written}": strconv.ParseUint')
        return int(written), False

    def _timeout(self) -> float:
        written = self._request.query.get("timeoutSeconds", "")
        if not written:
            return _LONGEST
        if not written.isdecimal():
            raise bad_request(f'strconv.ParseInt: parsing "{written}": invalid syntax')
        return float(written) or _LONGEST

    async def run(self) -> web.StreamResponse:
        """Tell what happens until the time is up or nobody listens any more."""
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        unsubscribe = self._store.subscribe(lambda change: self._news.set())
        try:
            await response.prepare(self._request.http)
            await while_open(self._request.http, self._tell(response))
            with suppress(ConnectionError):
                await response.write_eof()
        finally:
            unsubscribe()
        return response

    async def _tell(self, response: web.StreamResponse) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                if self._from_now:
                    await self._tell_all(response)
                while await self._tell_news(response):
                    await self._wait(response)
            return
        if self._bookmarks:
            await response.write(self._bookmark())

    async def _tell_all(self, response: web.StreamResponse) -> None:
        """Tell what stands, as synthetic ADDED events."""
        for item in self._store.all(self._request.kind.key):
            if self._selection.includes(item):
                await response.write(self._line(ChangeType.ADDED, item))
        if self._initial and self._bookmarks:
            await response.write(self._bookmark({_INITIAL_END: "true"}))

    async def _tell_news(self, response: web.StreamResponse) -> bool:
        """Tell what was written since; false when the history does not reach back so far."""
        self._news.clear()
        try:
            changes = self._store.since(self._version, self._request.kind.key)
        except TooOldError:
            message = f"too old resource version: {self._version} ({self._store.oldest})"
            await response.write(_line("ERROR", expired(message).status))
            return False
        for change in changes:
            self._version = change.version
            event = event_of(change, self._selection)
            if event is not None:
                await response.write(self._line(*event))
        self._version = max(self._version, self._store.version if not changes else 0)
        return True

    async def _wait(self, response: web.StreamResponse) -> None:
        while not self._news.is_set():
            try:
                async with asyncio.timeout(_BOOKMARK_EVERY):
                    await self._news.wait()
            except TimeoutError:
                if self._bookmarks:
                    await response.write(self._bookmark())

    def _line(self, kind: ChangeType, item: Object) -> bytes:
        written = self._form.one(item, with_columns=self._first)
        self._first = False
        return _line(kind.value, written)

    def _bookmark(self, annotations: dict[str, str] | None = None) -> bytes:
        return _line("BOOKMARK", _bookmark(self._form, self._version, annotations))


def _bookmark(
    form: Representation, version: int, annotations: dict[str, str] | None
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"resourceVersion": str(version), "creationTimestamp": None}
    if annotations:
        metadata["annotations"] = annotations
    if form.form is Form.TABLE:
        return form.list([], metadata)
    return form.one({"metadata": metadata})


def _line(kind: str, item: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"type": kind, "object": item}) + b"\n"
