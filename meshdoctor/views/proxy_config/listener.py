"""``proxy-config listener``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.views.proxy_config.listener_text import (
    describe_destination,
    describe_match,
    listener_type,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.envoy import ConfigDump, Listener
    from meshdoctor.views.proxy_config.ordering import Columns

COLUMNS: Columns = (
    ("ADDRESSES", "addresses"),
    ("PORT", "port"),
    ("MATCH", "match"),
    ("DESTINATION", "destination"),
)
SUMMARY_COLUMNS: Columns = (("ADDRESSES", "addresses"), ("PORT", "port"), ("TYPE", "type"))
"""Columns of ``--verbose=false``."""


@dataclass(frozen=True, slots=True)
class ListenerRow:
    """One filter chain of a listener."""

    addresses: str
    """Comma separated; empty for internal listeners."""
    port: int
    match: str
    destination: str
    listener: str
    """The listener's name."""
    chain: str
    """The filter chain's name."""
    pointer: str


@dataclass(frozen=True, slots=True)
class ListenerSummaryRow:
    """One listener."""

    addresses: str
    port: int
    type: str
    """HTTP, TCP, HTTP+TCP or UNKNOWN."""
    listener: str
    pointer: str


@dataclass(frozen=True, slots=True)
class ListenerFilter:
    """istioctl's ``--address --port --type``; letters' case does not matter."""

    address: str = ""
    port: int = 0
    type: str = ""

    def accepts(self, listener: Listener) -> bool:
        """Whether a listener passes every filter that is set."""
        addresses = [address.casefold() for address in listener.addresses]
        if self.address and self.address.casefold() not in addresses:
            return False
        if self.port and self.port != listener.port:
            return False
        return not self.type or self.type.casefold() == listener_type(listener).casefold()


def _shown(dump: ConfigDump, only: ListenerFilter | None) -> list[Listener]:
    """The listeners that serve, in istioctl's order: port, address, type."""
    only = only or ListenerFilter()
    serving = (item for item in dump.listeners if item.state in ("active", "static"))
    return sorted(
        (item for item in serving if only.accepts(item)),
        key=lambda item: (item.port, item.address, listener_type(item)),
    )


def _chain_rows(listener: Listener) -> Iterator[ListenerRow]:
    described = [(describe_destination(chain), chain) for chain in listener.chains]
    for destination, chain in sorted(described, key=lambda pair: pair[0], reverse=True):
        yield ListenerRow(
            addresses=",".join(listener.addresses),
            port=listener.port,
            match=describe_match(chain.match),
            destination=destination,
            listener=listener.name,
            chain=chain.name,
            pointer=chain.pointer,
        )


def rows(dump: ConfigDump, only: ListenerFilter | None = None) -> tuple[ListenerRow, ...]:
    """One row a filter chain; within a listener by destination, last letter first.

    Args:
        dump: the proxy's configuration.
        only: which listeners to show; None for all.
    """
    return tuple(row for listener in _shown(dump, only) for row in _chain_rows(listener))


def summary_rows(
    dump: ConfigDump, only: ListenerFilter | None = None
) -> tuple[ListenerSummaryRow, ...]:
    """One row a listener, with its type."""
    return tuple(
        ListenerSummaryRow(
            addresses=",".join(item.addresses),
            port=item.port,
            type=listener_type(item),
            listener=item.name,
            pointer=item.pointer,
        )
        for item in _shown(dump, only)
    )


def to_json(row: ListenerRow | ListenerSummaryRow) -> dict[str, Any]:
    """A row as plain data."""
    return asdict(row)
