from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.diagnose.scope import ScopeError
from meshdoctor.views.trace_request import build_request, parse_claims, parse_headers
from tests import build


def mesh() -> Any:
    gateway = build.istio_object(
        "Gateway",
        "front",
        group="networking.istio.io",
        selector={"istio": "ingressgateway"},
        servers=[{"port": {"number": 80, "protocol": "HTTP"}, "hosts": ["shop.example.com"]}],
    )
    router = build.pod("router", "istio-system", labels={"istio": "ingressgateway"}, proxy=None)
    router["spec"]["containers"] = [{"name": "istio-proxy", "image": "proxyv2"}]
    router["metadata"]["annotations"] = {"inject.istio.io/templates": "gateway"}
    return build.mesh(
        [
            build.namespace("shop"),
            build.namespace("istio-system"),
            build.service("ratings"),
            build.deployment("client"),
            build.pod("client-1", owner="client"),
            build.pod("client-1", "pay", labels={"app": "other"}),
            gateway,
            router,
        ]
    )


@pytest.mark.parametrize(
    ("to", "host", "port", "path", "tls"),
    [
        ("ratings:8080", "ratings", 8080, "/", False),
        ("ratings", "ratings", 8080, "/", False),
        ("ratings.shop:9090/api?x=1", "ratings.shop", 9090, "/api?x=1", False),
        ("http://ratings.shop.svc/x#y", "ratings.shop.svc", 8080, "/x", False),
        ("https://api.example.com", "api.example.com", 443, "/", True),
        ("api.example.com:443", "api.example.com", 443, "/", True),
        ("api.example.com", "api.example.com", 80, "/", False),
        ("[2001:db8::1]:8080", "2001:db8::1", 8080, "/", False),
    ],
)
def test_a_destination_is_read_as_people_write_it(
    to: str, host: str, port: int, path: str, *, tls: bool
) -> None:
    found = build_request(mesh(), "deploy/client", to)
    assert (found.host, found.port, found.path, found.tls) == (host, port, path, tls)


@pytest.mark.parametrize("to", ["", ":80", "a b", "ratings:0", "ratings:99999", "ftp://x"])
def test_what_is_no_destination_is_refused(to: str) -> None:
    with pytest.raises(ScopeError, match="no destination"):
        build_request(mesh(), "deploy/client", to)


def test_a_name_that_only_the_cluster_could_know_must_be_there() -> None:
    for name in ("rating", "nosuch", "ratings.istio-system", "x.shop.svc.cluster.local"):
        with pytest.raises(ScopeError, match="no host called"):
            build_request(mesh(), "deploy/client", name)
    assert build_request(mesh(), "deploy/client", "ratings.example").host == "ratings.example"


def test_the_client_is_a_pod_a_workload_or_the_gateway() -> None:
    assert str(build_request(mesh(), "client-1.shop", "ratings").client) == "Pod shop/client-1"
    assert str(build_request(mesh(), "deploy/client", "ratings").client) == "Pod shop/client-1"
    found = build_request(mesh(), "gateway", "shop.example.com")
    assert (str(found.client), found.from_gateway) == ("Pod istio-system/router", True)
    with pytest.raises(ScopeError, match="nothing called"):
        build_request(mesh(), "deploy/nobody", "ratings")


def test_whether_a_token_comes_with_it_is_not_known_unless_said() -> None:
    assert build_request(mesh(), "deploy/client", "ratings").has_token is None
    assert build_request(mesh(), "deploy/client", "ratings", no_token=True).has_token is False
    found = build_request(mesh(), "deploy/client", "ratings", claims={"iss": "x"})
    assert found.has_token is True


def test_claims_are_pairs_or_json() -> None:
    assert parse_claims("iss=a, sub=b") == {"iss": "a", "sub": "b"}
    assert parse_claims('{"iss": "a", "aud": ["x", "y"]}') == {"iss": "a", "aud": "x,y"}
    for text in ("iss", "{iss", ""):
        with pytest.raises(ScopeError, match="claims"):
            parse_claims(text)


def test_headers_are_read_as_curl_takes_them() -> None:
    assert parse_headers(["X-User: anna", "Host:x"]) == {"x-user": "anna", "host": "x"}
    with pytest.raises(ScopeError, match="no header"):
        parse_headers(["X-User"])


def two_ratings() -> Any:
    return build.mesh(
        [
            *(build.namespace(name) for name in ("shop", "pay", "other")),
            build.service("ratings"),
            build.service("ratings", "pay"),
            build.service("lone", "pay"),
            build.pod("client-1"),
            build.pod("asks", "other"),
        ]
    )


@pytest.mark.parametrize(
    ("to", "host", "port", "path"),
    [
        ("svc/ratings", "ratings.shop", 8080, "/"),
        ("service/ratings.pay:8080/api?x=1", "ratings.pay", 8080, "/api?x=1"),
        ("SVC/lone", "lone.pay", 8080, "/"),
        ("svc/ratings:http/x", "ratings.shop", 8080, "/x"),
    ],
)
def test_a_service_is_named_as_for_diagnose(to: str, host: str, port: int, path: str) -> None:
    found = build_request(two_ratings(), "client-1.shop", to)
    assert (found.host, found.port, found.path) == (host, port, path)


@pytest.mark.parametrize(
    ("to", "says"),
    [
        ("svc/rating", "no Service called rating is in what was read; did you mean ratings.pay"),
        ("svc/ratings", r"more than one namespace \(pay, shop\)"),
        ("svc/ratings.pay:9", "Service pay/ratings has no port 9; it has 8080"),
        ("svc/ratings.pay:", "Service pay/ratings has no port ; it has 8080"),
    ],
)
def test_a_service_that_is_not_there_or_not_the_only_one_is_refused(to: str, says: str) -> None:
    with pytest.raises(ScopeError, match=says):
        build_request(two_ratings(), "asks.other", to)


def test_a_host_that_is_called_like_the_word_for_services_is_a_host() -> None:
    mesh = build.mesh([build.namespace("shop"), build.service("svc"), build.pod("client-1")])
    assert build_request(mesh, "client-1.shop", "svc:8080").host == "svc"
