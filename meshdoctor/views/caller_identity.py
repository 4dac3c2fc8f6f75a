"""Who a server takes a caller for, and how that is known: by a certificate, or its absence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.authorization_callers import identity
from meshdoctor.analyze.mtls_pairs import pair
from meshdoctor.analyze.mtls_sending import Sends
from meshdoctor.analyze.mtls_servers import server_at
from meshdoctor.analyze.mtls_targets import services_at
from meshdoctor.analyze.mtls_verdict import Works
from meshdoctor.intent.authorization_request import Seen, Value, text_of
from meshdoctor.model.pod import is_gateway

if TYPE_CHECKING:
    from meshdoctor.intent.authorization_request import Request
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the server takes the caller for."""

    principal: Value
    how: str
    """How that is known."""

    @property
    def text(self) -> str:
        """The identity and how it is known, for a sentence."""
        return f"{text_of(self.principal)} ({self.how})"


def _sent_by(mesh: Snapshot, client: Resource, server: Resource, port: int) -> Identity:
    """The identity that a call would carry, from what the client sends to that port."""
    places = services_at(mesh, server_at(mesh, server, port))
    met = (pair(mesh, client, service, own, server) for service, own in places)
    found = [item for item in met if item is not None]
    if not found:
        return Identity(Seen.UNKNOWN, f"no Service leads to port {port} of {server.name}")
    # Of several Services that lead there nobody knows which one is called.
    if len({item.sending for item in found}) > 1:
        return Identity(Seen.UNKNOWN, "the Services that lead there are called differently")
    sending, verdict = found[0].sending, found[0].verdict
    if sending.what is Sends.PLAINTEXT:
        return Identity(Seen.ABSENT, f"plaintext: {sending.by}")
    if sending.what not in (Sends.MTLS, Sends.HBONE) or verdict.works is not Works.YES:
        return Identity(Seen.UNKNOWN, f"{sending.text}: {verdict.why}")
    account = client.spec.get("serviceAccountName") or "default"
    how = f"{sending.text}, certificate of ServiceAccount {client.namespace}/{account}"
    return Identity(identity(mesh, client), how)


def identity_seen(
    mesh: Snapshot, client: Resource | None, server: Resource, port: int | None, request: Request
) -> Identity:
    """Who the server takes the caller for, and how that is known.

    Args:
        mesh: the snapshot.
        client: the calling pod; None for a caller that is no pod.
        server: the pod that is called.
        port: the server's own.
        request: what is known of the call; a principal that its log tells counts first.
    """
    if request.principal is not Seen.UNKNOWN:
        absent = request.principal is Seen.ABSENT
        how = "the server's access log: no certificate came with it"
        return Identity(request.principal, how if absent else "the server's access log: mutual TLS")
    if client is None:
        return Identity(Seen.UNKNOWN, "the caller is no pod that is there now")
    if is_gateway(server) or port is None:
        return Identity(Seen.UNKNOWN, "nothing that was read tells")
    return _sent_by(mesh, client, server, port)
