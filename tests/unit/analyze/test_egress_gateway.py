from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.analyze.egress_gateway import ANALYZER
from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.model.finding import Outcome
from meshdoctor.model.kinds import DESTINATION_RULE, SERVICE_ENTRY
from meshdoctor.serve.json_patch import json_patch
from tests.build import istio_object, istiod, mesh, namespace, pod
from tests.unit.analyze.gateway_build import SELECTOR, front
from tests.unit.analyze.traffic_build import (
    CLIENT,
    client,
    client_pod,
    line,
    named,
    no_cluster,
    passed,
    problems,
    unknowns,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PARTNER = "VirtualService shop/partner"
HOST = "api.partner.example"
DOOR = "front-door.edge.svc.cluster.local"
SUBJECT = f"destination {HOST}:80"
Objects = dict[str, dict[str, Any]]


def to(host: str, port: int, subset: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"host": host, "port": {"number": port}}
    if subset:
        found["subset"] = subset
    return {"destination": found}


def way() -> Objects:
    """The four objects of Istio's own task, and a DestinationRule for the gateway."""
    port = {"number": 80, "name": "http", "protocol": "HTTP"}
    first = {"match": [{"gateways": ["mesh"], "port": 80}], "route": [to(DOOR, 80, "partner")]}
    second = {"match": [{"gateways": ["edge/out"], "port": 80}], "route": [to(HOST, 80)]}
    return {
        "entry": istio_object(
            "ServiceEntry", "partner", hosts=[HOST], ports=[port], resolution="DNS"
        ),
        "gateway": istio_object(
            "Gateway",
            "out",
            "edge",
            group="networking.istio.io",
            selector=SELECTOR,
            servers=[{"port": port, "hosts": [HOST]}],
        ),
        "service": istio_object(
            "VirtualService",
            "partner",
            hosts=[HOST],
            gateways=["mesh", "edge/out"],
            http=[first, second],
        ),
        "rule": istio_object(
            "DestinationRule", "door", "shop", host=DOOR, subsets=[{"name": "partner"}]
        ),
    }


def built(objects: Objects, *lines: str, **more: Any) -> Any:
    parts = [namespace("shop"), namespace("edge"), *front(), client_pod(), *objects.values()]
    return mesh(parts, proxies=[client(*lines)], **{"istiods": [istiod()]} | more)


def no_subset(objects: Objects) -> None:
    objects["rule"]["spec"]["subsets"] = [{"name": "other"}]


def no_rule(objects: Objects) -> None:
    del objects["rule"]


def not_in_mesh(objects: Objects) -> None:
    objects["service"]["spec"]["gateways"] = ["edge/out"]


def not_at_gateway(objects: Objects) -> None:
    objects["service"]["spec"]["gateways"] = ["mesh"]


def gateway_of_another_namespace(objects: Objects) -> None:
    objects["service"]["spec"]["gateways"] = ["mesh", "out"]
    objects["service"]["spec"]["http"][1]["match"][0]["gateways"] = ["out"]


def match_for_another_gateway(objects: Objects) -> None:
    objects["service"]["spec"]["http"][1]["match"][0]["gateways"] = ["edge/outward"]


def no_second_hop(objects: Objects) -> None:
    del objects["service"]["spec"]["http"][1]


def another_host(objects: Objects) -> None:
    objects["gateway"]["spec"]["servers"][0]["hosts"] = ["other.example"]


def another_port(objects: Objects) -> None:
    objects["gateway"]["spec"]["servers"][0]["port"]["number"] = 8888


def hidden_entry(objects: Objects) -> None:
    objects["entry"]["spec"]["exportTo"] = ["."]


def entry_without_port(objects: Objects) -> None:
    objects["entry"]["spec"]["ports"] = [{"number": 443, "name": "tls", "protocol": "TLS"}]


def no_entry(objects: Objects) -> None:
    del objects["entry"]


CASES = [
    (no_subset, "DestinationRule shop/door"),
    (no_rule, "VirtualService shop/partner"),
    (not_in_mesh, "VirtualService shop/partner"),
    (not_at_gateway, "VirtualService shop/partner"),
    (gateway_of_another_namespace, "VirtualService shop/partner"),
    (match_for_another_gateway, "VirtualService shop/partner"),
    (no_second_hop, "VirtualService shop/partner"),
    (another_host, "Gateway edge/out"),
    (another_port, "Gateway edge/out"),
    (hidden_entry, "ServiceEntry shop/partner"),
    (entry_without_port, "ServiceEntry shop/partner"),
    (no_entry, "VirtualService shop/partner"),
]


@pytest.mark.parametrize(
    ("spoil", "culprit"), CASES, ids=lambda item: getattr(item, "__name__", "")
)
class TestGaps:
    def test_the_object_with_the_gap_is_named(
        self, spoil: Callable[[Objects], None], culprit: str
    ) -> None:
        objects = way()
        spoil(objects)
        assert named(ANALYZER, built(objects)) == [("MD0155", SUBJECT, culprit)]

    def test_it_is_the_only_root_cause(
        self, spoil: Callable[[Objects], None], culprit: str
    ) -> None:
        objects = way()
        spoil(objects)
        found = diagnose(built(objects, *no_cluster(authority=HOST, local="203.0.113.9:80")))
        assert [(cause.id, cause.objects[0]) for cause in found.root_causes] == [
            ("egress-gateway-route-incomplete", culprit)
        ]


def test_a_way_that_is_whole_passes() -> None:
    snapshot = built(way())
    assert problems(ANALYZER, snapshot) == []
    assert ("MD0155", SUBJECT) in passed(ANALYZER, snapshot)
    assert diagnose(snapshot).root_causes == ()


@pytest.mark.parametrize(
    "spoil", [gateway_of_another_namespace, match_for_another_gateway, not_at_gateway]
)
def test_the_command_names_the_gateway_wherever_it_has_to_be_named(
    spoil: Callable[[Objects], None],
) -> None:
    objects = way()
    spoil(objects)
    (found,) = problems(ANALYZER, built(objects))
    before = deepcopy(objects["service"]["spec"])
    for key, expected in (("command", []), ("undo", [("MD0155", SUBJECT, PARTNER)])):
        steps = json.loads(found.fills[key].partition("-p '")[2].rstrip("'"))
        objects["service"] = json_patch(objects["service"], steps)
        assert named(ANALYZER, built(objects)) == expected
    assert objects["service"]["spec"] == before


def test_two_virtual_services_make_a_way_too() -> None:
    objects = way()
    first, second = objects["service"]["spec"]["http"]
    first.pop("match")
    second.pop("match")
    objects["service"]["spec"] = {"hosts": [HOST], "http": [first]}
    objects["second"] = istio_object(
        "VirtualService", "onward", "edge", hosts=[HOST], gateways=["out"], http=[second]
    )
    assert problems(ANALYZER, built(objects)) == []
    objects["second"]["spec"]["gateways"] = ["elsewhere"]
    assert named(ANALYZER, built(objects)) == [("MD0155", SUBJECT, "VirtualService shop/partner")]


def test_failed_calls_prove_it_and_calls_that_get_through_speak_against_it() -> None:
    objects = way()
    no_subset(objects)
    failing = built(objects, *no_cluster(authority=HOST, local="203.0.113.9:80"))
    assert diagnose(failing).root_causes[0].certainty.value == "proven"
    passing = line(f"outbound|80|partner|{DOOR}", authority=HOST, local="203.0.113.9:80")
    (found,) = problems(ANALYZER, built(objects, passing))
    assert (found.outcome, found.root) == (Outcome.WARN, False)


def test_a_gateway_for_hosts_of_the_mesh_is_no_way_out() -> None:
    objects = way()
    del objects["service"]
    assert list(ANALYZER.analyze(built(objects))) == []


@pytest.mark.parametrize("kind", [DESTINATION_RULE, SERVICE_ENTRY])
def test_without_one_of_the_four_it_cannot_be_told(kind: Any) -> None:
    objects = way()
    no_subset(objects)
    assert unknowns(ANALYZER, built(objects, unread=[kind])) == {"MD0155": (kind.input,)}


def test_the_gateways_pods_are_needed_to_know_it_for_one() -> None:
    objects = [namespace("shop"), client_pod(), *way().values(), pod(CLIENT)]
    assert list(ANALYZER.analyze(mesh(objects))) == []
