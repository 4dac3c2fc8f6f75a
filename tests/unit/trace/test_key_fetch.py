"""Keys that istiod cannot fetch make every token fail, by the objects alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests import build
from tests.unit.trace.intent_build import V1, Asked, shares, slice_of

ISTIOD = build.pod(
    "istiod-1", "istio-system", proxy=None, ip="10.244.0.5", labels={"app": "istiod"}
)
GOOD = {"has_token": True, "claims": {"iss": "good", "sub": "alice"}}
OK, REFUSED = {"ok": 1.0}, {"401": 1.0}


def keys(uri: str = "", **rule: str) -> dict[str, Any]:
    """A RequestAuthentication for ratings that takes its keys from an address."""
    fetched = {"issuer": "good", **({"jwksUri": uri} if uri else {}), **rule}
    selector = {"matchLabels": {"app": "ratings"}}
    return build.istio_object("RequestAuthentication", "jwt", selector=selector, jwtRules=[fetched])


def asked(*objects: dict[str, Any]) -> Asked:
    return Asked([ISTIOD, *objects], endpoints=slice_of("ratings", "shop", V1))


@pytest.mark.parametrize(
    ("uri", "outcome"),
    [
        ("http://payments.pay.svc.cluster.local:8080/keys", OK),
        ("http://payments.pay:8080/keys", OK),
        ("https://keys.example.com/keys", OK),
        ("http://payments:8080/keys", REFUSED),
        ("http://payments.pay:8099/keys", REFUSED),
        ("http://payments.pay/keys", REFUSED),
        ("https://payments.pay:8080/keys", REFUSED),
        ("http://issuer.pay.svc.cluster.local:8099/keys", REFUSED),
        ("https://issuer.example/keys", REFUSED),
    ],
)
def test_tokens_are_taken_where_istiod_can_reach_the_keys(
    uri: str, outcome: dict[str, float]
) -> None:
    assert shares(asked(keys(uri)).walk(**GOOD)) == outcome


def test_it_says_which_address_cannot_be_fetched_and_why() -> None:
    found = asked(keys("http://issuer.pay:8099/keys")).walk(**GOOD)
    because = (
        "istiod cannot fetch http://issuer.pay:8099/keys for RequestAuthentication shop/jwt: "
        "no Service is called issuer.pay"
    )
    assert found.outcomes[0].because == because
    assert found.outcomes[0].objects == ("RequestAuthentication shop/jwt",)


def test_a_key_server_behind_strict_turns_istiod_away_and_a_permissive_one_does_not() -> None:
    fetch = keys("http://payments.pay:8080/keys")
    for mode, outcome in (("STRICT", REFUSED), ("PERMISSIVE", OK)):
        peers = build.istio_object("PeerAuthentication", "default", "pay", mtls={"mode": mode})
        assert shares(asked(fetch, peers).walk(**GOOD)) == outcome


def test_without_an_address_the_issuer_itself_is_asked() -> None:
    token = {"has_token": True, "claims": {"iss": "https://issuer.test", "sub": "alice"}}
    assert shares(asked(keys(issuer="https://issuer.test")).walk(**token)) == REFUSED
    token = {"has_token": True, "claims": {"iss": "https://accounts.google.com", "sub": "alice"}}
    assert shares(asked(keys(issuer="https://accounts.google.com")).walk(**token)) == OK


def test_an_external_name_is_followed_whatever_ports_it_lists() -> None:
    alias = build.service(
        "issuer",
        "pay",
        selector={},
        type="ExternalName",
        clusterIP="",
        externalName="payments.pay.svc.cluster.local",
        ports=[{"name": "http", "port": 8099, "protocol": "TCP"}],
    )
    assert shares(asked(alias, keys("http://issuer.pay:8080/keys")).walk(**GOOD)) == OK
    assert shares(asked(alias, keys("http://issuer.pay:8099/keys")).walk(**GOOD)) == REFUSED


def test_requests_without_a_token_pass_and_other_issuers_do_not() -> None:
    mesh = asked(keys("http://issuer.pay:8099/keys"))
    assert shares(mesh.walk(has_token=False)) == OK
    other = {"has_token": True, "claims": {"iss": "other", "sub": "mallory"}}
    assert mesh.walk(**other).outcomes[0].because == "the token is of other; the proxy knows good"


def test_without_an_istiod_nothing_is_said_of_the_keys() -> None:
    mesh = Asked([keys("http://payments.pay:8099/keys")], endpoints=slice_of("ratings", "shop", V1))
    assert shares(mesh.walk(**GOOD)) == OK
