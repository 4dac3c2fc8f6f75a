from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.gateway_api_crds import ANALYZER
from meshdoctor.model.finding import FactState, Outcome
from meshdoctor.model.kinds import GRPC_ROUTE
from meshdoctor.model.snapshot import Snapshot
from tests.build import istio_object, mesh
from tests.unit.analyze.control_plane_build import found, istiod_deployment, istiod_pod, one

GROUP = "gateway.networking.k8s.io"
ANSWER = {"parents": [{"controllerName": "istio.io/gateway-controller", "conditions": []}]}


def crd(plural: str, bundle: str | None) -> dict[str, Any]:
    marks = {f"{GROUP}/bundle-version": bundle} if bundle else {}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}", "annotations": marks},
    }


def gateway(kind: str = "istio", *, tls: str = "", attached: int = 0) -> dict[str, Any]:
    listener: dict[str, Any] = {"name": "one", "port": 443, "protocol": "HTTP"}
    if tls:
        listener |= {"protocol": "TLS", "tls": {"mode": tls}, "hostname": "db.example.com"}
    made = istio_object(
        "Gateway", "edge", "shop", group=GROUP, gatewayClassName=kind, listeners=[listener]
    )
    made["status"] = {
        "conditions": [{"type": "Accepted", "reason": "Accepted", "status": "True"}],
        "listeners": [{"name": "one", "attachedRoutes": attached}],
    }
    return made


def route(kind: str = "GRPCRoute", status: dict[str, Any] | None = None) -> dict[str, Any]:
    parents = [{"name": "edge"}]
    made = istio_object(
        kind, "calls", "shop", group=GROUP, parentRefs=parents, hostnames=["a.example.com"]
    )
    made["status"] = status or {}
    return made


def seen(*objects: dict[str, Any], istio: str = "1.30.2", **how: Any) -> Snapshot:
    pod = istiod_pod(image=f"docker.io/istio/pilot:{istio}")
    return mesh([istiod_deployment(), pod, *objects], **how)


def fault(plural: str, *others: str) -> list[tuple[str, str, tuple[str, ...]]]:
    name = f"{plural}.{GROUP}"
    objects = (f"CustomResourceDefinition {name}", *others)
    return [("MD0455", f"definition {name}", objects)]


def test_a_grpc_route_whose_crd_is_too_old() -> None:
    snapshot = seen(crd("grpcroutes", "v1.0.0"), gateway(), route())
    assert found(ANALYZER, snapshot, Outcome.FAIL) == fault("grpcroutes", "GRPCRoute shop/calls")
    finding = one(ANALYZER.analyze(snapshot), "MD0455", Outcome.FAIL)
    assert {fact.state for fact in finding.facts} == {FactState.HOLDS}
    assert [item.to for item in finding.affected] == ["a.example.com"]


def test_a_tls_route_whose_crd_is_too_old() -> None:
    snapshot = seen(crd("tlsroutes", "v1.4.1"), gateway(), route("TLSRoute"))
    assert found(ANALYZER, snapshot, Outcome.FAIL) == fault("tlsroutes", "TLSRoute shop/calls")


def test_a_listener_that_waits_for_tls_routes_tells_without_them() -> None:
    waiting = gateway(tls="Passthrough")
    snapshot = seen(crd("tlsroutes", "v1.4.1"), waiting)
    assert found(ANALYZER, snapshot, Outcome.FAIL) == fault("tlsroutes", "Gateway shop/edge")
    busy = seen(crd("tlsroutes", "v1.4.1"), gateway(tls="Passthrough", attached=1))
    assert found(ANALYZER, busy, Outcome.FAIL) == []


def test_a_crd_that_names_no_release_counts_as_too_old() -> None:
    snapshot = seen(crd("grpcroutes", None), gateway(), route())
    assert found(ANALYZER, snapshot, Outcome.FAIL) == fault("grpcroutes", "GRPCRoute shop/calls")


def test_a_gateway_of_before_v1_that_istiod_does_not_see() -> None:
    blind = gateway()
    blind["status"] = {"conditions": [{"type": "Accepted", "reason": "Pending"}]}
    old = crd("gateways", "v0.4.3")
    assert found(ANALYZER, seen(old, blind), Outcome.FAIL) == fault("gateways", "Gateway shop/edge")
    assert found(ANALYZER, seen(old, gateway()), Outcome.FAIL) == []
    assert found(ANALYZER, seen(crd("gateways", "v1.6.0"), blind), Outcome.FAIL) == []


@pytest.mark.parametrize(
    ("objects", "istio"),
    [
        pytest.param([crd("grpcroutes", "v1.1.0"), gateway(), route()], "1.30.2", id="new enough"),
        pytest.param([crd("grpcroutes", "v1.1.0-rc1"), gateway(), route()], "1.30.2", id="rc"),
        pytest.param([crd("grpcroutes", "v1.0.0"), gateway(), route()], "1.22.1", id="old istio"),
        pytest.param(
            [crd("tlsroutes", "v1.4.1"), gateway(), route("TLSRoute")], "1.29.0", id="1.29"
        ),
        pytest.param(
            [crd("grpcroutes", "v1.0.0"), gateway(), route(status=ANSWER)], "1.30.2", id="read"
        ),
        pytest.param(
            [crd("grpcroutes", "v1.0.0"), gateway("nginx"), route()], "1.30.2", id="other"
        ),
    ],
)
def test_what_is_no_fault(objects: list[dict[str, Any]], istio: str) -> None:
    assert found(ANALYZER, seen(*objects, istio=istio), Outcome.FAIL) == []


def test_an_old_crd_that_nothing_is_made_of_is_a_note() -> None:
    snapshot = seen(crd("grpcroutes", "v1.0.0"))
    assert one(ANALYZER.analyze(snapshot), "MD0455", Outcome.WARN).root is False


def test_one_whose_objects_were_not_read_is_not_judged() -> None:
    snapshot = seen(crd("grpcroutes", "v1.0.0"), gateway(), unread=[GRPC_ROUTE])
    unknown = one(ANALYZER.analyze(snapshot), "MD0455", Outcome.UNKNOWN)
    assert unknown.needs == (GRPC_ROUTE.input,)


def test_one_that_is_new_enough_rules_it_out_with_its_release() -> None:
    snapshot = seen(crd("grpcroutes", "v1.1.0"), gateway(), route(status=ANSWER))
    passed = one(ANALYZER.analyze(snapshot), "MD0455", Outcome.PASS)
    assert [item.excerpt for item in passed.evidence] == ["v1.1.0"]
