from __future__ import annotations

import json
from typing import Any

import pytest

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.list_document import item_name, read_list, write_list
from meshdoctor.collect.object_lists import read_kind
from meshdoctor.model.kinds import EVENT, NAMESPACE, NODE, POD
from meshdoctor.model.not_read import NotReadStatus
from tests.unit.collect.stand_in import DENIED, Cluster, thing

PODS = "/api/v1/pods"


def many(number: int, **more: Any) -> Cluster:
    items = [thing(f"pod-{n}", "shop") for n in range(number)]
    return Cluster(lists={PODS: items, "/api/v1/events": items}, **more)


def names(data: bytes) -> list[str]:
    return [item["metadata"]["name"] for item in json.loads(data)["items"]]


async def test_pages_are_joined_into_one_list() -> None:
    cluster = many(25, page=10)
    listed = await read_kind(cluster, POD, "v1", ())
    assert names(listed.data) == [f"pod-{n}" for n in range(25)]
    assert len(cluster.asked) == 3
    assert listed.problem is None


async def test_of_very_many_events_the_warnings_are_read_and_the_rest_is_said() -> None:
    cluster = many(100, page=60)
    for number, item in enumerate(cluster.lists["/api/v1/events"]):
        item["type"] = "Warning" if number % 2 else "Normal"
    listed = await read_kind(cluster, EVENT, "v1", ())
    assert len(names(listed.data)) == 50
    assert listed.problem is not None
    assert listed.problem.reason == "of 100 events only the warnings were read"


async def test_a_few_events_are_handed_over_as_they_came() -> None:
    cluster = many(3)
    listed = await read_kind(cluster, EVENT, "v1", ())
    assert listed.data == (await cluster.get("/api/v1/events")).body
    assert listed.problem is None


async def test_a_right_in_a_namespace_reads_the_namespace_itself() -> None:
    shop = json.dumps(thing("shop")).encode()
    cluster = Cluster(files={"/api/v1/namespaces/shop": shop})
    cluster.refused = {"/api/v1/namespaces": DENIED}
    listed = await read_kind(cluster, NAMESPACE, "v1", ("shop", "gone"))
    assert names(listed.data) == ["shop"]
    assert listed.problem is not None
    assert listed.problem.status is NotReadStatus.DENIED


async def test_what_is_in_no_namespace_is_not_looked_for_in_one() -> None:
    cluster = Cluster(refused={"/api/v1/nodes": DENIED})
    with pytest.raises(ReadError, match="forbidden"):
        await read_kind(cluster, NODE, "v1", ("shop",))
    assert cluster.asked == ["/api/v1/nodes?limit=500"]


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'{"kind": "Status"}', b'{"kind": "PodList", "items": {}}', b"\xff"],
)
async def test_what_is_no_list_is_an_error_and_not_an_empty_list(data: bytes) -> None:
    with pytest.raises(ReadError, match="no list"):
        await read_kind(Cluster(files={PODS: data}), POD, "v1", ())
    with pytest.raises(ReadError, match="no List"):
        await read_kind(Cluster(files={"/api/v1/events": data}), EVENT, "v1", ())


def test_items_keep_every_byte_through_a_join() -> None:
    item = b'{"metadata": {"name":"a" , "namespace":"b"}, "odd":[1.50, "\\u00e4"]}'
    document = read_list(b'{"kind":"PodList","apiVersion":"v1","items":[' + item + b"]}")
    assert item in write_list(document, document.raw_items)
    assert item_name(document.raw_items[0]) == ("b", "a")


def test_a_list_of_nothing_may_be_null() -> None:
    assert read_list(b'{"kind":"PodList","items":null}').raw_items == []
