"""The walk of one request: what was asked, every hop, and what becomes of it.

Shared by the walk through what the proxies hold (runtime) and the walk through what the objects
ask for (intent), which stands in where a proxy could not be read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.intent.authorization_request import Request as Judged
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.forwarding import Forwarding, Stop
    from meshdoctor.model.resource import Resource


_FIRST_ERROR = 400


class Place(StrEnum):
    """Where along the way something is decided."""

    CLIENT = "client"
    """The calling pod: name resolution and traffic capture."""
    CLIENT_PROXY = "client proxy"
    """The calling pod's sidecar, or the gateway that takes the request."""
    NETWORK = "network"
    SERVER_PROXY = "server proxy"
    APPLICATION = "application"


class Basis(StrEnum):
    """What a statement rests on."""

    RUNTIME = "runtime"
    """What a proxy holds."""
    INTENT = "intent"
    """What the Kubernetes objects ask for."""


class Verdict(StrEnum):
    """What a hop does to the request."""

    PASSES = "passes"
    FAILS = "fails"
    MAY_FAIL = "may fail"
    """For some requests, or at some times."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as the person who asks describes it."""

    client: Resource
    """The calling pod; for a request from outside, the gateway's pod that takes it."""
    host: str
    """Host as the client spells it: ``ratings``, ``payments.pay``, ``shop.example.com``."""
    port: int
    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """By lower-case name, without pseudo-headers."""
    claims: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Claims of the token that comes with it; only read when ``has_token`` is true."""
    has_token: bool | None = False
    """Whether a token comes with it; None when that is not known."""
    headers_known: bool = True
    """Whether a header that is not among ``headers`` is absent, rather than not known."""
    from_gateway: bool = False
    """Whether it comes from outside, so that ``client`` is the first proxy that sees it."""
    tls: bool = False
    """Whether the client itself speaks TLS (``https``)."""
    http: bool = True
    """Whether it is HTTP at all, rather than some other protocol over TCP."""

    @property
    def authority(self) -> str:
        """The Host header, as given; else the port is left out where it is the scheme's own."""
        if given := self.headers.get("host"):
            return given
        return self.host if self.port == (443 if self.tls else 80) else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Gatekeeping:
    """What the AuthorizationPolicies at a hop were asked about."""

    server: Resource
    """The pod whose proxy, ztunnel or waypoint judges."""
    port: int
    """The server's own."""
    request: Judged
    """The request as the server sees it, identity included."""
    how: str
    """How the server knows who calls: by a certificate, or that none came."""
    source: Resource | None = None
    """The pod that the connection comes from; None for a gateway's own clients."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One thing that decides something about the request."""

    place: Place
    what: str
    """``listener``, ``filter chain``, ``route``, ``cluster``, ``NetworkPolicy``, ..."""
    name: str
    """What it is called there: Envoy's name of it, or an address."""
    verdict: Verdict
    because: str
    """What was decided, and why: one sentence without its full stop."""
    objects: tuple[str, ...] = ()
    """The Kubernetes objects behind it, ``Kind namespace/name``, the one to edit first."""
    evidence: tuple[Evidence, ...] = ()
    basis: Basis = Basis.RUNTIME
    branch: tuple[str, ...] = ()
    """Where the walk forked, outermost first: each a destination and its share; empty before."""
    proxy: str = ""
    """The proxy that holds it, ``pod.namespace``; empty elsewhere."""
    gatekeeping: Gatekeeping | None = None
    """Where AuthorizationPolicies are asked."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way in which the request may end, as the client's own proxy would log it."""

    status: int | None
    """HTTP status; 0 where the client sees none (TCP, a reset); None: the application's choice."""
    flags: tuple[str, ...]
    """Response flags in the client proxy's log; empty for none."""
    details: str
    """How RESPONSE_CODE_DETAILS begins there, in Envoy's spelling."""
    share: float
    """Part of such requests that end so, 0 to 1; 0 for what happens under some condition only."""
    delivered: bool
    """Whether the application answers, whatever it answers."""
    place: Place
    """Who makes the answer."""
    because: str
    objects: tuple[str, ...] = ()
    """The Kubernetes objects that decide it, the one to edit first."""
    origin_flags: tuple[str, ...] = ()
    """Flags in the log of the proxy that makes it, where that is not the client's."""
    origin_details: str = ""
    """Details in that log."""
    condition: str = ""
    """When it happens, where that is not simply by its share: ``under load``."""

    @property
    def is_failure(self) -> bool:
        """Whether the caller does not get what it asked for; a redirect is no failure."""
        answered = self.status is not None and 0 < self.status < _FIRST_ERROR
        return not (self.delivered or answered)

    @property
    def key(self) -> tuple[int | None, tuple[str, ...], str, bool, Place, str]:
        """What two ways have in common that end alike."""
        kind = self.details.partition("{")[0]
        return self.status, self.flags, kind, self.delivered, self.place, self.origin_details


@dataclass(frozen=True, slots=True)
class Difference:
    """What a proxy holds is not what the objects ask for: it is stale, or refused an update."""

    proxy: str
    """``pod.namespace``."""
    text: str
    objects: tuple[str, ...]
    age: float | None
    """Seconds since the proxy last took configuration of this kind; None when not known."""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that the walk needed and nobody read."""

    what: str
    """``proxies/shop/ratings-x/config_dump.json``, ``kubernetes/networking.k8s.io/...``."""
    why: str
    """What it would have decided."""
    decisive: bool = False
    """Whether the outcome cannot be told without it."""


@dataclass(frozen=True, slots=True)
class Walk:
    """One request, walked from end to end."""

    request: Request
    hops: tuple[Hop, ...]
    """In the order in which the request meets them; those of one branch stand together."""
    outcomes: tuple[Outcome, ...]
    """Every way it may end, the likeliest first; empty when that cannot be told."""
    differences: tuple[Difference, ...] = ()
    unknown: tuple[Missing, ...] = ()
    forwardings: tuple[Forwarding, ...] = ()
    """What proxies on the way send, and under which route, in order."""
    stops: tuple[Stop, ...] = ()
    """Whom the request comes to, gateways on the way included."""

    @property
    def fails(self) -> bool:
        """Whether some of these requests are not answered by the application."""
        return any(outcome.is_failure for outcome in self.outcomes if not outcome.condition)

    @property
    def is_known(self) -> bool:
        """Whether the outcome could be told."""
        return bool(self.outcomes) and not any(missing.decisive for missing in self.unknown)
