from __future__ import annotations

import pytest

from meshdoctor.intent.inbound_capture import captures_inbound, is_in_ambient, takes_hbone
from meshdoctor.model.resource import Resource
from tests.build import pod, resources

EXCLUDE = "traffic.sidecar.istio.io/excludeInboundPorts"
INCLUDE = "traffic.sidecar.istio.io/includeInboundPorts"


def built(**annotations: str) -> Resource:
    found = pod("a")
    found["metadata"]["annotations"] |= annotations
    return resources([found])[0]


@pytest.mark.parametrize(
    ("annotations", "captured"),
    [
        ({}, True),
        ({EXCLUDE: "8080"}, False),
        ({EXCLUDE: "9090, 8080"}, False),
        ({EXCLUDE: "9090"}, True),
        ({EXCLUDE: ""}, True),
        ({EXCLUDE: "x,,80800"}, True),
        ({INCLUDE: "*"}, True),
        ({INCLUDE: "8080,9090"}, True),
        ({INCLUDE: "9090"}, False),
        ({INCLUDE: ""}, False),
        ({INCLUDE: "*", EXCLUDE: "8080"}, False),
        ({"sidecar.istio.io/interceptionMode": "NONE"}, False),
        ({"sidecar.istio.io/interceptionMode": "TPROXY"}, True),
    ],
)
def test_annotations_say_which_ports_lead_through_the_sidecar(
    annotations: dict[str, str], captured: bool
) -> None:
    assert captures_inbound(built(**annotations), 8080) is captured


@pytest.mark.parametrize("port", [15020, 15021, 15090])
def test_the_proxys_own_ports_are_never_captured(port: int) -> None:
    assert not captures_inbound(built(), port)


def test_ztunnel_takes_the_traffic_of_pods_that_the_node_agent_marked() -> None:
    assert is_in_ambient(built(**{"ambient.istio.io/redirection": "enabled"}))
    assert not is_in_ambient(built(**{"ambient.istio.io/redirection": "disabled"}))
    assert not is_in_ambient(built())


def test_hbone_is_taken_by_ztunnel_and_by_sidecars_that_say_so() -> None:
    def taken(proxy: str | None, labels: dict[str, str], annotations: dict[str, str]) -> bool:
        found = pod("a", proxy=proxy, labels=labels)
        found["metadata"].setdefault("annotations", {}).update(annotations)
        return takes_hbone(resources([found])[0])

    tunnel = {"networking.istio.io/tunnel": "http"}
    assert taken(None, {}, {"ambient.istio.io/redirection": "enabled"})
    assert taken("native", tunnel, {})
    assert not taken("native", {}, {})
    assert not taken(None, tunnel, {})
