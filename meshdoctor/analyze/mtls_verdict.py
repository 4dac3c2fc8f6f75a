"""Whether what a client sends is what the server accepts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from meshdoctor.analyze.mtls_accepting import Way
from meshdoctor.analyze.mtls_sending import Sends
from meshdoctor.intent.authorization_match import matches_text
from meshdoctor.intent.peer_authentication import ServerMode
from meshdoctor.model.kinds import PEER_AUTHENTICATION

if TYPE_CHECKING:
    from meshdoctor.analyze.mtls_accepting import Accepting
    from meshdoctor.analyze.mtls_sending import Sending
    from meshdoctor.model.registry import ServicePort

_HTTP = ("http", "http2", "grpc", "grpc-web")
_SPIFFE = "spiffe://"


class Works(StrEnum):
    """Whether the two ends understand each other."""

    YES = "works"
    NO = "fails"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer, and why."""

    works: Works
    why: str
    needs: tuple[str, ...] = ()
    """What was not read, where that is why it is unknown."""


def is_http(port: ServicePort) -> bool:
    """Whether a port is declared as HTTP, by ``appProtocol`` or by its name's first part."""
    said = (port.app_protocol or port.name).lower()
    return any(said == item or said.startswith(f"{item}-") for item in _HTTP)


def _unread(needs: tuple[str, ...]) -> Verdict:
    return Verdict(Works.UNKNOWN, f"not read: {', '.join(needs)}", needs)


def _plaintext(server: Accepting) -> Verdict:
    if not server.is_enforced:
        return Verdict(Works.YES, "the application gets what the client sends")
    if server.mode is None:
        return _unread((PEER_AUTHENTICATION.input,))
    if server.mode is ServerMode.STRICT:
        what = "ztunnel refuses" if server.way is Way.ZTUNNEL else "no filter chain takes"
        return Verdict(Works.NO, f"STRICT: {what} plaintext (503 UC, or a reset connection)")
    return Verdict(Works.YES, f"{server.mode} takes plaintext")


def _names_fit(sending: Sending, identity: str) -> bool | None:
    """Whether the client accepts the server's certificate; None when it is not known."""
    if not sending.names:
        return True
    if not identity:
        return None
    # subjectAltNames may end or begin with an asterisk (security/…/san_matcher).
    return any(matches_text(name.removeprefix(_SPIFFE), identity) for name in sending.names)


def _mutual(sending: Sending, server: Accepting, identity: str) -> Verdict:
    if server.way is Way.ZTUNNEL:
        return Verdict(Works.NO, "the server takes mutual TLS by HBONE alone")
    if not server.is_enforced:
        reason = f"{server.way}: the application gets TLS that it cannot read"
        return Verdict(Works.NO, f"{reason} (503 UF, WRONG_VERSION_NUMBER)")
    if server.mode is None:
        return _unread((PEER_AUTHENTICATION.input,))
    if server.mode is ServerMode.DISABLE:
        return Verdict(Works.NO, "DISABLE: nothing terminates TLS (503 UF, WRONG_VERSION_NUMBER)")
    fits = _names_fit(sending, identity)
    if fits is False:
        wanted = ", ".join(sending.names)
        reason = f"subjectAltNames ask for {wanted}, the server is {_SPIFFE}{identity}"
        return Verdict(Works.NO, f"{reason} (503 UF, CERTIFICATE_VERIFY_FAILED)")
    if fits is None:
        return Verdict(Works.UNKNOWN, "whether subjectAltNames fit every server is not known")
    return Verdict(Works.YES, f"{server.mode} takes mutual TLS")


def _foreign(sending: Sending, server: Accepting, *, http: bool) -> Verdict:
    """TLS that is not the mesh's: SIMPLE, or MUTUAL with a certificate of the user's."""
    if not server.is_enforced or server.way is Way.ZTUNNEL:
        return Verdict(
            Works.UNKNOWN, f"{server.way}: works where the application speaks TLS itself"
        )
    if server.mode is None:
        return _unread((PEER_AUTHENTICATION.input,))
    if server.mode is ServerMode.STRICT and sending.what is Sends.SIMPLE:
        return Verdict(Works.NO, "STRICT asks for a client certificate, which SIMPLE does not send")
    if server.mode is ServerMode.STRICT:
        return Verdict(
            Works.UNKNOWN, "STRICT: works only with a certificate of the mesh's own root"
        )
    if http:
        reason = "takes such TLS at no port that is declared HTTP"
        return Verdict(Works.NO, f"{server.mode} {reason}")
    return Verdict(Works.UNKNOWN, "TLS is passed on: works where the application speaks it itself")


def verdict(sending: Sending, server: Accepting, *, http: bool, identity: str) -> Verdict:
    """Whether a connection can be made.

    Args:
        sending: what the client sends to this server.
        server: what the server accepts.
        http: whether the port is declared as HTTP.
        identity: the server's principal, without ``spiffe://``; empty when it is not known.
    """
    if server.way is Way.OUTSIDE:
        return Verdict(Works.UNKNOWN, "nothing that was read says what a host outside accepts")
    match sending.what:
        case Sends.UNKNOWN:
            return _unread(sending.needs)
        case Sends.PLAINTEXT:
            return _plaintext(server)
        case Sends.HBONE:
            return Verdict(Works.YES, "both ends speak HBONE")
        case Sends.MTLS:
            return _mutual(sending, server, identity)
        case _:
            return _foreign(sending, server, http=http)
