from __future__ import annotations

from typing import Any

from tests import build
from tests.unit.parse.envoy import dumps
from tests.unit.trace.trace_build import DELIVERED, OUT, Mesh, ends

TEAPOT = {"match": {"prefix": "/"}, "direct_response": {"status": 418}}


def speaker(*rules: dict[str, Any]) -> dict[str, Any]:
    return build.istio_object("VirtualService", "ratings", hosts=["ratings"], http=list(rules))


class TestDifferences:
    def test_a_proxy_that_does_what_the_objects_ask_differs_in_nothing(self) -> None:
        assert Mesh().walk().differences == ()

    def test_a_cluster_that_the_proxy_should_hold_and_does_not_is_told(self) -> None:
        found = Mesh(cluster=None).walk()
        assert ends(found) == [(503, "NC")]
        text = found.differences[0].text
        assert "503 NC" in text
        assert "ask for delivered" in text
        assert found.differences[0].proxy == "client.shop"
        assert found.differences[0].evidence

    def test_an_answer_that_the_objects_no_longer_ask_for_is_told(self) -> None:
        found = Mesh(routes=[TEAPOT]).walk()
        assert [ends(found), len(found.differences)] == [[(418, "")], 1]

    def test_an_answer_that_the_proxy_does_not_give_yet_is_told(self) -> None:
        mesh = Mesh(objects=[speaker({"directResponse": {"status": 418}})])
        found = mesh.walk()
        assert ends(found) == [DELIVERED]
        assert "ask for 418" in found.differences[-1].text
        assert "VirtualService shop/ratings" in found.differences[-1].objects

    def test_a_fault_that_the_objects_ask_for_as_well_is_none(self) -> None:
        lost = OUT.replace("||", "|v3|")
        metadata = dumps.back_pointer("virtual-service", "ratings")
        rule = {"route": [{"destination": {"host": "ratings", "subset": "v3"}}]}
        mesh = Mesh(routes=[dumps.to(lost, metadata=metadata)], objects=[speaker(rule)])
        found = mesh.walk()
        assert ends(found) == [(503, "NC")]
        assert found.differences == ()

    def test_an_envoy_filter_may_be_why(self) -> None:
        patch = build.istio_object("EnvoyFilter", "tweak", configPatches=[])
        assert Mesh(routes=[TEAPOT], objects=[patch]).walk().differences == ()

    def test_an_object_of_the_last_seconds_may_still_be_on_its_way(self) -> None:
        rule = speaker({"directResponse": {"status": 418}})
        rule["metadata"]["creationTimestamp"] = build.NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert Mesh(objects=[rule]).walk().differences == ()
