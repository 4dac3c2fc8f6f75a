"""Watches over HTTP: what is told, from when on, and how one ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tests.unit.serve.small_mesh import api

if TYPE_CHECKING:
    import httpx

PODS = "/api/v1/pods"
SHOP = "/api/v1/namespaces/shop/pods"
MERGE = {"Content-Type": "application/merge-patch+json"}


@asynccontextmanager
async def watching(
    client: httpx.AsyncClient, path: str, accept: str = "application/json", **query: str
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    params = {"watch": "true", **query}
    async with client.stream("GET", path, params=params, headers={"Accept": accept}) as answer:
        assert answer.status_code == 200

        async def events() -> AsyncIterator[dict[str, Any]]:
            async for line in answer.aiter_lines():
                yield json.loads(line)

        yield events()


async def take(events: AsyncIterator[dict[str, Any]], number: int) -> list[tuple[str, str]]:
    async with asyncio.timeout(3):
        return [short(await anext(events)) for _ in range(number)]


def short(event: dict[str, Any]) -> tuple[str, str]:
    return event["type"], event["object"]["metadata"].get("name", "")


async def label(client: httpx.AsyncClient, name: str, **labels: str | None) -> None:
    body = {"metadata": {"labels": labels}}
    assert (await client.patch(f"{SHOP}/{name}", json=body, headers=MERGE)).status_code == 200


async def test_without_a_version_all_that_stands_is_told_first() -> None:
    async with api() as (_, client), watching(client, PODS) as events:
        assert await take(events, 3) == [("ADDED", "db"), ("ADDED", "web-1"), ("ADDED", "web-2")]
        await label(client, "web-1", a="b")
        assert await take(events, 1) == [("MODIFIED", "web-1")]


async def test_from_a_lists_version_only_news_is_told_and_nothing_is_lost_between() -> None:
    async with api() as (_, client):
        version = (await client.get(SHOP)).json()["metadata"]["resourceVersion"]
        await client.delete(f"{SHOP}/web-2")
        async with watching(client, SHOP, resourceVersion=version) as events:
            await client.post(SHOP, json={"metadata": {"name": "new"}})
            await client.post("/api/v1/namespaces/pay/pods", json={"metadata": {"name": "else"}})
            await label(client, "new", a="b")
            expected = [("DELETED", "web-2"), ("ADDED", "new"), ("MODIFIED", "new")]
            assert await take(events, 3) == expected


async def test_an_object_comes_into_a_selection_and_leaves_it() -> None:
    async with (
        api() as (_, client),
        watching(client, SHOP, labelSelector="canary=yes", resourceVersion="10") as events,
    ):
        await label(client, "web-1", canary="yes")
        await label(client, "web-1", more="labels")
        await label(client, "web-1", canary=None)
        await label(client, "web-1", more="still")
        await label(client, "web-2", canary="yes")
        await client.delete(f"{SHOP}/web-2")
        assert await take(events, 5) == [
            ("ADDED", "web-1"),
            ("MODIFIED", "web-1"),
            ("DELETED", "web-1"),
            ("ADDED", "web-2"),
            ("DELETED", "web-2"),
        ]


async def test_what_left_a_selection_is_shown_as_it_last_was_in_it_at_the_time_it_left() -> None:
    async with (
        api() as (_, client),
        watching(client, SHOP, labelSelector="app=web", resourceVersion="10") as events,
    ):
        await label(client, "web-1", app="other")
        event = await anext(events)
    assert event["type"] == "DELETED"
    assert event["object"]["metadata"]["labels"]["app"] == "web"
    assert event["object"]["metadata"]["resourceVersion"] == "11"


async def test_one_object_can_be_watched_by_its_name() -> None:
    query = {"fieldSelector": "metadata.name=web-2", "resourceVersion": "10"}
    async with api() as (_, client), watching(client, SHOP, **query) as events:
        await label(client, "web-1", a="b")
        await label(client, "web-2", a="b")
        assert await take(events, 1) == [("MODIFIED", "web-2")]


async def test_a_version_that_lies_too_far_back_is_gone() -> None:
    async with api() as (server, client):
        await label(client, "web-1", a="b")
        server.cluster.store.compact()
        async with watching(client, PODS, resourceVersion="10") as events:
            event = await anext(events)
            assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
            assert event["object"]["reason"] == "Expired"
            assert await anext(events, None) is None


async def test_a_watch_ends_when_its_time_is_up_with_a_bookmark_for_who_wants_one() -> None:
    async with api() as (_, client):
        query = {"resourceVersion": "10", "timeoutSeconds": "1"}
        async with watching(client, PODS, **query, allowWatchBookmarks="true") as events:
            found = [event async for event in events]
        assert [one["type"] for one in found] == ["BOOKMARK"]
        assert found[0]["object"]["metadata"]["resourceVersion"] == "10"
        assert found[0]["object"]["kind"] == "Pod"


async def test_a_streamed_list_says_where_it_ends() -> None:
    query = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
    }
    async with api() as (_, client), watching(client, SHOP, **query) as events:
        assert await take(events, 2) == [("ADDED", "web-1"), ("ADDED", "web-2")]
        event = await anext(events)
        assert event["type"] == "BOOKMARK"
        annotations = event["object"]["metadata"]["annotations"]
        assert annotations == {"k8s.io/initial-events-end": "true"}


async def test_a_watch_of_tables_defines_its_columns_once() -> None:
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    async with api() as (_, client), watching(client, SHOP, accept) as events:
        first, second = await anext(events), await anext(events)
    assert first["object"]["kind"] == second["object"]["kind"] == "Table"
    assert first["object"]["columnDefinitions"][0]["name"] == "Name"
    assert second["object"]["columnDefinitions"] == []
    assert second["object"]["rows"][0]["cells"][0] == "web-2"


async def test_custom_resources_can_be_watched_in_their_version() -> None:
    path = "/apis/networking.istio.io/v1/namespaces/shop/virtualservices"
    async with api() as (_, client), watching(client, path) as events:
        event = await anext(events)
    assert event["object"]["apiVersion"] == "networking.istio.io/v1"
    assert event["object"]["kind"] == "VirtualService"
