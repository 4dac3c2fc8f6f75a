from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.analyze.gateway_credentials import ANALYZER
from meshdoctor.model.finding import FactState, Severity
from meshdoctor.model.istiod import ProxySync, TypeSync
from meshdoctor.model.kinds import POD, SECRET
from meshdoctor.parse.proxy_log import read_istiod_log
from tests.build import NOW, istiod, mesh
from tests.unit.analyze.gateway_build import (
    DOOR,
    EDGE,
    SUBJECT,
    certificate,
    edge_proxy,
    gateway,
    routes,
    secret,
    server,
    shop,
)
from tests.unit.analyze.traffic_build import named, passed, problems, unknowns

if TYPE_CHECKING:
    from meshdoctor.model.istiod import Istiod
    from meshdoctor.model.snapshot import Snapshot

CODES = ("MD0630", "MD0631", "MD0632", "MD0633")
ASKED = "kubernetes://books-cert"
SECRET_TEXT = f"Secret {EDGE}/books-cert"
EXPIRED = certificate(NOW - timedelta(days=40), 30)
FUTURE = certificate(NOW + timedelta(days=1), 30)


def tls(mode: str = "SIMPLE", **more: Any) -> dict[str, Any]:
    return gateway(
        server(443, protocol="HTTPS", tls={"mode": mode, "credentialName": "books-cert", **more})
    )


def snapshot(*more: dict[str, Any], door: dict[str, Any] | None = None, **parts: Any) -> Snapshot:
    return mesh(shop(door or tls(), routes(), *more), **{"istiods": [istiod()], **parts})


def saying(message: str) -> Istiod:
    text = f"2026-11-21T07:59:50.000000Z\twarn\tads\t{message}\n"
    return istiod(log=read_istiod_log(text.encode()))


def refusing(error: str) -> Istiod:
    sync = TypeSync("SDS", "a", "b", None, error, "/0/resources/sds")
    known = ProxySync("front-door-abc-0", EDGE, "router", "Kubernetes", "1.30.0", (sync,), "/0")
    return replace(istiod(), syncs=(known,))


def test_a_good_secret_beside_the_gateways_pods_rules_everything_out() -> None:
    found = snapshot(secret())
    assert problems(ANALYZER, found) == []
    assert {(code, SUBJECT) for code in CODES} == passed(ANALYZER, found)


def test_a_secret_that_is_nowhere_is_the_gateways_to_name() -> None:
    found = snapshot(proxies=[edge_proxy(warming=(ASKED,))])
    assert named(ANALYZER, found) == [("MD0630", SUBJECT, DOOR)]
    (missing,) = problems(ANALYZER, found)
    assert missing.objects == (DOOR, SECRET_TEXT)
    assert {fact.state for fact in missing.facts} == {FactState.HOLDS}


def test_a_secret_beside_the_gateway_object_is_in_the_wrong_namespace() -> None:
    found = snapshot(secret(namespace="store"))
    assert named(ANALYZER, found) == [("MD0631", SUBJECT, "Secret store/books-cert")]


@pytest.mark.parametrize(
    "data",
    [
        {"cert.pem": certificate(), "key.pem": b"REDACTED"},
        {"tls.crt": certificate()},
        {"tls.crt": b"", "tls.key": b"REDACTED"},
        {"tls.crt": b"no certificate", "tls.key": b"REDACTED"},
        {},
    ],
    ids=["other-names", "no-key", "empty", "no-pem", "nothing"],
)
def test_a_secret_without_the_keys_istiod_asks_for_is_at_fault(data: dict[str, bytes]) -> None:
    found = snapshot(secret(data=data))
    assert named(ANALYZER, found) == [("MD0632", SUBJECT, SECRET_TEXT)]


@pytest.mark.parametrize("derived", [{"parses": False}, {"matchesCertificate": False}])
def test_a_key_that_does_not_do_is_the_secrets_fault(derived: dict[str, Any]) -> None:
    found = snapshot(secret(**derived))
    assert named(ANALYZER, found) == [("MD0632", SUBJECT, SECRET_TEXT)]


def test_the_older_names_do_as_well() -> None:
    assert problems(ANALYZER, snapshot(secret(data={"cert": certificate(), "key": b"x"}))) == []


def test_the_proxys_refusal_tells_a_key_of_another_certificate() -> None:
    parts: dict[str, Any] = {
        "istiods": [refusing("Failed to load private key: KEY_VALUES_MISMATCH")]
    }
    held = edge_proxy(active={ASKED: certificate()})
    found = snapshot(secret(matchesCertificate=None), proxies=[held], **parts)
    assert named(ANALYZER, found) == [("MD0632", SUBJECT, SECRET_TEXT)]


def test_without_syncz_nobody_knows_whether_the_key_fits() -> None:
    deaf = replace(istiod(), syncs=None)
    found = snapshot(secret(matchesCertificate=None), istiods=[deaf])
    assert problems(ANALYZER, found) == []
    assert set(unknowns(ANALYZER, found)) == {"MD0632"}


@pytest.mark.parametrize("mode", ["MUTUAL", "OPTIONAL_MUTUAL"])
def test_checking_clients_needs_a_ca(mode: str) -> None:
    found = snapshot(secret(), door=tls(mode))
    assert named(ANALYZER, found) == [("MD0632", SUBJECT, SECRET_TEXT)]


def test_the_ca_may_stand_in_the_secret_or_in_one_of_its_own() -> None:
    pair = {"tls.crt": certificate(), "tls.key": b"REDACTED"}
    within = secret(data={**pair, "ca.crt": certificate()})
    assert problems(ANALYZER, snapshot(within, door=tls("MUTUAL"))) == []
    beside = secret("books-cert-cacert", data={"cacert": certificate()})
    assert problems(ANALYZER, snapshot(secret(), beside, door=tls("MUTUAL"))) == []
    named_apart = tls("MUTUAL", caCertCredentialName="clients")
    assert problems(ANALYZER, snapshot(secret(), door=named_apart)) == []


@pytest.mark.parametrize("pem", [EXPIRED, FUTURE], ids=["expired", "not-yet"])
def test_a_certificate_out_of_its_time_is_told_apart_from_a_broken_one(pem: bytes) -> None:
    found = snapshot(secret(data={"tls.crt": pem, "tls.key": b"REDACTED"}))
    assert named(ANALYZER, found) == [("MD0633", SUBJECT, SECRET_TEXT)]


def test_a_gateway_that_still_shows_the_old_certificate_is_a_warning() -> None:
    (found,) = problems(ANALYZER, snapshot(proxies=[edge_proxy(active={ASKED: certificate()})]))
    assert (found.code, found.severity, found.root) == ("MD0630", Severity.WARNING, True)


@pytest.mark.parametrize(
    "door",
    [
        gateway(server(443, protocol="TLS", tls={"mode": "PASSTHROUGH"})),
        gateway(server(443, protocol="HTTPS", tls={"mode": "ISTIO_MUTUAL"})),
        gateway(server(80, tls={"httpsRedirect": True})),
        gateway(server(443, protocol="HTTPS", tls={"mode": "SIMPLE", "serverCertificate": "/f"})),
    ],
)
def test_servers_that_name_no_secret_need_none(door: dict[str, Any]) -> None:
    assert list(ANALYZER.analyze(snapshot(door=door))) == []


class TestWithoutSecrets:
    def test_a_certificate_that_the_proxies_hold_is_in_order(self) -> None:
        held = edge_proxy(active={ASKED: certificate()})
        found = snapshot(proxies=[held], unread=[SECRET])
        assert problems(ANALYZER, found) == []
        assert unknowns(ANALYZER, found) == {}

    def test_the_proxys_certificate_tells_that_it_has_expired(self) -> None:
        held = edge_proxy(active={ASKED: EXPIRED})
        found = snapshot(proxies=[held], unread=[SECRET])
        assert named(ANALYZER, found) == [("MD0633", SUBJECT, SECRET_TEXT)]

    def test_istiods_log_tells_that_the_keys_are_wrong(self) -> None:
        words = (
            f"failed to fetch key and certificate for {ASKED}: found secret, but didn't have "
            "expected keys (cert and key) or (tls.crt and tls.key); found: cert.pem, key.pem"
        )
        parts: dict[str, Any] = {"istiods": [saying(words)], "unread": [SECRET]}
        waiting = edge_proxy(warming=(ASKED,))
        assert named(ANALYZER, snapshot(proxies=[waiting], **parts)) == [
            ("MD0632", SUBJECT, SECRET_TEXT)
        ]
        mended = edge_proxy(active={ASKED: certificate()})
        assert problems(ANALYZER, snapshot(proxies=[mended], **parts)) == []

    @pytest.mark.parametrize("other", ["books-cert-2", "press-cert"])
    def test_what_istiod_says_of_another_secret_tells_nothing(self, other: str) -> None:
        words = f"invalid certificates: edge/{other} kubernetes://{other}: bad"
        waiting = edge_proxy(warming=(ASKED,))
        found = snapshot(proxies=[waiting], istiods=[saying(words)], unread=[SECRET])
        assert problems(ANALYZER, found) == []
        assert set(unknowns(ANALYZER, found)) == set(CODES)

    def test_a_missing_one_may_be_in_another_namespace(self) -> None:
        words = f"failed to fetch key and certificate for {ASKED}: secret edge/books-cert not found"
        waiting = edge_proxy(warming=(ASKED,))
        found = snapshot(proxies=[waiting], istiods=[saying(words)], unread=[SECRET])
        assert problems(ANALYZER, found) == []
        assert set(unknowns(ANALYZER, found)) == set(CODES)


def test_without_pods_nobody_knows_where_secrets_are_looked_for() -> None:
    assert set(unknowns(ANALYZER, snapshot(unread=[POD]))) == set(CODES)
