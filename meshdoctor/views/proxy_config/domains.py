"""How istioctl shortens a virtual host's domains."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST = 2
_COLONS_OF_A_PORT = 2
_EXPANSIONS = (".svc.cluster.local", ".svc", ".")
"""What istiod appends to a service's short name; the last since 1.26."""


def _has_port(domain: str) -> bool:
    """Whether a domain ends in a port; an IPv6 address has colons of its own."""
    if domain.count(":") > _COLONS_OF_A_PORT:
        return not domain.endswith("]")
    return ":" in domain


def _is_expansion(domain: str, domains: set[str]) -> bool:
    return any(
        domain.endswith(suffix) and domain.removesuffix(suffix) in domains for suffix in _EXPANSIONS
    )


def describe_domains(domains: Sequence[str]) -> str:
    """The DOMAINS column: at most two, without ports and without longer forms of a shown one."""
    if len(domains) <= 1:
        return "".join(domains)
    plain = [domain for domain in domains if not _has_port(domain)] or list(domains)
    known = set(plain)
    shown = [domain for domain in plain if not _is_expansion(domain, known)]
    text = ", ".join(shown[:_MOST])
    return f"{text} + {len(shown) - _MOST} more..." if len(shown) > _MOST else text
