from __future__ import annotations

from meshdoctor.analyze.gateway_passthrough import ANALYZER
from meshdoctor.model.kinds import VIRTUAL_SERVICE
from tests.build import mesh
from tests.unit.analyze.gateway_build import (
    DOOR,
    HOST,
    ROUTES,
    SUBJECT,
    gateway,
    routes,
    server,
    shop,
)
from tests.unit.analyze.traffic_build import named, passed, problems, unknowns

CODE = "MD0640"
THROUGH = gateway(server(443, protocol="TLS", tls={"mode": "PASSTHROUGH"}))
BY_NAME = [
    {
        "match": [{"port": 443, "sniHosts": [HOST]}],
        "route": [{"destination": {"host": "books"}}],
    }
]


def test_http_routes_behind_passthrough_are_the_gateways_fault() -> None:
    snapshot = mesh(shop(THROUGH, routes()))
    assert named(ANALYZER, snapshot) == [(CODE, SUBJECT, DOOR)]
    (found,) = problems(ANALYZER, snapshot)
    assert found.objects == (DOOR, ROUTES)
    assert '"sniHosts": ["books.example.org"]' in found.fills["route"]


def test_a_server_that_leaves_the_mode_out_passes_through() -> None:
    silent = gateway(server(443, protocol="TLS", tls={"minProtocolVersion": "TLSV1_2"}))
    assert named(ANALYZER, mesh(shop(silent, routes()))) == [(CODE, SUBJECT, DOOR)]


def test_routes_by_name_are_in_order() -> None:
    snapshot = mesh(shop(THROUGH, routes(tls=BY_NAME)))
    assert problems(ANALYZER, snapshot) == []
    assert (CODE, SUBJECT) in passed(ANALYZER, snapshot)


def test_http_routes_beside_routes_by_name_for_the_same_host_are_in_order() -> None:
    objects = shop(THROUGH, routes(), routes("names", tls=BY_NAME))
    assert problems(ANALYZER, mesh(objects)) == []


def test_http_routes_where_tls_ends_are_in_order() -> None:
    ended = server(443, protocol="HTTPS", tls={"mode": "SIMPLE", "credentialName": "c"})
    snapshot = mesh(shop(gateway(ended), routes()))
    assert problems(ANALYZER, snapshot) == []
    assert (CODE, SUBJECT) in passed(ANALYZER, snapshot)


def test_without_virtual_services_nothing_is_said() -> None:
    assert set(unknowns(ANALYZER, mesh(shop(THROUGH), unread=[VIRTUAL_SERVICE]))) == {CODE}
