"""Why Envoy refused an update of one resource."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorState:
    """``error_state`` of a cluster or listener in a config dump (Envoy's UpdateFailureState)."""

    details: str
    """Envoy's own words, the same text it sends istiod in the NACK."""
    last_update_attempt: str
    """RFC 3339 time; empty when Envoy did not say."""
    pointer: str
    """Pointer to the ``error_state`` object; its ``details`` is the line to quote."""
