from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.collect.api import Answer, ReadError
from meshdoctor.collect.paging import joined, list_pages
from meshdoctor.collect.transport_refusal import ExpiredError
from meshdoctor.model.not_read import NotReadStatus
from tests.unit.collect.api_server import status, talking

PODS = "/api/v1/pods"


def page(*names: str, token: str = "", version: str = "7", **more: Any) -> bytes:
    metadata: dict[str, Any] = {"resourceVersion": version}
    if token:
        metadata |= {"continue": token, "remainingItemCount": 9}
    items = [{"metadata": {"name": name}} for name in names]
    document = {"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": items}
    return msgspec.json.encode(document | more)


class Pages:
    """An API whose answers are laid down one after another."""

    def __init__(self, *answers: bytes | ReadError) -> None:
        self.answers = list(answers)
        self.queries: list[dict[str, str]] = []

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, *, accept: str | None = None
    ) -> Answer:
        assert path == PODS
        self.queries.append(dict(query or {}))
        answer = self.answers.pop(0)
        if isinstance(answer, ReadError):
            raise answer
        return Answer(answer, None)


def names(document: bytes) -> list[str]:
    return [item["metadata"]["name"] for item in msgspec.json.decode(document)["items"]]


async def read(api: Pages, **options: Any) -> bytes:
    return (await list_pages(api, PODS, **options)).document  # type: ignore[arg-type]


async def test_pages_are_joined_into_one_list() -> None:
    api = Pages(page("a", "b", token="t1"), page(token="t2", version="8"), page("c", version="9"))
    document = await read(api, query={"labelSelector": "x=y"}, limit=2)
    assert names(document) == ["a", "b", "c"]
    decoded = msgspec.json.decode(document)
    assert (decoded["kind"], decoded["apiVersion"]) == ("PodList", "v1")
    assert decoded["metadata"] == {"resourceVersion": "7"}
    assert api.queries == [
        {"labelSelector": "x=y", "limit": "2"},
        {"labelSelector": "x=y", "limit": "2", "continue": "t1"},
        {"labelSelector": "x=y", "limit": "2", "continue": "t2"},
    ]


async def test_items_are_kept_byte_for_byte() -> None:
    item = b'{"b" : 1.10, "a":"\\u00e9 \xc3\xa9", "c":[1e2]}'
    body = b'{"kind":"PodList","items":[ ' + item + b' ],"metadata":{"resourceVersion":"1"}}'
    assert await read(Pages(body)) == body
    paged = await read(Pages(body.replace(b'"1"}', b'"1","continue":"t"}'), page()))
    assert b"[" + item + b"]" in paged


@pytest.mark.parametrize("items", [b"[]", b"null", b" [ ] "])
async def test_a_list_may_be_empty(items: bytes) -> None:
    body = b'{"kind":"PodList","apiVersion":"v1","metadata":{},"items":' + items + b"}"
    assert names(await read(Pages(body))) == []


async def test_an_expired_token_is_exchanged_for_the_one_that_is_offered() -> None:
    api = Pages(page("a", token="t1"), ExpiredError("too old", "t2"), page("b", version="9"))
    assert names(await read(api)) == ["a", "b"]
    assert api.queries[-1]["continue"] == "t2"


@pytest.mark.parametrize(
    "expired", [ExpiredError("too old", ""), ReadError(NotReadStatus.FAILED, "gone", 410)]
)
async def test_without_an_offer_all_is_read_at_once_and_nothing_twice(expired: ReadError) -> None:
    api = Pages(page("a", token="t1"), expired, page("a", "b", version="9"))
    document = await read(api)
    assert names(document) == ["a", "b"]
    assert msgspec.json.decode(document)["metadata"]["resourceVersion"] == "9"
    assert api.queries[-1] == {}


async def test_a_servers_refusal_carries_the_offer(tmp_path: Path) -> None:
    offer: dict[str, Any] = {"metadata": {"continue": "t2"}}

    async def answer(request: web.Request) -> web.Response:
        match request.query.get("continue"):
            case None:
                return web.Response(body=page("a", token="t1"))
            case "t1":
                return status(410, "the provided continue parameter is too old", **offer)
        return web.Response(body=page("b"))

    async with talking(answer, tmp_path) as (api, _):
        assert names((await list_pages(api, PODS)).document) == ["a", "b"]


async def test_a_first_page_that_is_gone_is_gone() -> None:
    with pytest.raises(ReadError, match="too old"):
        await read(Pages(ExpiredError("too old", "t")))


async def test_pages_that_go_in_a_circle_are_left() -> None:
    with pytest.raises(ReadError, match="in a circle"):
        await read(Pages(*[page("a", token="t")] * 5))


async def test_offers_that_go_in_a_circle_are_left() -> None:
    offers = [ExpiredError("too old", "t2"), ExpiredError("too old", "t2")]
    assert names(await read(Pages(page("a", token="t1"), *offers, page("z")))) == ["z"]


async def test_a_page_that_is_refused_is_a_refusal() -> None:
    denied = ReadError(NotReadStatus.DENIED, "forbidden", 403)
    with pytest.raises(ReadError, match="forbidden"):
        await read(Pages(page("a", token="t"), denied))


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"\xff", b'{"kind":"Pod","items":[]}', b'{"kind":"PodList","items":{}}',
     b'{"kind":"PodList"}', b'{"kind":"PodList","items":[', b'{"kind":1,"items":[]}',
     page("a").replace(b'"7"', b"7")],
)  # fmt: skip
async def test_what_is_no_list_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(ReadError, match=PODS):
        await read(Pages(body))


@given(st.lists(st.lists(st.text(min_size=1, max_size=5), max_size=4), min_size=1, max_size=5))
async def test_no_item_is_lost_or_doubled(pages: list[list[str]]) -> None:
    last = len(pages) - 1
    answers = [page(*found, token="" if at == last else f"t{at}") for at, found in enumerate(pages)]
    assert names(await read(Pages(*answers))) == [name for found in pages for name in found]


async def test_listings_of_namespaces_are_joined() -> None:
    listings = [await list_pages(Pages(page(name)), PODS) for name in "ab"]  # type: ignore[arg-type]
    assert names(joined(listings).document) == ["a", "b"]
