from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.analyze.jwt_fetch import ANALYZER as FETCH
from meshdoctor.analyze.jwt_issuer import ANALYZER as ISSUER
from meshdoctor.analyze.jwt_keys import unusable_because
from meshdoctor.analyze.jwt_refused import ANALYZER as REFUSED
from meshdoctor.analyze.jwt_rejected import ANALYZER as REJECTED
from meshdoctor.model.istiod import ProxySync, TypeSync
from meshdoctor.model.kinds import REQUEST_AUTHENTICATION
from meshdoctor.parse.envoy import parse_config_dump
from meshdoctor.parse.proxy_log import read_istiod_log
from tests.build import istiod
from tests.unit.analyze.authorization_build import authentication, bank, outcomes, refused
from tests.unit.analyze.mtls_build import SERVER

if TYPE_CHECKING:
    from meshdoctor.model.envoy import ConfigDump
    from meshdoctor.model.istiod import Istiod

RA = "RequestAuthentication pay/jwt"
URI = "https://issuer.example/keys"
GOOD = json.dumps({"keys": [{"kty": "RSA", "e": "AQAB", "n": "kXhmoKyxqFNtMD04"}]})
PLACEHOLDER = json.dumps(
    {"keys": [{"kty": "RSA", "e": "AQAB", "n": "0xObjM0UvS_oaazjpEYlAbwctEJ4L8pH3OuTb7qth7gUw"}]}
)
OLD_PLACEHOLDER = json.dumps(
    {
        "keys": [
            {
                "kty": "RSA",
                "n": base64.urlsafe_b64encode(b"Error-IstiodFailedToFetchJwksUri-x").decode(),
            }
        ]
    }
)
WRONG_ISSUER = "jwt_authn_access_denied{Jwt_issuer_is_not_configured}"


def dump(jwks: str, issuer: str = "https://issuer.example") -> ConfigDump:
    provider = {"issuer": issuer, "local_jwks": {"inline_string": jwks}}
    kind = "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"
    jwt = {"name": "jwt", "typed_config": {"@type": kind, "providers": {"origins-0": provider}}}
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
        ".HttpConnectionManager",
        "http_filters": [jwt],
    }
    chain = {
        "filters": [
            {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
        ]
    }
    listener = {"name": "virtualInbound", "filter_chains": [chain]}
    entry = {"name": "virtualInbound", "active_state": {"listener": listener}}
    section = {
        "@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump",
        "dynamic_listeners": [entry],
    }
    return parse_config_dump(json.dumps({"configs": [section]}).encode())


def complaining(at: str = "2026-11-21T07:59:00.000000Z") -> Istiod:
    text = f'{at}\terror\tmodel\tFailed to refresh JWT public key from "{URI}": timeout\n'
    return istiod(log=read_istiod_log(text.encode()))


def refusing(reason: str) -> Istiod:
    lds = TypeSync("LDS", "2", "1", datetime(2026, 11, 21, 7, 59, tzinfo=UTC), reason, "/0/lds")
    return istiod(syncs=(ProxySync(SERVER, "pay", "sidecar", "Kubernetes", "1.30", (lds,), "/0"),))


def test_a_token_of_another_issuer_is_refused() -> None:
    snapshot = bank(
        authentication("https://login.example", jwks=GOOD), lines=[refused(WRONG_ISSUER, code=401)]
    )
    assert outcomes(ISSUER, snapshot) == {("MD0711", "fail", RA)}


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(refused(WRONG_ISSUER, code=401, seconds_ago=400), id="old"),
        pytest.param(refused("jwt_authn_access_denied{Jwt_is_expired}", code=401), id="expired"),
        pytest.param(refused("via_upstream", code=401), id="the application's own"),
    ],
)
def test_other_401s_are_no_matter_of_the_issuer(line: str) -> None:
    snapshot = bank(authentication(jwks=GOOD), lines=[line])
    assert outcomes(ISSUER, snapshot) == {("MD0711", "pass", "")}


def test_a_refusal_from_before_the_newest_requestauthentication_says_nothing() -> None:
    young = authentication(jwks=GOOD)
    young["metadata"]["creationTimestamp"] = "2026-11-21T07:59:45Z"
    line = refused(WRONG_ISSUER, code=401, seconds_ago=60)
    assert outcomes(ISSUER, bank(young, lines=[line])) == {("MD0711", "pass", "")}


def test_without_a_log_the_issuer_of_tokens_is_unknown() -> None:
    assert outcomes(ISSUER, bank(authentication(jwks=GOOD), lines=None)) == {
        ("MD0711", "unknown", "")
    }


@pytest.mark.parametrize("jwks", [PLACEHOLDER, OLD_PLACEHOLDER])
def test_a_placeholder_key_shows_that_istiod_could_not_fetch(jwks: str) -> None:
    snapshot = bank(authentication(jwksUri=URI), dump=dump(jwks))
    assert outcomes(FETCH, snapshot) == {("MD0712", "fail", RA)}


def test_istiods_log_tells_where_the_dump_was_not_read() -> None:
    snapshot = bank(authentication(jwksUri=URI), istiods=[complaining()])
    assert outcomes(FETCH, snapshot) == {("MD0712", "fail", RA)}


def test_a_failure_that_is_mended_since_names_no_cause() -> None:
    snapshot = bank(authentication(jwksUri=URI), dump=dump(GOOD), istiods=[complaining()])
    assert outcomes(FETCH, snapshot) == {("MD0712", "pass", "")}


def test_a_failure_from_before_the_policy_was_made_says_nothing() -> None:
    snapshot = bank(
        authentication(jwksUri=URI), istiods=[complaining("2026-11-21T07:45:00.000000Z")]
    )
    assert outcomes(FETCH, snapshot) == {("MD0712", "unknown", "")}


def test_inline_keys_are_not_fetched() -> None:
    snapshot = bank(authentication(jwks=GOOD), istiods=[complaining()])
    assert outcomes(FETCH, snapshot) == {("MD0712", "pass", "")}


@pytest.mark.parametrize(
    ("jwks", "usable"),
    [
        (GOOD, True),
        ('{"keys":[]}', False),
        ("{}", False),
        ("[]", False),
        ("not json", False),
        ('{"keys":[{"kty":"RSA","n":"abc"}]}', False),
        ('{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b"}]}', True),
        ('{"keys":[null, {"kty":"oct","k":"a"}]}', True),
    ],
)
def test_keys_are_usable_when_one_of_them_is_complete(jwks: str, usable: bool) -> None:
    assert (unusable_because(jwks) is None) is usable


def test_keys_that_no_proxy_takes_are_named() -> None:
    reason = "Provider 'origins-0' in jwt_authn config has invalid local jwks"
    for istiods in ([refusing(reason)], []):
        snapshot = bank(authentication(jwks='{"keys":[]}'), istiods=istiods)
        assert outcomes(REJECTED, snapshot) == {("MD0713", "fail", RA)}


def test_a_refusal_for_another_reason_is_not_laid_at_the_keys() -> None:
    snapshot = bank(authentication(jwks=GOOD), istiods=[refusing("Unknown filter some.filter")])
    assert outcomes(REJECTED, snapshot) == {("MD0713", "pass", "")}


def test_without_requestauthentications_nothing_can_be_told() -> None:
    snapshot = bank(authentication(jwks=GOOD), unread=[REQUEST_AUTHENTICATION])
    found: set[tuple[Any, ...]] = set()
    for analyzer in (FETCH, ISSUER, REJECTED):
        found |= outcomes(analyzer, snapshot)
    assert {outcome for _, outcome, _ in found} == {"unknown"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Jwt_is_expired", "Jwt is expired"),
        ("Audiences_in_Jwt_are_not_allowed", "Audiences in Jwt are not allowed"),
    ],
)
def test_a_token_refused_for_what_stands_in_it_is_told_in_envoys_words(
    words: str, said: str
) -> None:
    line = refused(f"jwt_authn_access_denied{{{words}}}", code=401)
    (found,) = REFUSED.analyze(bank(authentication(jwks=GOOD), lines=[line]))
    assert (found.code, found.outcome.value, found.root) == ("MD0714", "warn", False)
    assert found.message == f"Deployment pay/payments-v1 refuses tokens with 401: {said}"
    assert found.objects == (RA,)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(refused(WRONG_ISSUER, code=401), id="the issuer's code"),
        pytest.param(
            refused("jwt_authn_access_denied{Jwt_verification_fails}", code=401),
            id="the keys' code",
        ),
        pytest.param(
            refused("jwt_authn_access_denied{Jwt_is_expired}", code=401, seconds_ago=400), id="old"
        ),
        pytest.param(refused("via_upstream", code=401), id="the application's own"),
    ],
)
def test_401s_with_a_code_of_their_own_or_of_the_past_are_not_told_twice(line: str) -> None:
    assert outcomes(REFUSED, bank(authentication(jwks=GOOD), lines=[line])) == set()
