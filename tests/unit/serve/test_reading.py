"""get and list over HTTP: paging, selectors, and the forms an answer can have."""

from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.serve.mesh import Mesh
from tests.unit.serve.small_mesh import api, mesh_of, named, shop

PODS = "/api/v1/pods"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
METADATA = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}


def names(document: dict[str, Any]) -> list[str]:
    return [one["metadata"]["name"] for one in document["items"]]


def many(number: int) -> Mesh:
    lists = shop()
    lists["core/v1/pods"] = [named(f"pod-{index:03}", "shop") for index in range(number)]
    return mesh_of(lists)


async def test_a_list_is_what_was_recorded_and_one_object_says_what_it_is() -> None:
    async with api() as (_, client):
        document = (await client.get(PODS)).json()
        assert document["items"] == shop()["core/v1/pods"]
        assert (document["kind"], document["apiVersion"]) == ("PodList", "v1")
        assert document["metadata"] == {"resourceVersion": "10"}
        one = (await client.get("/api/v1/namespaces/shop/pods/web-1")).json()
        assert (one["kind"], one["apiVersion"]) == ("Pod", "v1")
        inner = (await client.get("/api/v1/namespaces/shop/pods")).json()
        assert names(inner) == ["web-1", "web-2"]


async def test_what_is_not_there_is_not_found_in_kubernetes_words() -> None:
    async with api() as (_, client):
        answer = await client.get("/apis/apps/v1/namespaces/shop/deployments/nope")
        assert answer.status_code == 404
        assert answer.json() == {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": 'deployments.apps "nope" not found',
            "reason": "NotFound",
            "details": {"name": "nope", "group": "apps", "kind": "deployments"},
            "code": 404,
        }


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nothings",
        "/api/v2/pods",
        "/apis/nowhere.io/v1",
        "/api/v1/pods/web-1",
        "/api/v1/namespaces/shop/nodes",
        "/api/v1/namespaces/shop/pods/web-1/nothing",
        "/metrics",
    ],
)
async def test_a_path_where_nothing_is_served_is_not_a_missing_object(path: str) -> None:
    async with api() as (_, client):
        answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.json()["message"] == "the server could not find the requested resource"
    assert "name" not in answer.json().get("details", {})


@pytest.mark.parametrize(
    "path", ["/version", "/api", "/apis", "/apis/apps", "/apis/apps/v1", "/livez"]
)
async def test_a_slash_at_the_end_of_a_document_changes_nothing(path: str) -> None:
    async with api() as (_, client):
        plain, slashed = await client.get(path), await client.get(f"{path}/")
    assert plain.status_code == slashed.status_code == 200
    assert plain.content == slashed.content


@pytest.mark.parametrize("limit", [1, 3, 7, 10, 11])
async def test_pages_together_are_the_whole_list(limit: int) -> None:
    async with api(many(10)) as (_, client):
        found, token, left = [], "", []
        while True:
            query = {"limit": limit} | ({"continue": token} if token else {})
            document = (await client.get(PODS, params=query)).json()
            found += names(document)
            left.append(document["metadata"].get("remainingItemCount", 0))
            token = document["metadata"].get("continue", "")
            if not token:
                break
    assert found == [f"pod-{index:03}" for index in range(10)]
    assert left == [max(0, 10 - limit * page) for page in range(1, len(left) + 1)]


async def test_all_pages_show_the_time_of_the_first() -> None:
    async with api(many(4)) as (_, client):
        first = (await client.get(PODS, params={"limit": 2})).json()
        await client.delete("/api/v1/namespaces/shop/pods/pod-003")
        await client.post("/api/v1/namespaces/shop/pods", json={"metadata": {"name": "pod-0021"}})
        token = first["metadata"]["continue"]
        second = (await client.get(PODS, params={"limit": 9, "continue": token})).json()
        assert names(second) == ["pod-002", "pod-003"]
        assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_a_page_that_has_expired_is_gone_and_can_be_continued_inconsistently() -> None:
    async with api(many(3)) as (server, client):
        token = (await client.get(PODS, params={"limit": 1})).json()["metadata"]["continue"]
        await client.delete("/api/v1/namespaces/shop/pods/pod-001")
        server.cluster.store.compact()
        gone = await client.get(PODS, params={"limit": 1, "continue": token})
        assert (gone.status_code, gone.json()["reason"]) == (410, "Expired")
        token = gone.json()["metadata"]["continue"]
        rest = await client.get(PODS, params={"limit": 5, "continue": token})
        assert names(rest.json()) == ["pod-002"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"continue": "nonsense"}, "continue key is not valid"),
        ({"continue": "e30"}, "continue key is not valid"),
        ({"limit": "x"}, "invalid syntax"),
        ({"labelSelector": "a=b=c"}, "unable to parse"),
        ({"fieldSelector": "spec.image=x"}, "field label not supported: spec.image"),
        ({"fieldSelector": "nonsense"}, "invalid field selector"),
        ({"resourceVersion": "x"}, "Invalid value"),
        ({"includeObject": "All"}, "includeObject"),
    ],
)
async def test_a_parameter_that_cannot_be_understood_is_a_bad_request(
    query: dict[str, str], words: str
) -> None:
    async with api() as (_, client):
        answer = await client.get(PODS, params=query)
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")
    assert words in answer.json()["message"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("app=web", ["web-1", "web-2"]),
        ("app==web,version!=v1", ["web-2"]),
        ("version in (v1,v3)", ["web-1"]),
        ("version notin (v1)", ["db", "web-2"]),
        ("version", ["web-1", "web-2"]),
        ("!version", ["db"]),
        ("app=none", []),
    ],
)
async def test_label_selectors_choose(selector: str, expected: list[str]) -> None:
    async with api() as (_, client):
        document = (await client.get(PODS, params={"labelSelector": selector})).json()
    assert names(document) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("metadata.name=db", ["db"]),
        ("metadata.namespace=shop,metadata.name!=web-1", ["web-2"]),
        ("spec.nodeName=n1", ["db"]),
        ("spec.nodeName=", ["web-1", "web-2"]),
        ("status.phase!=Running", ["db", "web-1", "web-2"]),
    ],
)
async def test_field_selectors_choose(selector: str, expected: list[str]) -> None:
    async with api() as (_, client):
        document = (await client.get(PODS, params={"fieldSelector": selector})).json()
    assert names(document) == expected


async def test_events_are_chosen_by_what_they_are_about() -> None:
    about = {"kind": "Pod", "name": "web", "namespace": "shop", "uid": "u"}
    lists = shop() | {
        "core/v1/events": [
            named("one", "shop", involvedObject=about, type="Warning", reason="BackOff"),
            named("two", "shop", involvedObject=about | {"name": "db"}, type="Normal"),
        ]
    }
    async with api(mesh_of(lists)) as (_, client):
        selector = "involvedObject.name=web,involvedObject.uid=u,type!=Normal,reason=BackOff"
        document = await client.get("/api/v1/events", params={"fieldSelector": selector})
    assert names(document.json()) == ["one"]


async def test_a_table_has_cells_and_the_objects_metadata() -> None:
    async with api() as (_, client):
        path = "/apis/networking.istio.io/v1/virtualservices"
        table = (await client.get(path, headers=TABLE)).json()
        assert table["kind"] == "Table"
        columns = [one["name"] for one in table["columnDefinitions"]]
        assert columns == ["Name", "Gateways", "Hosts", "Age"]
        row = table["rows"][0]
        assert row["cells"] == ["web", '["a","b"]', '["web"]', "60m"]
        assert row["object"]["kind"] == "PartialObjectMetadata"
        assert row["object"]["metadata"]["namespace"] == "shop"
        whole = await client.get(path, headers=TABLE, params={"includeObject": "Object"})
        assert whole.json()["rows"][0]["object"]["spec"]["hosts"] == ["web"]
        none = await client.get(path, headers=TABLE, params={"includeObject": "None"})
        assert "object" not in none.json()["rows"][0]


async def test_metadata_alone_can_be_asked_for() -> None:
    async with api() as (_, client):
        document = (await client.get(PODS, headers=METADATA)).json()
    assert document["kind"] == "PartialObjectMetadataList"
    assert all(set(one) == {"kind", "apiVersion", "metadata"} for one in document["items"])


async def test_an_accept_header_takes_the_first_form_that_is_served() -> None:
    async with api() as (_, client):
        protobuf = "application/vnd.kubernetes.protobuf"
        answer = await client.get(PODS, headers={"Accept": f"{protobuf},application/json"})
        assert answer.headers["Content-Type"] == "application/json"
        refused = await client.get(PODS, headers={"Accept": protobuf})
        assert (refused.status_code, refused.json()["reason"]) == (406, "NotAcceptable")


async def test_a_list_of_a_time_that_has_not_come_is_refused() -> None:
    async with api() as (_, client):
        answer = await client.get(PODS, params={"resourceVersion": "999"})
    assert answer.status_code == 504
    assert answer.json()["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
