"""Routes: which cluster a request goes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from meshdoctor.model.evidence import join_pointer

if TYPE_CHECKING:
    from meshdoctor.model.envoy.config_pointer import ConfigPointer

RouteConfigState = Literal["dynamic", "static", "inline"]
PathKind = Literal["prefix", "path_separated_prefix", "path", "safe_regex", "other"]


@dataclass(frozen=True, slots=True)
class HeaderMatch:
    """One header (or query parameter) a route asks for."""

    name: str
    kind: str
    """``exact``, ``prefix``, ``suffix``, ``contains``, ``safe_regex``, ``present`` or ``other``."""
    value: str
    invert: bool


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """What a request must look like."""

    kind: PathKind
    value: str
    headers: tuple[HeaderMatch, ...]
    query: tuple[HeaderMatch, ...]
    case_sensitive: bool

    def __str__(self) -> str:
        """The path as istioctl describes it; like istioctl, headers are left out."""
        if not self.value:
            return ""
        match self.kind:
            case "prefix":
                return f"{self.value}*"
            case "path_separated_prefix":
                return f"PathPrefix:{self.value}"
            case "safe_regex":
                return f"regex {self.value}"
            case _:
                return self.value

    @property
    def is_catch_all(self) -> bool:
        """Whether every request matches."""
        return (self.kind, self.value) == ("prefix", "/") and not self.headers and not self.query


@dataclass(frozen=True, slots=True)
class WeightedCluster:
    """A destination and its share; a single destination has weight 100."""

    name: str
    weight: int


@dataclass(frozen=True, slots=True)
class Mirror:
    """A cluster that gets a copy of some requests."""

    cluster: str
    percent: float
    """0 to 100."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When and how often Envoy tries again."""

    retry_on: str
    num_retries: int | None
    per_try_timeout: str


@dataclass(frozen=True, slots=True)
class Fault:
    """An injected fault; percentages are 0 to 100, None where that kind is not injected."""

    abort_status: int | None
    """HTTP status (for a gRPC abort, the gRPC status)."""
    abort_percent: float | None
    delay: str
    """Fixed delay as Envoy prints it; empty for none."""
    delay_percent: float | None
    pointer: str


@dataclass(frozen=True, slots=True)
class Route:
    """One route of a virtual host."""

    name: str
    match: RouteMatch
    clusters: tuple[WeightedCluster, ...]
    """Destinations with their weights, in order; empty for direct responses and redirects."""
    direct_response: int | None
    """Status that Envoy answers itself."""
    redirect: bool
    redirect_status: int
    """Status of a redirect; 301 unless the route says otherwise."""
    missing_status: int
    """Status when the proxy does not hold the cluster: 503 unless the route says otherwise."""
    timeout: str
    """Route timeout; ``0s`` is none, empty is Envoy's default of 15 s."""
    retry_policy: RetryPolicy | None
    fault: Fault | None
    mirrors: tuple[Mirror, ...]
    """Who gets a copy; nobody waits for the answers."""
    prefix_rewrite: str
    host_rewrite: str
    config: ConfigPointer | None
    """The VirtualService behind it."""
    pointer: str


@dataclass(frozen=True, slots=True)
class VirtualHost:
    """A group of routes for some domains."""

    name: str
    domains: tuple[str, ...]
    routes: tuple[Route, ...]
    require_tls: bool
    """Whether plaintext requests are redirected to https."""
    pointer: str


@dataclass(frozen=True, slots=True)
class RouteConfig:
    """One RouteConfiguration: from RDS (dynamic), the dump's static list, or inline in a chain."""

    name: str
    state: RouteConfigState
    virtual_hosts: tuple[VirtualHost, ...]
    ignore_port: bool
    """Whether the port in the Host header does not count when domains are matched."""
    pointer: str
    """Pointer to the entry of the dump; for an inline one, to the RouteConfiguration itself."""

    def at(self, *path: str | int) -> str:
        """Pointer to a part of the RouteConfiguration."""
        prefix = () if self.state == "inline" else ("route_config",)
        return join_pointer(self.pointer, (*prefix, *path))
