from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.trace.filter_chains import (
    Connection,
    choose_bound,
    choose_chain,
    choose_outbound,
    open_ports,
)
from tests.unit.parse.envoy import dumps

TLS_INSPECTOR = [{"name": "envoy.filters.listener.tls_inspector"}]


def chosen(connection: Connection, *matches: dict[str, Any], **fields: Any) -> str | None:
    """Name of the chain that takes a connection: its place among the matches."""
    chains = [
        dumps.chain(dumps.tcp(str(n)), name=str(n), filter_chain_match=match)
        for n, match in enumerate(matches)
    ]
    more = {"listener_filters": TLS_INSPECTOR, **fields}
    config = dumps.read(dumps.listeners(dumps.listener("l", 80, *chains, **more)))
    found = choose_chain(config.listeners[0], connection)
    return found.name if found else None


def test_the_destination_port_goes_before_everything_else() -> None:
    matches = {"server_names": ["a.example"]}, {"destination_port": 80}
    assert chosen(Connection(80, tls=True, sni="a.example"), *matches) == "1"
    assert chosen(Connection(81, tls=True, sni="a.example"), *matches) == "0"


def test_envoy_does_not_go_back_to_a_chain_without_the_port() -> None:
    own = {"destination_port": 80, "transport_protocol": "tls"}
    assert chosen(Connection(80), own, {}) is None
    assert chosen(Connection(81), own, {}) == "1"


@pytest.mark.parametrize(
    ("sni", "name"),
    [("a.example", "0"), ("b.example", "1"), ("x.b.example", "2"), ("other", None), ("", None)],
)
def test_an_exact_server_name_goes_before_a_wildcard(sni: str, name: str | None) -> None:
    matches = (
        {"server_names": ["a.example"]},
        {"server_names": ["*.example"]},
        {"server_names": ["*.b.example"]},
    )
    assert chosen(Connection(443, tls=True, sni=sni), *matches) == name


def test_the_longest_prefix_of_the_address_wins() -> None:
    near = {"prefix_ranges": [{"address_prefix": "10.0.0.1", "prefix_len": 32}]}
    far = {"prefix_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}]}
    assert chosen(Connection(80, "10.0.0.1"), far, near, {}) == "1"
    assert chosen(Connection(80, "10.9.9.9"), far, near, {}) == "0"
    assert chosen(Connection(80, "192.0.2.1"), far, near, {}) == "2"


def test_alpn_of_the_mesh_finds_its_chain_and_foreign_tls_does_not() -> None:
    own = {"transport_protocol": "tls", "application_protocols": ["istio"]}
    raw = {"transport_protocol": "raw_buffer"}
    assert chosen(Connection(80, tls=True, protocols=("istio",)), own, raw) == "0"
    assert chosen(Connection(80, tls=True, protocols=("h2",)), own, raw) is None
    assert chosen(Connection(80), own, raw) == "1"


def test_tls_counts_as_plaintext_where_nothing_looks_for_it() -> None:
    raw = {"transport_protocol": "raw_buffer"}
    assert chosen(Connection(80, tls=True), raw) == "0"
    other = {"destination_port": 81, "transport_protocol": "tls"}
    assert chosen(Connection(80, tls=True), {"destination_port": 80, **raw}, other) == "0"


def test_the_default_chain_takes_what_no_other_does() -> None:
    default = dumps.chain(dumps.tcp("d"), name="default")
    matches = ({"destination_port": 1},)
    assert chosen(Connection(80), *matches, default_filter_chain=default) == "default"


class TestListeners:
    def config(self) -> Any:
        at = {"address": dumps.socket("10.96.0.7", 8080), "bind_to_port": False}
        return dumps.read(
            dumps.listeners(
                {**dumps.listener("10.96.0.7_8080", 8080), **at},
                dumps.listener("0.0.0.0_8080", 8080, bind_to_port=False),
                dumps.listener("virtualOutbound", 15001),
                dumps.listener("bound", 8081),
            )
        )

    @pytest.mark.parametrize(
        ("address", "port", "name"),
        [
            ("10.96.0.7", 8080, "10.96.0.7_8080"),
            ("10.96.0.8", 8080, "0.0.0.0_8080"),
            ("", 8080, "0.0.0.0_8080"),
            ("10.96.0.7", 9090, "virtualOutbound"),
            ("10.96.0.7", 8081, "virtualOutbound"),
        ],
    )
    def test_a_connection_goes_to_its_address_then_its_port_then_the_catch_all(
        self, address: str, port: int, name: str
    ) -> None:
        found = choose_outbound(self.config(), address, port)
        assert found is not None
        assert found.name == name

    def test_a_gateway_listens_only_where_a_listener_is_bound(self) -> None:
        found = choose_bound(self.config(), 8081)
        assert found is not None
        assert found.name == "bound"
        assert choose_bound(self.config(), 8080) is None


def test_a_gateway_takes_no_connection_at_a_listener_that_goes() -> None:
    going = {"name": "old", "draining_state": {"listener": dumps.listener("old", 8080)}}
    section = dumps.section(
        "Listeners", dynamic_listeners=[going, dumps.active(dumps.listener("new", 8081))]
    )
    config = dumps.read(section)
    assert choose_bound(config, 8080) is None
    assert open_ports(config) == [8081]


def test_the_protocol_that_the_client_offers_first_finds_its_chain() -> None:
    http = {"transport_protocol": "tls", "application_protocols": ["istio-http/1.1"]}
    tcp = {"transport_protocol": "tls", "application_protocols": ["istio"]}
    assert chosen(Connection(80, tls=True, protocols=("istio", "istio-http/1.1")), http, tcp) == "1"
    assert chosen(Connection(80, tls=True, protocols=("istio-http/1.1", "istio")), tcp, http) == "1"
