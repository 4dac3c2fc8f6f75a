"""What is found out before collecting: reach, clock, rights, and a way to a pod."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.collect.access_review import review_rights
from meshdoctor.collect.api import ReadError
from meshdoctor.collect.pod_ways import WAYS, ways
from meshdoctor.collect.preflight import Preflight, preflight
from meshdoctor.collect.rights import RIGHTS, Use
from meshdoctor.collect.sample_pods import SamplePod, sample_istiod, sample_proxy
from meshdoctor.model.not_read import NotReadStatus
from tests.build import NOW
from tests.unit.analyze.control_plane_build import injected, istiod_pod
from tests.unit.collect.stand_in_api import StandInApi, denied

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from meshdoctor.collect.api import KubeApi, Socket

VERSION = {"/version": {"gitVersion": "v1.33.1"}}
PODS = {"/api/v1/pods": {"items": [istiod_pod(), injected("web")]}}
PROXY = SamplePod("shop", "web", "istio-proxy", 15000)


class SilentApi(StandInApi):
    """Lets everyone in, and then says nothing."""

    @asynccontextmanager
    async def socket(
        self, path: str, query: Sequence[tuple[str, str]], subprotocols: Sequence[str]
    ) -> AsyncIterator[Socket]:
        await asyncio.sleep(3600)
        raise AssertionError("nobody waits that long")
        yield


async def answers(api: KubeApi, pod: SamplePod) -> None:
    del api, pod


async def refuses(api: KubeApi, pod: SamplePod) -> None:
    del api, pod
    raise denied()


async def found(api: StandInApi, **options: Any) -> Preflight:
    options.setdefault("ways", {"port-forward": answers})
    return await preflight(api, clock=lambda: NOW, **options)


async def test_a_cluster_that_answers_is_described() -> None:
    seen = await found(StandInApi(VERSION | PODS))
    assert (seen.server.version, seen.server.behind, seen.server.error) == (
        "v1.33.1",
        timedelta(0),
        None,
    )
    assert seen.istiod.pod == SamplePod("istio-system", "istiod-0", "discovery", 15014)
    assert seen.proxy.pod == PROXY
    assert seen.proxy.answered_by == "port-forward"
    assert all(item.allowed for item in seen.reviews)


async def test_nothing_is_asked_of_a_cluster_that_cannot_be_reached() -> None:
    error = ReadError(NotReadStatus.FAILED, "connection refused")
    api = StandInApi({"/version": error})
    seen = await found(api)
    assert seen.server.error is error
    assert (api.asked, api.reviewed) == ([("/version", {})], [])
    assert seen.istiod.error is error


async def test_a_refused_version_does_not_stop_the_rest() -> None:
    seen = await found(StandInApi({"/version": denied()} | PODS))
    assert seen.server.error is not None
    assert seen.reviews
    assert seen.proxy.pod == PROXY


async def test_the_clocks_difference_is_counted_from_halfway() -> None:
    times = iter([NOW, NOW + timedelta(seconds=4)])
    api = StandInApi(VERSION, date=NOW - timedelta(seconds=8))
    seen = await preflight(api, ways={}, clock=lambda: next(times))
    assert seen.server.behind == timedelta(seconds=10)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff", b""])
async def test_a_version_that_is_not_json_is_an_error_of_one_line(body: bytes) -> None:
    seen = await found(StandInApi({"/version": body}))
    assert seen.server.error is not None
    assert seen.server.error.reason == "it answered /version with something that is not JSON"


class TestReviews:
    async def test_every_right_is_asked_once_for_the_whole_cluster(self) -> None:
        api = StandInApi()
        reviews = await review_rights(api)
        assert len(reviews) == len(api.reviewed)
        assert len(reviews) == sum(len(r.verbs) for r in RIGHTS if r.use is not Use.SELF)
        assert {"namespace" in item for item in api.reviewed} == {False}
        asked = [item for item in api.reviewed if item["resource"] == "pods"]
        assert {"group": "", "resource": "pods", "verb": "get", "subresource": "log"} in asked
        assert {
            "group": "",
            "resource": "pods",
            "verb": "create",
            "subresource": "portforward",
        } in asked

    async def test_what_a_role_can_grant_is_asked_for_in_the_namespaces_named(self) -> None:
        reviews = await review_rights(StandInApi(), ("shop", "istio-system"))
        for item in reviews:
            assert bool(item.namespace) is item.right.namespaced
        texts = {item.text for item in reviews}
        assert {"get pods/log in shop", "list pods in istio-system", "list nodes"} <= texts

    async def test_what_is_denied_and_what_cannot_be_told_are_different(self) -> None:
        def say(attributes: dict[str, Any]) -> object:
            if attributes["resource"] == "nodes":
                return False
            return denied("no reviews here") if attributes["resource"] == "events" else True

        reviews = {item.text: item for item in await review_rights(StandInApi(allowed=say))}
        assert (reviews["list nodes"].allowed, reviews["list nodes"].reason) == (False, "r r")
        assert reviews["list events"].allowed is None
        assert reviews["list events"].reason == "no reviews here"
        assert reviews["list pods"].allowed is True
        assert reviews["list nodes"].command == "kubectl auth can-i list nodes -A"

    @given(st.binary() | st.from_type(dict).map(lambda value: json.dumps(str(value)).encode()))
    async def test_an_answer_that_makes_no_sense_is_never_a_permission(self, body: bytes) -> None:
        reviews = await review_rights(StandInApi(allowed=lambda _: body))
        assert {item.allowed for item in reviews} == {None}


class TestSamplePods:
    async def test_a_pod_whose_container_does_not_run_is_passed_over(self) -> None:
        waiting = injected("a-waiting")
        waiting["status"]["initContainerStatuses"][0]["state"] = {"waiting": {}}
        leaving = injected("b-leaving")
        leaving["metadata"]["deletionTimestamp"] = "2026-11-21T08:00:00Z"
        api = StandInApi({"/api/v1/pods": {"items": [waiting, leaving, injected("web")]}})
        assert await sample_proxy(api, ()) == PROXY

    async def test_the_namespaces_named_are_looked_through_in_turn(self) -> None:
        path = "/api/v1/namespaces/{}/pods"
        api = StandInApi(
            {path.format("pay"): denied(), path.format("shop"): {"items": [injected("web")]}}
        )
        assert await sample_proxy(api, ("pay", "shop")) == PROXY
        assert isinstance(await sample_proxy(api, ("pay",)), ReadError)

    @pytest.mark.parametrize(("said", "port"), [("9090", 9090), ("x", 15014), ("0", 15014)])
    async def test_istiod_is_asked_where_it_says_its_metrics_are(
        self, said: str, port: int
    ) -> None:
        moved = istiod_pod()
        moved["metadata"]["annotations"] = {"prometheus.io/port": said}
        got = await sample_istiod(StandInApi({"/api/v1/pods": {"items": [moved]}}), None)
        assert isinstance(got, SamplePod)
        assert got.port == port

    async def test_none_running_is_none(self) -> None:
        assert await sample_istiod(StandInApi({"/api/v1/pods": {"items": []}}), None) is None

    @pytest.mark.parametrize("body", [b"no", {"items": [1]}, {"items": [{}]}, [], {"items": 3}])
    async def test_an_answer_that_is_no_list_of_pods_is_an_error(self, body: Any) -> None:
        got = await sample_istiod(StandInApi({"/api/v1/pods": body}), None)
        assert isinstance(got, ReadError) or got is None


class TestWays:
    async def test_the_second_way_is_tried_when_the_first_is_refused(self) -> None:
        both = {"port-forward": refuses, "exec": answers}
        seen = await found(StandInApi(VERSION | PODS), ways=both)
        assert [item.way for item in seen.proxy.reached] == ["port-forward", "exec"]
        assert seen.proxy.answered_by == "exec"

    async def test_a_way_that_works_is_the_last_that_is_tried(self) -> None:
        both = {"port-forward": answers, "exec": refuses}
        seen = await found(StandInApi(VERSION | PODS), ways=both)
        assert [item.way for item in seen.istiod.reached] == ["port-forward"]

    async def test_refusals_of_the_real_ways_are_kept_word_for_word(self) -> None:
        seen = await found(StandInApi(VERSION | PODS), ways=WAYS)
        assert seen.proxy.answered_by is None
        assert [item.error.reason for item in seen.proxy.reached if item.error] == [
            "no socket to /api/v1/namespaces/shop/pods/web/portforward",
            "no socket to /api/v1/namespaces/shop/pods/web/exec",
        ]

    @pytest.mark.parametrize("name", ["port-forward", "exec"])
    async def test_a_pod_that_never_answers_is_a_timeout(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("meshdoctor.collect.pod_ways.PATIENCE", 0.01)
        with pytest.raises(ReadError, match=r"no answer within 0\.01 s") as caught:
            await WAYS[name](SilentApi(), PROXY)
        assert caught.value.status is NotReadStatus.TIMEOUT

    def test_port_forward_is_left_out_where_it_is_not_wanted(self) -> None:
        assert list(ways()) == ["port-forward", "exec"]
        assert list(ways(allow_port_forward=False)) == ["exec"]
