"""Read a collection page by page, and join the pages without reading their items.

As client-go pages (tools/pager): ``limit`` and ``continue``; when the token has expired (410) it
goes on by the token that the refusal offers, and else reads all at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.read_reasons import failed
from meshdoctor.collect.transport_refusal import ExpiredError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.collect.api import KubeApi

PAGE = 500
"""Objects of a page, as kubectl's ``--chunk-size``."""
_MOST_PAGES = 10_000
"""A server that never ends is not believed."""
_GONE = 410


class _Metadata(msgspec.Struct):
    version: str = msgspec.field(default="", name="resourceVersion")
    token: str = msgspec.field(default="", name="continue")


class _Page(msgspec.Struct):
    kind: str
    items: msgspec.Raw
    api_version: str = msgspec.field(default="", name="apiVersion")
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


@dataclass(frozen=True, slots=True)
class Listing:
    """A whole collection, its items as the server wrote them."""

    kind: str
    """Such as ``PodList``."""
    api_version: str
    resource_version: str
    """Of the first page: a watch that begins there misses nothing."""
    slices: tuple[bytes, ...]
    """Items between commas, page by page; none of them empty."""
    answer: bytes | None = None
    """The server's own answer, when there was only one."""

    @property
    def document(self) -> bytes:
        """One List, as a recording holds it."""
        if self.answer is not None:
            return self.answer
        head = msgspec.json.encode(
            {
                "kind": self.kind,
                "apiVersion": self.api_version,
                "metadata": {"resourceVersion": self.resource_version},
            }
        )
        return b"".join((head[:-1], b',"items":[', b",".join(self.slices), b"]}\n"))


def _decode(path: str, body: bytes) -> _Page:
    try:
        page = msgspec.json.decode(body, type=_Page)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise failed(f"the answer to {path} is no list: {error}") from None
    if not page.kind.endswith("List"):
        raise failed(f"the answer to {path} is no list but of kind {page.kind}")
    return page


def _items(path: str, page: _Page) -> bytes:
    text = bytes(page.items).strip()
    if text == b"null":
        return b""
    if not text.startswith(b"["):
        raise failed(f"the items in the answer to {path} are no list")
    return text[1:-1].strip()


class _Reader:
    """One reading of a collection."""

    def __init__(self, api: KubeApi, path: str, query: Mapping[str, str], limit: int) -> None:
        self._api = api
        self._path = path
        self._query = query
        self._limit = limit
        self._pages = 0
        self._answer = b""
        self._slices: list[bytes] = []
        self._first: _Page | None = None

    async def read(self) -> Listing:
        token, seen = "", set[str]()
        for _ in range(_MOST_PAGES):
            try:
                page = await self._page(token)
            except ReadError as error:
                if error.http_status != _GONE or not token:
                    raise
                offered = error.token if isinstance(error, ExpiredError) else ""
                if offered and offered not in seen:
                    token = offered
                    seen.add(token)
                    continue
                return await self._all()
            token = page.metadata.token
            if not token:
                return self._listing()
            if token in seen:
                raise failed(f"the pages of {self._path} go round in a circle")
            seen.add(token)
        raise failed(f"{self._path} has more than {_MOST_PAGES} pages")

    async def _page(self, token: str) -> _Page:
        query = {**self._query, "limit": str(self._limit)}
        if token:
            query["continue"] = token
        answer = await self._api.get(self._path, query)
        return self._take(answer.body)

    async def _all(self) -> Listing:
        """Everything at once: no token, so none that can expire, and nothing twice."""
        self._pages = 0
        self._slices.clear()
        self._first = None
        answer = await self._api.get(self._path, self._query)
        self._take(answer.body)
        return self._listing()

    def _take(self, body: bytes) -> _Page:
        page = _decode(self._path, body)
        self._first = self._first or page
        self._pages += 1
        self._answer = body
        items = _items(self._path, page)
        if items:
            self._slices.append(items)
        return page

    def _listing(self) -> Listing:
        first = self._first
        assert first is not None
        alone = self._answer if self._pages == 1 and self._slices else None
        version, slices = first.metadata.version, tuple(self._slices)
        return Listing(first.kind, first.api_version, version, slices, alone)


async def list_pages(
    api: KubeApi,
    path: str,
    query: Mapping[str, str] | None = None,
    *,
    limit: int = PAGE,
) -> Listing:
    """Read a whole collection.

    Args:
        api: the cluster.
        path: of the collection, such as ``/api/v1/pods``.
        query: selectors, if any.
        limit: objects of a page.

    Raises:
        ReadError: some page could not be read, or is no list.
    """
    return await _Reader(api, path, query or {}, limit).read()


def joined(listings: Iterable[Listing]) -> Listing:
    """The same collection of several namespaces as one.

    Args:
        listings: at least one.
    """
    found = list(listings)
    first = found[0]
    slices = tuple(item for listing in found for item in listing.slices)
    return Listing(first.kind, first.api_version, first.resource_version, slices)
