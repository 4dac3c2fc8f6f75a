"""Listeners of a proxy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from meshdoctor.model.evidence import join_pointer

if TYPE_CHECKING:
    from meshdoctor.model.envoy.error_state import ErrorState
    from meshdoctor.model.envoy.filter_chain import FilterChain

ListenerState = Literal["static", "active", "warming", "draining", "failed"]

_CONFIG: dict[ListenerState, tuple[str, ...]] = {
    "static": ("listener",),
    "active": ("active_state", "listener"),
    "warming": ("warming_state", "listener"),
    "draining": ("draining_state", "listener"),
    "failed": ("error_state", "failed_configuration"),
}


@dataclass(frozen=True, slots=True)
class Listener:
    """One state of one listener in ``ListenersConfigDump``."""

    name: str
    addresses: tuple[str, ...]
    """Bound addresses, the main one first; empty for internal listeners."""
    port: int
    """0 for internal listeners and pipes."""
    state: ListenerState
    """``failed``: Envoy holds nothing but the refused configuration."""
    traffic_direction: str
    """INBOUND, OUTBOUND, or empty."""
    bind_to_port: bool
    internal: bool
    filter_chains: tuple[FilterChain, ...]
    default_filter_chain: FilterChain | None
    has_matcher: bool
    """Whether chains are chosen by ``filter_chain_matcher`` rather than their own match."""
    listener_filters: tuple[str, ...]
    error: ErrorState | None
    """Why Envoy refused the last update, kept on the state that still serves."""
    failed: Listener | None
    """What that update would have been."""
    version: str
    pointer: str
    """Pointer to the entry, which holds the states."""

    @property
    def address(self) -> str:
        """The main address; empty for internal listeners."""
        return self.addresses[0] if self.addresses else ""

    @property
    def chains(self) -> tuple[FilterChain, ...]:
        """All chains, the default one last."""
        last = self.default_filter_chain
        return (*self.filter_chains, last) if last else self.filter_chains

    def at(self, *path: str | int) -> str:
        """Pointer to a part of the listener's own configuration."""
        return join_pointer(self.pointer, (*_CONFIG[self.state], *path))
