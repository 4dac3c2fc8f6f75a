"""Objects can be garbled in any way: no analyzer of gateways may stop at one."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshdoctor.analyze import (
    gateway_conflicts,
    gateway_credentials,
    gateway_dangling,
    gateway_exposure,
    gateway_passthrough,
    gateway_routes,
    gateway_selection,
    virtualservice_conflicts,
)
from meshdoctor.model.finding import Outcome
from tests.build import mesh
from tests.unit.analyze.gateway_build import (
    edge_proxy,
    gateway,
    not_found,
    routes,
    secret,
    server,
    shop,
)

ANALYZERS = (
    gateway_conflicts.ANALYZER,
    gateway_credentials.ANALYZER,
    gateway_dangling.ANALYZER,
    gateway_exposure.ANALYZER,
    gateway_passthrough.ANALYZER,
    gateway_routes.ANALYZER,
    gateway_selection.ANALYZER,
    virtualservice_conflicts.ANALYZER,
)
_SCALARS = st.sampled_from([None, True, 0, 80, 443, "", "*", "a/b", "door", "./door", "books-cert"])
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["number", "uri", "prefix", "mode", "host"]), inner),
    ),
    max_leaves=4,
)
_PLACES: tuple[tuple[str | int, ...], ...] = (
    (0, "spec", "selector"),
    (0, "spec", "servers"),
    (0, "spec", "servers", 0),
    (0, "spec", "servers", 0, "hosts"),
    (0, "spec", "servers", 0, "port"),
    (0, "spec", "servers", 0, "tls"),
    (0, "spec", "servers", 0, "tls", "credentialName"),
    (1, "spec", "hosts"),
    (1, "spec", "gateways"),
    (1, "spec", "http"),
    (1, "spec", "http", 0),
    (1, "spec", "http", 0, "match"),
    (1, "spec", "exportTo"),
    (2, "data"),
    (2, "data", "tls.crt"),
    (2, "derived"),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(place=st.sampled_from(_PLACES), value=_VALUES)
def test_a_garbled_object_is_judged_or_passed_over(
    place: tuple[str | int, ...], value: object
) -> None:
    tls = {"mode": "MUTUAL", "credentialName": "books-cert"}
    objects: list[Any] = [
        gateway(server(443, protocol="HTTPS", tls=tls)),
        routes(),
        secret(),
        routes("second"),
    ]
    holder: Any = objects
    for part in place[:-1]:
        holder = holder[part]
    holder[place[-1]] = value
    snapshot = mesh(shop(*objects), proxies=[edge_proxy(*not_found())])
    for analyzer in ANALYZERS:
        for finding in analyzer.analyze(snapshot):
            assert finding.outcome is not Outcome.SKIP
            assert finding.code in analyzer.codes
            assert all(item.excerpt and item.command for item in finding.evidence)
