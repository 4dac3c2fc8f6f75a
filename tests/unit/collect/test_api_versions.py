from __future__ import annotations

import json
from typing import Any

import pytest

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.api_versions import discover, version_rank
from meshdoctor.model import kinds
from meshdoctor.model.not_read import NotReadStatus
from tests.unit.collect.stand_in import DENIED, Cluster

ISTIO = "networking.istio.io"


def aggregated(*versions: tuple[str, list[str]], **more: Any) -> bytes:
    listed = [
        {"version": version, "resources": [{"resource": plural} for plural in plurals], **more}
        for version, plurals in versions
    ]
    items = [{"metadata": {"name": ISTIO}, "versions": listed}]
    return json.dumps({"kind": "APIGroupDiscoveryList", "items": items}).encode()


def test_versions_are_ordered_as_kubernetes_orders_them() -> None:
    versions = ["v1alpha3", "v1beta1", "v2", "garbled", "v1", "v1beta2", "v11", "v1alpha1"]
    assert sorted(versions, key=version_rank, reverse=True) == [
        "v11",
        "v2",
        "v1",
        "v1beta2",
        "v1beta1",
        "v1alpha3",
        "v1alpha1",
        "garbled",
    ]


async def test_each_kind_is_read_in_its_own_preferred_version() -> None:
    document = aggregated(
        ("v1alpha3", ["envoyfilters", "gateways"]), ("v1beta1", ["gateways"]), ("v1", ["gateways"])
    )
    cluster = Cluster(files={"/apis": document})
    served = await discover(cluster, kinds.ALL)
    assert served.version_of(kinds.GATEWAY) == "v1"
    assert served.version_of(kinds.ENVOY_FILTER) == "v1alpha3"
    assert served.version_of(kinds.SIDECAR) is None
    assert served.version_of(kinds.POD) == "v1"
    assert cluster.asked == ["/apis"]


async def test_an_older_server_is_asked_group_by_group() -> None:
    groups = [
        {"name": ISTIO, "versions": [{"version": "v1"}, {"version": "v1beta1"}]},
        {"name": "argoproj.io", "versions": [{"version": "v1"}]},
    ]
    files = {
        "/apis": json.dumps({"kind": "APIGroupList", "groups": groups}).encode(),
        f"/apis/{ISTIO}/v1": b'{"resources": [{"name": "gateways"}, {"name": "gateways/status"}]}',
        f"/apis/{ISTIO}/v1beta1": b'{"resources": [{"name": "gateways"}, {"name": "sidecars"}]}',
    }
    cluster = Cluster(files=files)
    served = await discover(cluster, kinds.ALL)
    assert served.version_of(kinds.GATEWAY) == "v1"
    assert served.version_of(kinds.SIDECAR) == "v1beta1"
    assert served.version_of(kinds.VIRTUAL_SERVICE) is None
    assert not [path for path in cluster.asked if "argoproj" in path]


async def test_a_group_that_cannot_be_told_about_is_not_taken_for_absent() -> None:
    groups = [{"name": ISTIO, "versions": [{"version": "v1"}]}]
    cluster = Cluster(
        files={"/apis": json.dumps({"kind": "APIGroupList", "groups": groups}).encode()}
    )
    cluster.refused = {f"/apis/{ISTIO}/v1": DENIED}
    served = await discover(cluster, kinds.ALL)
    with pytest.raises(ReadError, match="forbidden"):
        served.version_of(kinds.GATEWAY)
    stale = await discover(
        Cluster(files={"/apis": aggregated(("v1", []), freshness="Stale")}), kinds.ALL
    )
    with pytest.raises(ReadError, match="stale"):
        stale.version_of(kinds.GATEWAY)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"<html>", b'{"kind": "Status"}', b"\xff"])
async def test_what_is_no_discovery_is_an_error(body: bytes) -> None:
    with pytest.raises(ReadError) as caught:
        await discover(Cluster(files={"/apis": body}), kinds.ALL)
    assert caught.value.status is NotReadStatus.FAILED
