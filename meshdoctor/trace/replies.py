"""What comes back from a server, and what a proxy in front of it makes of that in its log.

The words are Envoy's (source/common/stream_info/utility.cc, envoy/stream_info/stream_info.h).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from meshdoctor.model.envoy import duration_seconds
from meshdoctor.model.trace import Outcome, Place

if TYPE_CHECKING:
    from meshdoctor.model.envoy import RetryPolicy

RESET = "upstream_reset_before_response_started"
VIA_UPSTREAM = "via_upstream"
_ANY_FAILURE = frozenset({"5xx", "gateway-error", "reset"})
_GATEWAY_ERRORS = frozenset({502, 503, 504})
_SERVER_ERROR = 500


class Kind(Enum):
    """How a try at one server ends."""

    ANSWERED = "answered"
    """The application answers, whatever it answers."""
    STATUS = "status"
    """A proxy in front of the application answers in its place."""
    CLOSED = "closed"
    """The connection is closed before there is an answer."""
    REFUSED = "refused"
    """Nothing listens there."""
    TLS_FAILED = "tls failed"
    SILENT = "silent"
    """No packet comes back: the connection is never made."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One way in which a try at a server may end."""

    kind: Kind
    share: float
    because: str
    objects: tuple[str, ...] = ()
    place: Place = Place.APPLICATION
    status: int = 0
    flags: tuple[str, ...] = ()
    """Of the proxy that answers, in its own log."""
    details: str = ""
    """Of that proxy; for a failed handshake what TLS says."""
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """What the proxy that sends the request brings to the answer."""

    http: bool
    retry: RetryPolicy | None
    connect_timeout: str = ""
    flags: tuple[str, ...] = ()
    """Flags that stand beside whatever follows: a delay was injected."""

    @property
    def _events(self) -> frozenset[str]:
        if self.retry is None or self.retry.num_retries == 0:
            return frozenset()
        return frozenset(item.strip() for item in self.retry.retry_on.split(","))

    def retries_connect(self) -> bool:
        """Whether a connection that cannot be made is tried again."""
        return bool(self._events & (_ANY_FAILURE | {"connect-failure"}))

    def retries_reset(self) -> bool:
        """Whether a connection that is closed without an answer is tried again."""
        return bool(self._events & _ANY_FAILURE)

    def retries_status(self, status: int) -> bool:
        """Whether a status is tried again."""
        events = self._events
        return (
            ("5xx" in events and status >= _SERVER_ERROR)
            or ("gateway-error" in events and status in _GATEWAY_ERRORS)
            or str(status) in events
        )

    def patience(self) -> float:
        """Seconds until it gives up a connection that never comes about, retries included."""
        tries = 1 + ((self.retry.num_retries or 1) if self.retry and self.retries_connect() else 0)
        return (duration_seconds(self.connect_timeout) or 5.0) * tries


def _http(reply: Reply, sender: Sender) -> list[Outcome]:
    urx = ("URX",)
    connect = (*(urx if sender.retries_connect() else ()), "UF")
    base = Outcome(
        status=503,
        flags=(),
        details="",
        share=reply.share,
        delivered=False,
        place=reply.place,
        because=reply.because,
        objects=reply.objects,
        condition=reply.condition,
    )
    match reply.kind:
        case Kind.ANSWERED:
            found = replace(base, status=None, details=VIA_UPSTREAM, delivered=True)
        case Kind.STATUS:
            found = replace(
                base,
                status=reply.status,
                flags=urx if sender.retries_status(reply.status) else (),
                details=VIA_UPSTREAM,
                origin_flags=reply.flags,
                origin_details=reply.details,
            )
        case Kind.CLOSED:
            flags = (*(urx if sender.retries_reset() else ()), "UC")
            found = replace(base, flags=flags, details=f"{RESET}{{connection_termination}}")
        case Kind.REFUSED:
            text = f"{RESET}{{remote_connection_failure|delayed_connect_error:_Connection_refused}}"
            found = replace(base, flags=connect, details=text)
        case Kind.TLS_FAILED:
            text = f"{RESET}{{remote_connection_failure|TLS_error:{reply.details}}}"
            found = replace(base, flags=connect, details=text)
        case Kind.SILENT:
            return _silent(base, connect, sender)
    return [replace(found, flags=(*sender.flags, *found.flags))]


def _silent(base: Outcome, flags: tuple[str, ...], sender: Sender) -> list[Outcome]:
    """Either the caller gives up first, or the proxy does."""
    late = f"if the caller waits longer than {sender.patience():g} s"
    reason = f"{RESET}{{connection_timeout}}"
    return [
        replace(
            base,
            status=0,
            flags=(*sender.flags, "DC"),
            details="downstream_remote_disconnect",
        ),
        replace(base, flags=(*sender.flags, *flags), details=reason, share=0.0, condition=late),
    ]


def _tcp(reply: Reply) -> Outcome:
    """TCP has no status; the caller sees a connection that ends."""
    flags: tuple[str, ...] = ()
    details = reply.details if reply.kind is Kind.STATUS else ""
    if reply.kind in (Kind.REFUSED, Kind.TLS_FAILED, Kind.SILENT):
        flags, details = ("URX", "UF"), "delayed_connect_error"
    return Outcome(
        status=0,
        flags=flags,
        details=details,
        share=reply.share,
        delivered=reply.kind is Kind.ANSWERED,
        place=reply.place,
        because=reply.because,
        objects=reply.objects,
        condition=reply.condition,
    )


def outcomes_of(reply: Reply, sender: Sender) -> list[Outcome]:
    """What the sending proxy logs, for one way in which its try may end."""
    return _http(reply, sender) if sender.http else [_tcp(reply)]


_PLAIN = {
    Kind.CLOSED: "connection reset by peer",
    Kind.REFUSED: "connection refused",
    Kind.TLS_FAILED: "connection reset by peer",
    Kind.SILENT: "connection timed out",
}


def seen_without_proxy(reply: Reply) -> Outcome:
    """What a caller without a proxy sees of it; nothing logs it."""
    status: int | None = None if reply.kind is Kind.ANSWERED else 0
    return Outcome(
        status=reply.status if reply.kind is Kind.STATUS else status,
        flags=(),
        details=_PLAIN.get(reply.kind, ""),
        share=reply.share,
        delivered=reply.kind is Kind.ANSWERED,
        place=reply.place,
        because=reply.because,
        objects=reply.objects,
        origin_flags=reply.flags,
        origin_details=reply.details if reply.kind is Kind.STATUS else "",
        condition=reply.condition,
    )


def as_reply(outcome: Outcome, place: Place) -> Reply:
    """What a gateway's own outcome is to the proxy that sent the request there."""
    kind = Kind.STATUS
    if outcome.delivered:
        kind = Kind.ANSWERED
    elif not outcome.status:
        kind = Kind.CLOSED
    return Reply(
        kind=kind,
        share=outcome.share,
        because=outcome.because,
        objects=outcome.objects,
        place=outcome.place if outcome.delivered else place,
        status=outcome.status or 0,
        flags=outcome.flags,
        details=outcome.details,
        condition=outcome.condition,
    )
