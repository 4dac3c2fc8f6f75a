"""What the recording lacks is refused, so that it stays unknown; it is never "none"."""

from __future__ import annotations

import pytest

from meshdoctor.model.kinds import ALL
from meshdoctor.serve.api_error import NOT_RECORDED
from meshdoctor.serve.mesh import Mesh
from tests.unit.serve.small_mesh import api, crd, mesh_of, named, shop

DENIED = {
    "what": "kubernetes/core/secrets",
    "status": "denied",
    "reason": 'secrets is forbidden: User "x" cannot list resource "secrets"',
}


def _without(*places: str) -> dict[str, list[dict[str, object]]]:
    return {place: items for place, items in shop().items() if place not in places}


@pytest.mark.parametrize("what", ["kubernetes/core/secrets", "kubernetes/core/v1/secrets.json"])
async def test_a_recorded_denial_is_denied_again_in_its_own_words(what: str) -> None:
    mesh = mesh_of(_without("core/v1/secrets"), DENIED | {"what": what})
    async with api(mesh) as (_, client):
        for path in ("/api/v1/secrets", "/api/v1/namespaces/shop/secrets/x"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["reason"]) == (403, "Forbidden")
            assert DENIED["reason"] in answer.json()["message"]
        body = {"spec": {"resourceAttributes": {"verb": "list", "resource": "secrets"}}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        assert (await client.post(path, json=body)).json()["status"]["allowed"] is False


async def test_a_built_in_kind_that_is_missing_is_unavailable_and_yet_discovered() -> None:
    async with api(mesh_of(_without("core/v1/services"))) as (_, client):
        answer = await client.get("/api/v1/services")
        assert (answer.status_code, answer.json()["reason"]) == (NOT_RECORDED, "NotRecorded")
        assert answer.json()["message"] == "services: not in the recording"
        resources = (await client.get("/api/v1")).json()["resources"]
        assert "services" in {one["name"] for one in resources}
        posted = await client.post("/api/v1/namespaces/shop/services", json={})
        assert posted.status_code == NOT_RECORDED


async def test_a_kind_without_a_crd_is_not_served_at_all() -> None:
    async with api() as (_, client):
        answer = await client.get("/apis/security.istio.io/v1/peerauthentications")
        assert (answer.status_code, answer.json()["reason"]) == (404, "NotFound")
        groups = (await client.get("/apis")).json()["groups"]
        assert "security.istio.io" not in {one["name"] for one in groups}


async def test_a_kind_whose_crd_is_there_but_whose_list_is_not_is_unavailable() -> None:
    async with api() as (_, client):
        assert (
            await client.get("/apis/networking.istio.io/v1/sidecars")
        ).status_code == NOT_RECORDED


async def test_where_crds_were_not_read_custom_kinds_are_unknown_unless_they_were_absent() -> None:
    mesh = mesh_of(
        _without("apiextensions.k8s.io/v1/customresourcedefinitions"),
        {
            "what": "kubernetes/telemetry.istio.io/telemetries",
            "status": "not-installed",
            "reason": "the API server does not serve it",
        },
    )
    async with api(mesh) as (_, client):
        found = await client.get("/apis/networking.istio.io/v1/virtualservices")
        assert [one["metadata"]["name"] for one in found.json()["items"]] == ["web"]
        unknown = await client.get("/apis/networking.istio.io/v1/destinationrules")
        assert unknown.status_code == NOT_RECORDED
        absent = await client.get("/apis/telemetry.istio.io/v1/telemetries")
        assert absent.status_code == 404


async def test_a_list_that_was_read_in_some_namespaces_only_is_answered_there_only() -> None:
    error = {
        "what": "kubernetes/core/v1/pods",
        "status": "denied",
        "reason": "only those of shop were read: pods is forbidden",
    }
    lists = shop()
    lists["core/v1/pods"] = [
        one for one in lists["core/v1/pods"] if "web" in one["metadata"]["name"]
    ]
    async with api(mesh_of(lists, error)) as (_, client):
        assert (await client.get("/api/v1/pods")).status_code == 403
        assert (await client.get("/api/v1/namespaces/pay/pods")).status_code == 403
        shop_pods = await client.get("/api/v1/namespaces/shop/pods")
        assert len(shop_pods.json()["items"]) == 2


async def test_a_list_that_cannot_be_understood_is_unavailable() -> None:
    whole = mesh_of(shop())
    files = {**whole.files, "kubernetes/core/v1/pods.json": b'{"items": ['}
    async with api(Mesh.of("x", files)) as (_, client):
        answer = await client.get("/api/v1/pods")
    assert answer.status_code == NOT_RECORDED
    assert "not valid JSON" in answer.json()["message"]


async def test_every_built_in_kind_that_meshdoctor_reads_is_discovered() -> None:
    async with api() as (_, client):
        accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        found = set()
        for path in ("/api", "/apis"):
            document = (await client.get(path, headers={"Accept": accept})).json()
            for item in document["items"]:
                group = item["metadata"].get("name", "core")
                for version in item["versions"]:
                    found |= {(group, one["resource"]) for one in version["resources"]}
    assert {(kind.group, kind.plural) for kind in ALL if not kind.custom} <= found


async def test_a_crd_says_which_versions_scope_and_columns_there_are() -> None:
    column = {"name": "Tag", "type": "string", "jsonPath": ".spec.tag", "priority": 1}
    versions = [
        {"name": "v2", "served": True, "storage": True, "additionalPrinterColumns": [column]},
        {"name": "v1", "served": False},
    ]
    lists = shop()
    lists["apiextensions.k8s.io/v1/customresourcedefinitions"].append(
        crd(
            "widgets.example.com", "Widget", scope="Cluster", versions=versions, group="example.com"
        )
    )
    lists["example.com/v2/widgets"] = [named("one", spec={"tag": "t"})]
    async with api(mesh_of(lists)) as (_, client):
        assert (await client.get("/apis/example.com/v1/widgets")).status_code == 404
        accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
        table = (await client.get("/apis/example.com/v2/widgets", headers=accept)).json()
        shown = [(one["name"], one["priority"]) for one in table["columnDefinitions"]]
        assert shown == [("Name", 0), ("Tag", 1)]
        assert table["rows"][0]["cells"] == ["one", "t"]
        resources = (await client.get("/apis/example.com/v2")).json()["resources"]
        assert (resources[0]["namespaced"], resources[0]["shortNames"]) == (False, ["x"])


async def test_a_crd_that_is_created_is_served_and_one_that_is_deleted_takes_its_objects() -> None:
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    async with api() as (_, client):
        spec = {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": True, "storage": True}],
        }
        body = {"metadata": {"name": "widgets.example.com"}, "spec": spec}
        assert (await client.post(crds, json=body)).status_code == 201
        widgets = await client.get("/apis/example.com/v1/widgets")
        assert (widgets.status_code, widgets.json()["items"]) == (200, [])
        await client.delete(f"{crds}/virtualservices.networking.istio.io")
        gone = await client.get("/apis/networking.istio.io/v1/virtualservices")
        assert gone.status_code == 404
