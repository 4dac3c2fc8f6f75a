"""A report walks a request that fails by its root cause, and marks the hop that breaks it."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from meshdoctor.model.finding import Affected
from meshdoctor.model.trace import Place, Verdict
from meshdoctor.report.failing_request import FailingRequest, failing_requests
from meshdoctor.report.failing_request_drawing import hop_by_hop
from meshdoctor.report.formats import Format, render
from tests.report.documents import ALL, document, masked_document, session

SVG = "{http://www.w3.org/2000/svg}"


def request_of(name: str) -> FailingRequest:
    """The only request that the report of a recording draws."""
    (request,) = document(name).requests
    return request


@pytest.mark.parametrize(
    ("name", "place", "what", "ends"),
    [
        ("subset-not-defined", Place.CLIENT_PROXY, "cluster", (503, ("NC",))),
        ("registry-only-egress", Place.CLIENT_PROXY, "direct response", (502, ())),
        ("authz-principal-wrong", Place.SERVER_PROXY, "HTTP RBAC filter", (403, ())),
        ("ambient-hbone-blocked", Place.NETWORK, "NetworkPolicy", (0, ())),
        ("gateway-credential-missing", Place.CLIENT_PROXY, "transport socket", (0, ())),
    ],
)
def test_the_request_breaks_at_a_hop_that_the_root_cause_is_behind(
    name: str, place: Place, what: str, ends: tuple[int, tuple[str, ...]]
) -> None:
    request, (cause,) = request_of(name), document(name).diagnosis.root_causes
    broken = request.hops[request.fails_at]
    assert (broken.place, broken.what, broken.verdict) == (place, what, Verdict.FAILS)
    assert set(broken.objects) & set(cause.objects)
    assert (request.outcome.status, request.outcome.flags) == ends
    assert request.rank == cause.rank
    assert request.is_stopped


def test_the_request_is_one_of_whom_the_title_speaks() -> None:
    request, (cause,) = (
        request_of("subset-not-defined"),
        document("subset-not-defined").diagnosis.root_causes,
    )
    assert Affected(request.caller, cause.affected[0].to) in cause.affected
    assert request.url == f"GET http://{cause.affected[0].to}/"
    assert request.client.startswith("Pod shop/client-v1-")


def test_a_request_from_outside_enters_by_the_gateway_and_https_is_said() -> None:
    request = request_of("gateway-credential-missing")
    assert (request.caller, request.url) == ("", "GET https://shop.example.com/")
    assert request.client.startswith("Pod istio-system/istio-ingressgateway-")


def test_a_request_that_goes_on_after_the_hop_at_fault_reaches_the_application() -> None:
    request = request_of("route-timeout")
    assert not request.is_stopped
    assert request.hops[request.fails_at].what == "timeout"


@pytest.mark.parametrize(
    "name",
    ["healthy", "istiod-down", "port-named-tcp", "route-shadowed", "ambient-waypoint-missing"],
)
def test_where_no_request_is_known_to_fail_none_is_drawn(name: str) -> None:
    assert document(name).requests == ()
    assert "hop by hop" not in render(document(name), Format.HTML)


def test_a_request_that_fails_by_something_else_is_not_taken_for_it() -> None:
    made = document("subset-not-defined")
    (cause,) = made.diagnosis.root_causes
    mesh = session("subset-not-defined").snapshot()
    other = replace(cause, objects=("VirtualService shop/other",))
    assert failing_requests(mesh, replace(made.diagnosis, root_causes=(other,))) == ()
    assert failing_requests(mesh, made.diagnosis) == made.requests


@pytest.mark.parametrize(
    "to", ["", "reviews", "reviews:http", "ratings.shop.svc.cluster.local:8080"]
)
def test_a_destination_that_cannot_be_asked_or_answers_is_left_out(to: str) -> None:
    made = document("subset-not-defined")
    (cause,) = made.diagnosis.root_causes
    mesh = session("subset-not-defined").snapshot()
    source = cause.affected[0].source
    other = replace(cause, affected=(Affected(source, to),))
    assert failing_requests(mesh, replace(made.diagnosis, root_causes=(other,))) == ()
    gone = replace(cause, affected=(Affected("Deployment shop/gone", cause.affected[0].to),))
    assert failing_requests(mesh, replace(made.diagnosis, root_causes=(gone,))) == ()


@pytest.mark.parametrize("format_", [Format.MARKDOWN, Format.HTML, Format.TEXT, Format.JUNIT])
def test_every_format_for_people_tells_the_hops_and_the_end(format_: Format) -> None:
    request = request_of("authz-principal-wrong")
    text = render(document("authz-principal-wrong"), format_).replace("&gt;", ">")
    for number, hop in enumerate(request.hops, start=1):
        assert f"{number}. " in text
        assert hop.what in text
    assert "✗ breaks here" in text
    assert "the application is not reached" in text
    assert "RBAC" in text
    assert request.url in text


def test_json_and_sarif_tell_the_hops() -> None:
    request = request_of("authz-principal-wrong")
    made = json.loads(render(document("authz-principal-wrong"), Format.JSON))
    (told,) = made["failing_requests"]
    assert told["request"] == request.url
    assert told["hops"][told["fails_at"]]["verdict"] == "fails"
    assert told["outcome"]["status"] == 403
    assert told["application_reached"] is False
    (run,) = json.loads(render(document("authz-principal-wrong"), Format.SARIF))["runs"]
    (flow,) = run["results"][0]["codeFlows"]
    steps = flow["threadFlows"][0]["locations"]
    assert len(steps) == len(request.hops)
    essential = [number for number, s in enumerate(steps) if s["importance"] == "essential"]
    assert essential == [request.fails_at]


@pytest.mark.parametrize("name", [name for name in ALL if name != "healthy"])
def test_a_drawing_marks_one_hop_in_words_and_describes_them_all(name: str) -> None:
    for request in document(name).requests:
        root = ElementTree.fromstring(hop_by_hop(request))
        said = " ".join(root.itertext())
        title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
        assert title is not None
        assert description is not None
        assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
        boxes = [box for box in root.iter(f"{SVG}g") if "box" in (box.get("class") or "")]
        heads = [next(iter(box.iter(f"{SVG}text"))).text or "" for box in boxes]
        assert sum("✗ breaks here" in head for head in heads) == 1
        assert heads[-1] == "✗ the caller gets"
        for hop in request.hops:
            assert " ".join(hop.because.split()) in " ".join((description.text or "").split())
        assert said.count("✗ breaks here") == 2


def test_a_masked_request_is_the_same_walk_with_other_names() -> None:
    plain = request_of("subset-not-defined")
    (hidden,) = masked_document("subset-not-defined")[0].requests
    assert [(h.place, h.verdict) for h in hidden.hops] == [(h.place, h.verdict) for h in plain.hops]
    assert hidden.fails_at == plain.fails_at
    assert "shop" not in hidden.url + hidden.client + hidden.caller
