"""The way that a drill's requests must take: shares, copies, retries, limits, whom they pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.http_rules import seconds
from meshdoctor.drill.targets import Target, parse_target
from meshdoctor.model.resource import as_list

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALL = 100.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a number must lie between; percent, seconds or a count."""

    at_least: float | None = None
    at_most: float | None = None

    def hold(self, value: float) -> bool:
        """Whether a number lies between them; a millionth more or less does not count."""
        slack = 1e-6
        return (self.at_least is None or value >= self.at_least - slack) and (
            self.at_most is None or value <= self.at_most + slack
        )

    def told(self, unit: str = "") -> str:
        """``75 to 85 %``, ``at least 1``."""
        low, high = self.at_least, self.at_most
        after = f" {unit}" if unit else ""
        if low is None or high is None:
            word, one = ("at least", low) if high is None else ("at most", high)
            return f"{word} {one:g}{after}"
        return f"{low:g}{after}" if low == high else f"{low:g} to {high:g}{after}"


@dataclass(frozen=True, slots=True)
class Whom:
    """Where requests come to, or by which destination they are sent: what is given must fit."""

    target: Target | None = None
    """A workload, a pod, a Service or a waypoint's Gateway: whose pods they come to."""
    address: str = ""
    """An address that they come to."""
    host: str = ""
    """Fully qualified, of a destination that a proxy sends them to."""
    port: int | None = None
    """Of that destination, or at that address."""
    subset: str | None = None
    path: str | None = None
    """As it is sent there, when a route has rewritten it."""
    authority: str | None = None

    def __str__(self) -> str:
        """As the report names it."""
        if self.target is not None:
            return str(self.target)
        found = self.address or self.host
        found += f":{self.port}" if self.port is not None else ""
        found += f" subset {self.subset}" if self.subset else ""
        found += f" with path {self.path}" if self.path is not None else ""
        return found + (f" with Host {self.authority}" if self.authority is not None else "")


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of the requests somebody must get, in percent."""

    whom: Whom
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Retries:
    """How often, and on what, the first proxy must try again."""

    attempts: Bounds
    covers: tuple[str, ...] = ()
    """Statuses (``503``) and conditions (``reset``, ``connect-failure``) that it must cover."""
    per_try: Bounds | None = None
    """Seconds for each try."""
    fits: bool = False
    """Whether all tries, each as long as it may take, must fit into the route's timeout."""


@dataclass(frozen=True, slots=True)
class WantedRoute:
    """What must be true of the way of some requests; what is left out may be anything."""

    shares: tuple[Share, ...] = ()
    copies: tuple[Share, ...] = ()
    retries: Retries | None = None
    timeout: Bounds | None = None
    """Seconds after which the first proxy gives up; none at all is longer than any bound."""
    limits: Mapping[str, Bounds] = field(default_factory=lambda: MappingProxyType({}))
    """Of the pools that it sends through, by their names in ConnectionPoolSettings."""


def _bounds(document: Mapping[str, Any]) -> Bounds:
    return Bounds(document.get("at_least"), document.get("at_most"))


def _span(document: Mapping[str, Any] | None) -> Bounds | None:
    if document is None:
        return None
    return Bounds(seconds(document.get("at_least")), seconds(document.get("at_most")))


def _share(document: Mapping[str, Any]) -> Share:
    of = document.get("of")
    whom = Whom(
        target=parse_target(of) if of else None,
        address=document.get("address", ""),
        host=document.get("host", ""),
        port=document.get("port"),
        subset=document.get("subset"),
        path=document.get("path"),
        authority=document.get("authority"),
    )
    return Share(whom, _bounds(document))


def _retries(document: Mapping[str, Any]) -> Retries:
    return Retries(
        _bounds(document),
        tuple(map(str, document.get("covers", ()))),
        _span(document.get("per_try")),
        document.get("fits", False),
    )


def parse_route(document: Mapping[str, Any]) -> WantedRoute:
    """Read what a drill's YAML asks of a way, beside the request itself.

    Args:
        document: the body of a check's ``route``.

    Raises:
        TargetError: a name means no object.
    """
    through = [
        Share(Whom(parse_target(name)), Bounds(_ALL)) for name in document.get("through", ())
    ]
    retries = document.get("retries")
    return WantedRoute(
        shares=(*map(_share, as_list(document.get("shares"))), *through),
        copies=tuple(map(_share, as_list(document.get("copies")))),
        retries=_retries(retries) if retries else None,
        timeout=_span(document.get("timeout")),
        limits={name: _bounds(one) for name, one in document.get("limits", {}).items()},
    )
