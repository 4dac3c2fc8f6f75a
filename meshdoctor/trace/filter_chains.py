"""Which listener takes a connection, and which of its filter chains.

Envoy narrows the chains one criterion after another, the most specific first, and never goes back
(source/common/listener_manager/filter_chain_manager_impl.cc): destination port, destination
address, server name, transport protocol, application protocol.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from meshdoctor.model.envoy import ConfigDump, FilterChain, Listener

ANY_ADDRESS = ("0.0.0.0", "::")
TLS, RAW = "tls", "raw_buffer"
TLS_INSPECTOR = "envoy.filters.listener.tls_inspector"
_SERVING = ("active", "static")


@dataclass(frozen=True, slots=True)
class Connection:
    """What a listener sees of a connection."""

    port: int
    """Original destination port."""
    address: str = ""
    """Original destination address; empty when it is not known."""
    tls: bool = False
    sni: str = ""
    protocols: tuple[str, ...] = ()
    """ALPN that the client offers; for plaintext HTTP what the HTTP inspector finds."""


def _rank_port(chain: FilterChain, connection: Connection) -> int | None:
    wanted = chain.match.destination_port
    if wanted is None:
        return 0
    return 1 if wanted == connection.port else None


def _rank_address(chain: FilterChain, connection: Connection) -> int | None:
    if not chain.match.prefix_ranges:
        return -1
    try:
        address = ip_address(connection.address)
        nets = [ip_network(item, strict=False) for item in chain.match.prefix_ranges]
    except ValueError:
        return None
    return max((net.prefixlen for net in nets if address in net), default=None)


def _rank_server_name(chain: FilterChain, connection: Connection) -> int | None:
    names = chain.match.server_names
    if not names:
        return -1
    sni = connection.sni.lower()
    ranks = [0 if name == "*" else len(name) for name in names if sni and _covers(name, sni)]
    # An exact name goes before any wildcard.
    return max((r + 1000 * (sni in names) for r in ranks), default=None)


def _covers(name: str, sni: str) -> bool:
    return name in ("*", sni) or (name.startswith("*.") and sni.endswith(name[1:]))


def _rank_transport(chain: FilterChain, connection: Connection) -> int | None:
    wanted = chain.match.transport_protocol
    if not wanted:
        return 0
    return 1 if wanted == (TLS if connection.tls else RAW) else None


def _rank_protocol(chain: FilterChain, connection: Connection) -> int | None:
    wanted = chain.match.application_protocols
    if not wanted:
        return 0
    # Envoy asks for the protocols in the order in which the client offers them.
    offered = connection.protocols
    return next((len(offered) - n for n, item in enumerate(offered) if item in wanted), None)


def _best(
    chains: Iterable[FilterChain],
    connection: Connection,
    rank: Callable[[FilterChain, Connection], int | None],
) -> list[FilterChain]:
    ranked = [(found, chain) for chain in chains if (found := rank(chain, connection)) is not None]
    highest = max((found for found, _ in ranked), default=None)
    return [chain for found, chain in ranked if found == highest]


def choose_chain(listener: Listener, connection: Connection) -> FilterChain | None:
    """The chain that takes a connection; None when the listener closes it.

    istiod leaves the TLS inspector out for a port none of whose chains asks for TLS, and then TLS
    counts as plaintext.
    """
    chains = _best(listener.filter_chains, connection, _rank_port)
    seen = connection
    if connection.tls and not _is_inspected(listener, chains):
        seen = replace(connection, tls=False, sni="", protocols=())
    for rank in (_rank_address, _rank_server_name, _rank_transport, _rank_protocol):
        chains = _best(chains, seen, rank)
    return chains[0] if chains else listener.default_filter_chain


def _is_inspected(listener: Listener, chains: list[FilterChain]) -> bool:
    """Whether the listener looks for TLS before it chooses among these chains."""
    return TLS_INSPECTOR in listener.listener_filters and any(
        chain.match.transport_protocol == TLS or chain.match.server_names for chain in chains
    )


def choose_outbound(config: ConfigDump, address: str, port: int) -> Listener | None:
    """The listener to which ``virtualOutbound`` hands a connection, by its original destination.

    That is the one for the very address and port, else for the port at any address, else
    ``virtualOutbound`` itself.
    """
    at_port = [
        item
        for item in config.listeners
        if item.port == port and item.state in _SERVING and not item.bind_to_port
    ]
    for item in at_port:
        if address and address in item.addresses:
            return item
    for item in at_port:
        if not set(ANY_ADDRESS).isdisjoint(item.addresses):
            return item
    return config.listener("virtualOutbound")


def open_ports(config: ConfigDump) -> list[int]:
    """The ports of its pod on which a gateway takes connections, lowest first."""
    return sorted(
        {
            item.port
            for item in config.listeners
            if item.port and item.state in _SERVING and item.bind_to_port
        }
    )


def choose_bound(config: ConfigDump, port: int) -> Listener | None:
    """The listener of a gateway that takes connections to a port of its pod."""
    return next(
        (
            item
            for item in config.listeners
            if item.port == port and item.state in _SERVING and item.bind_to_port
        ),
        None,
    )
