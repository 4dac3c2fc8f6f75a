"""create, update, patch and delete over HTTP; all of it in memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.serve.faults import Faults
from meshdoctor.serve.object_store import Change, ChangeType
from tests.unit.serve.small_mesh import api, mesh_of, shop

if TYPE_CHECKING:
    import httpx

CONFIG_MAPS = "/api/v1/namespaces/shop/configmaps"
SERVICES = "/api/v1/namespaces/shop/services"
WEB = "/apis/apps/v1/namespaces/shop/deployments/web"
VIRTUAL = "/apis/networking.istio.io/v1/namespaces/shop/virtualservices/web"
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
MERGE = {"Content-Type": "application/merge-patch+json"}
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
APPLY = {"Content-Type": "application/apply-patch+yaml"}


async def test_what_is_created_gets_an_identity_and_can_be_read() -> None:
    async with api() as (_, client):
        body = {
            "kind": "ConfigMap",
            "apiVersion": "v1",
            "metadata": {"name": "c"},
            "data": {"a": "b"},
        }
        answer = await client.post(CONFIG_MAPS, json=body)
        assert answer.status_code == 201
        metadata = answer.json()["metadata"]
        assert metadata["namespace"] == "shop"
        assert metadata["resourceVersion"] == "11"
        assert re.fullmatch(r"[0-9a-f-]{36}", metadata["uid"])
        assert metadata["creationTimestamp"].startswith("2026-11-21T08:00:0")
        assert (await client.get(f"{CONFIG_MAPS}/c")).json() == answer.json()


async def test_a_generated_name_has_five_more_letters() -> None:
    async with api() as (_, client):
        answer = await client.post(CONFIG_MAPS, json={"metadata": {"generateName": "c-"}})
    assert re.fullmatch(r"c-[a-z0-9]{5}", answer.json()["metadata"]["name"])


@pytest.mark.parametrize(
    ("path", "body", "code", "reason", "words"),
    [
        (SERVICES, {"metadata": {"name": "web"}}, 409, "AlreadyExists", 'services "web" already'),
        (SERVICES, {"metadata": {"name": "B_d"}}, 422, "Invalid", 'Service "B_d" is invalid'),
        (SERVICES, {"metadata": {}}, 422, "Invalid", "name or generateName is required"),
        (SERVICES, {"metadata": {"name": "x", "namespace": "pay"}}, 400, "BadRequest", "does not"),
        (SERVICES, {"kind": "Pod", "metadata": {"name": "x"}}, 400, "BadRequest", "as a Service"),
        (SERVICES, {"metadata": {"name": "x", "labels": {"a": 1}}}, 400, "BadRequest", "labels"),
        (SERVICES, {"metadata": {"name": "x", "resourceVersion": "1"}}, 400, "BadRequest", "set"),
        (SERVICES, [], 400, "BadRequest", "no object"),
        (
            "/api/v1/namespaces/nowhere/services",
            {"metadata": {"name": "x"}},
            404,
            "NotFound",
            'namespaces "nowhere" not found',
        ),
        ("/api/v1/services", {"metadata": {"name": "x"}}, 405, "MethodNotAllowed", "not allow"),
        (f"{SERVICES}/web", {"metadata": {"name": "x"}}, 405, "MethodNotAllowed", "not allow"),
    ],
)
async def test_a_create_that_breaks_a_rule_is_refused(
    path: str, body: Any, code: int, reason: str, words: str
) -> None:
    async with api() as (server, client):
        answer = await client.post(path, json=body)
        assert (answer.status_code, answer.json()["reason"]) == (code, reason)
        assert words in answer.json()["message"]
        assert server.cluster.store.version == 10


async def test_a_body_that_is_no_json_is_a_bad_request() -> None:
    async with api() as (_, client):
        headers = {"Content-Type": "application/json"}
        answer = await client.post(CONFIG_MAPS, content=b"{", headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")


async def test_yaml_is_read_too() -> None:
    async with api() as (_, client):
        headers = {"Content-Type": "application/yaml"}
        answer = await client.post(CONFIG_MAPS, content=b"metadata: {name: y}", headers=headers)
        assert answer.status_code == 201


async def test_an_update_of_an_older_state_is_a_conflict() -> None:
    async with api() as (_, client):
        old = (await client.get(WEB)).json()
        changed = {**old, "spec": {**old["spec"], "replicas": 3}}
        answer = await client.put(WEB, json=changed)
        assert answer.json()["metadata"]["generation"] == 2
        assert answer.json()["spec"]["replicas"] == 3
        late = await client.put(WEB, json=changed)
        assert (late.status_code, late.json()["reason"]) == (409, "Conflict")
        assert late.json()["message"].startswith(
            'Operation cannot be fulfilled on deployments.apps "web": the object has been modified'
        )


async def test_what_changes_nothing_is_not_written() -> None:
    async with api() as (_, client):
        old = (await client.get(WEB)).json()
        assert (await client.put(WEB, json=old)).json() == old
        same = await client.patch(WEB, json={"spec": {"replicas": 1}}, headers=MERGE)
        assert same.json() == old


async def test_status_is_written_by_its_subresource_only() -> None:
    async with api() as (_, client):
        old = (await client.get(WEB)).json()
        wanted = {**old, "spec": {**old["spec"], "replicas": 9}, "status": {"replicas": 9}}
        main = (await client.put(WEB, json=wanted)).json()
        assert (main["spec"]["replicas"], main["status"]["replicas"]) == (9, 1)
        body = {"spec": {"replicas": 4}, "status": {"replicas": 4}}
        status = (await client.patch(f"{WEB}/status", json=body, headers=MERGE)).json()
        assert (status["spec"]["replicas"], status["status"]["replicas"]) == (9, 4)
        assert status["metadata"]["generation"] == main["metadata"]["generation"]


async def test_nobody_writes_an_objects_identity() -> None:
    async with api() as (_, client):
        body = {"metadata": {"creationTimestamp": "2001-01-01T00:00:00Z", "generation": 99}}
        answer = await client.patch(WEB, json=body, headers=MERGE)
        assert answer.json()["metadata"]["creationTimestamp"] == "2026-11-21T07:00:00Z"
        other = await client.patch(WEB, json={"metadata": {"uid": "another"}}, headers=MERGE)
        assert (other.status_code, other.json()["reason"]) == (409, "Conflict")


async def test_a_custom_resource_is_replaced_by_who_says_which_one_only() -> None:
    async with api() as (_, client):
        old = (await client.get(VIRTUAL)).json()
        del old["metadata"]["resourceVersion"]
        answer = await client.put(VIRTUAL, json=old)
        assert (answer.status_code, answer.json()["reason"]) == (422, "Invalid")
        assert "must be specified for an update" in answer.json()["message"]


async def test_a_selector_of_a_deployment_cannot_be_changed() -> None:
    async with api() as (_, client):
        body = {"spec": {"selector": {"matchLabels": {"app": "other"}}}}
        answer = await client.patch(WEB, json=body, headers=STRATEGIC)
        assert answer.status_code == 422
        assert "field is immutable" in answer.json()["message"]


async def test_a_deployment_selects_the_pods_that_it_makes() -> None:
    async with api() as (_, client):
        old = (await client.get(WEB)).json()
        own = old["spec"]["selector"]["matchLabels"]
        other = dict.fromkeys(own, "other")
        for labels, status in ((other, 422), ({**own, "more": "a"}, 200)):
            body = {"spec": {"template": {"metadata": {"labels": labels}}}}
            answer = await client.patch(WEB, json=body, headers=STRATEGIC)
            assert answer.status_code == status
        body = {"spec": {"template": {"metadata": {"labels": other}}}}
        refused = (await client.patch(WEB, json=body, headers=STRATEGIC)).json()
        assert refused["details"]["causes"][0]["field"] == "spec.template.metadata.labels"
        assert "`selector` does not match template `labels`" in refused["message"]


async def test_the_three_kinds_of_patch_change_what_they_name() -> None:
    async with api() as (_, client):
        steps = [{"op": "replace", "path": "/spec/replicas", "value": 2}]
        assert (await client.patch(WEB, json=steps, headers=JSON_PATCH)).json()["spec"][
            "replicas"
        ] == 2
        labels = {"metadata": {"labels": {"a": "b"}}}
        merged = await client.patch(WEB, json=labels, headers=MERGE)
        assert merged.json()["metadata"]["labels"] == {"a": "b"}
        container = {"name": "app", "env": [{"name": "A", "value": "1"}]}
        body = {"spec": {"template": {"spec": {"containers": [container]}}}}
        strategic = (await client.patch(WEB, json=body, headers=STRATEGIC)).json()
        assert strategic["spec"]["template"]["spec"]["containers"] == [
            {"name": "app", "image": "app:1", "env": [{"name": "A", "value": "1"}]}
        ]


async def test_a_patch_that_cannot_be_applied_or_is_of_no_kind_is_refused() -> None:
    async with api() as (_, client):
        steps = [{"op": "test", "path": "/spec/replicas", "value": 5}]
        failed = await client.patch(WEB, json=steps, headers=JSON_PATCH)
        assert (failed.status_code, failed.json()["reason"]) == (422, "Invalid")
        for path, headers in ((VIRTUAL, STRATEGIC), (WEB, {"Content-Type": "application/json"})):
            answer = await client.patch(path, json={}, headers=headers)
            assert (answer.status_code, answer.json()["reason"]) == (415, "UnsupportedMediaType")


async def _apply(
    client: httpx.AsyncClient, body: str, manager: str, **query: str
) -> httpx.Response:
    params = {"fieldManager": manager, **query}
    return await client.patch(f"{CONFIG_MAPS}/c", content=body, headers=APPLY, params=params)


async def test_what_is_applied_belongs_to_who_applied_it() -> None:
    async with api() as (_, client):
        first = await _apply(client, '{"data": {"a": "1", "b": "2"}}', "me")
        assert first.status_code == 201
        entry = first.json()["metadata"]["managedFields"][0]
        assert (entry["manager"], entry["operation"]) == ("me", "Apply")
        assert entry["fieldsV1"] == {"f:data": {"f:a": {}, "f:b": {}}}
        again = await _apply(client, "data: {a: '1', b: '2'}", "me")
        assert (again.status_code, again.json()) == (200, first.json())
        less = await _apply(client, '{"data": {"a": "1"}}', "me")
        assert less.json()["data"] == {"a": "1"}


async def test_what_another_applied_is_changed_by_force_only() -> None:
    async with api() as (_, client):
        await _apply(client, '{"data": {"a": "1"}}', "me")
        refused = await _apply(client, '{"data": {"a": "2", "z": "2"}}', "you")
        assert (refused.status_code, refused.json()["reason"]) == (409, "Conflict")
        assert refused.json()["details"]["causes"][0]["field"] == ".data.a"
        forced = await _apply(client, '{"data": {"a": "2"}}', "you", force="true")
        assert forced.json()["data"] == {"a": "2"}
        nobody = await client.patch(f"{CONFIG_MAPS}/c", content="{}", headers=APPLY)
        assert nobody.status_code == 400


async def test_a_delete_says_what_is_gone() -> None:
    async with api() as (_, client):
        answer = await client.delete(VIRTUAL)
        assert answer.json()["status"] == "Success"
        assert answer.json()["details"] == {
            "name": "web",
            "group": "networking.istio.io",
            "kind": "virtualservices",
            "uid": "uid-web",
        }
        assert (await client.get(VIRTUAL)).status_code == 404
        assert (await client.delete(VIRTUAL)).status_code == 404


async def test_a_delete_of_another_object_of_that_name_is_a_conflict() -> None:
    async with api() as (_, client):
        body = {"preconditions": {"uid": "other"}}
        answer = await client.request("DELETE", VIRTUAL, json=body)
        assert (answer.status_code, answer.json()["reason"]) == (409, "Conflict")


async def test_finalizers_hold_a_delete_back_until_they_are_gone() -> None:
    async with api() as (_, client):
        body = {"metadata": {"name": "c", "finalizers": ["example.com/wait"]}}
        await client.post(CONFIG_MAPS, json=body)
        held = await client.delete(f"{CONFIG_MAPS}/c")
        assert held.json()["metadata"]["deletionTimestamp"]
        assert (await client.get(f"{CONFIG_MAPS}/c")).status_code == 200
        freed = {"metadata": {"finalizers": None}}
        await client.patch(f"{CONFIG_MAPS}/c", json=freed, headers=MERGE)
        assert (await client.get(f"{CONFIG_MAPS}/c")).status_code == 404


async def test_a_collection_is_deleted_as_far_as_it_is_selected() -> None:
    async with api() as (_, client):
        query = {"labelSelector": "version=v1"}
        answer = await client.delete("/api/v1/namespaces/shop/pods", params=query)
        assert [one["metadata"]["name"] for one in answer.json()["items"]] == ["web-1"]
        left = (await client.get("/api/v1/pods")).json()["items"]
        assert [one["metadata"]["name"] for one in left] == ["db", "web-2"]


async def test_a_namespace_takes_what_is_in_it() -> None:
    async with api() as (_, client):
        await client.delete("/api/v1/namespaces/shop")
        left = (await client.get("/api/v1/pods")).json()["items"]
        assert [one["metadata"]["name"] for one in left] == ["db"]
        answer = await client.post("/api/v1/namespaces", json={"metadata": {"name": "shop"}})
        assert answer.json()["metadata"]["labels"] == {"kubernetes.io/metadata.name": "shop"}
        assert (await client.post(CONFIG_MAPS, json={"metadata": {"name": "c"}})).status_code == 201


async def test_a_dry_run_answers_and_keeps_nothing() -> None:
    async with api() as (server, client):
        query = {"dryRun": "All"}
        made = await client.post(CONFIG_MAPS, json={"metadata": {"name": "c"}}, params=query)
        assert made.status_code == 201
        scaled = await client.patch(
            WEB, json={"spec": {"replicas": 0}}, headers=MERGE, params=query
        )
        assert scaled.json()["spec"]["replicas"] == 0
        await client.delete(WEB, params=query)
        await client.request("DELETE", WEB, json={"dryRun": ["All"]})
        assert server.cluster.store.version == 10
        assert (await client.get(WEB)).json()["spec"]["replicas"] == 1


async def test_scale_reads_and_writes_replicas() -> None:
    async with api() as (_, client):
        scale = (await client.get(f"{WEB}/scale")).json()
        assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
        assert scale["spec"] == {"replicas": 1}
        assert scale["status"] == {"replicas": 1, "selector": "app=web"}
        scale["spec"]["replicas"] = 4
        assert (await client.put(f"{WEB}/scale", json=scale)).json()["spec"]["replicas"] == 4
        late = await client.put(f"{WEB}/scale", json=scale)
        assert late.status_code == 409
        body = {"spec": {"replicas": 0}}
        await client.patch(f"{WEB}/scale", json=body, headers=MERGE)
        assert (await client.get(WEB)).json()["spec"]["replicas"] == 0
        negative = await client.patch(
            f"{WEB}/scale", json={"spec": {"replicas": -1}}, headers=MERGE
        )
        assert negative.status_code == 422


async def test_a_new_service_gets_an_address_of_its_own() -> None:
    async with api() as (_, client):
        found = set()
        for name in ("a", "b"):
            body = {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}}
            spec = (await client.post(SERVICES, json=body)).json()["spec"]
            assert (spec["type"], spec["clusterIPs"]) == ("ClusterIP", [spec["clusterIP"]])
            assert spec["ports"] == [{"protocol": "TCP", "targetPort": 80, "port": 80}]
            found.add(spec["clusterIP"])
    assert len(found) == 2


async def test_plain_text_of_a_secret_is_encoded() -> None:
    async with api() as (_, client):
        body = {"metadata": {"name": "s"}, "stringData": {"a": "b"}}
        path = "/api/v1/namespaces/shop/secrets"
        secret = (await client.post(path, json=body)).json()
        assert (secret["type"], secret["data"]) == ("Opaque", {"a": "Yg=="})
        assert "stringData" not in secret


async def test_a_subscriber_is_told_of_each_write_and_may_write_itself() -> None:
    told: list[tuple[ChangeType, str, int]] = []
    async with api() as (server, client):

        def subscriber(change: Change) -> None:
            told.append((change.type, change.object["metadata"]["name"], change.version))
            if change.key == ("", "configmaps") and change.type is ChangeType.ADDED:
                labelled = {**change.object, "data": {"seen": "yes"}}
                server.cluster.store.put(change.key, labelled)

        stop = server.subscribe(subscriber)
        await client.post(CONFIG_MAPS, json={"metadata": {"name": "c"}})
        assert (await client.get(f"{CONFIG_MAPS}/c")).json()["data"] == {"seen": "yes"}
        await client.delete(f"{CONFIG_MAPS}/c")
        stop()
        await client.post(CONFIG_MAPS, json={"metadata": {"name": "d"}})
    assert told == [
        (ChangeType.ADDED, "c", 11),
        (ChangeType.MODIFIED, "c", 12),
        (ChangeType.DELETED, "c", 13),
    ]


async def test_a_denied_write_is_refused_and_the_review_says_so_beforehand() -> None:
    review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    async with api(mesh_of(shop()), Faults("deny:create:configmaps")) as (_, client):
        answer = await client.post(CONFIG_MAPS, json={"metadata": {"name": "c"}})
        assert answer.status_code == 403
        for resource, allowed in (("configmaps", False), ("services", True)):
            attributes = {"verb": "create", "resource": resource, "namespace": "shop"}
            body = {"spec": {"resourceAttributes": attributes}}
            status = (await client.post(review, json=body)).json()["status"]
            assert status["allowed"] is allowed
        assert (await client.post(review, json={"spec": {}})).status_code == 400


async def test_a_workload_whose_pods_it_would_not_select_is_refused() -> None:
    async with api() as (_, client):
        body = {"spec": {"template": {"metadata": {"labels": {"app": "other"}}}}}
        answer = await client.patch(WEB, json=body, headers=MERGE)
        assert answer.status_code == 422
        assert "`selector` does not match template `labels`" in answer.json()["message"]
        body = {"spec": {"template": {"metadata": {"labels": {"team": "a"}}}}}
        assert (await client.patch(WEB, json=body, headers=MERGE)).status_code == 200
