"""The request as a proxy that judges it sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.analyze.authorization_callers import identity
from meshdoctor.intent.authorization_request import Request as Judged
from meshdoctor.intent.authorization_request import Seen, Value
from meshdoctor.model.pod import pod_ip
from meshdoctor.model.trace import Gatekeeping

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Request
    from meshdoctor.trace.arrival import Arrival

_CLAIM, _HEADER = "request.auth.claims", "request.headers"


class _Attributes(dict[str, Value]):
    """Further keys of a request that is known as a whole: a header not given is not there."""

    def get(self, key: str, default: Any = None) -> Any:
        """The value; ABSENT for a header that the request does not have."""
        if key.startswith(f"{_HEADER}["):
            return super().get(key, Seen.ABSENT)
        return super().get(key, default)


def _claims(request: Request, validated: bool | None) -> dict[str, Value]:
    if not validated:
        return {}
    found: dict[str, Value] = {f"{_CLAIM}[{key}]": text for key, text in request.claims.items()}
    found["request.auth.audiences"] = request.claims.get("aud", Seen.ABSENT)
    found["request.auth.presenter"] = request.claims.get("azp", Seen.ABSENT)
    return found


def _principal(request: Request, validated: bool | None) -> Value:
    if validated is None:
        return Seen.UNKNOWN
    if not validated:
        return Seen.ABSENT
    return f"{request.claims.get('iss', '')}/{request.claims.get('sub', '')}"


def gatekeeping(seen: Judged, arrival: Arrival | None, server: Resource, port: int) -> Gatekeeping:
    """What the policies at a server are asked, and how it knows who calls.

    Args:
        seen: the request as ``judged`` has it.
        arrival: the connection it comes by; None for a gateway's own clients.
        server: the pod that is called.
        port: its own port.
    """
    if arrival is None:
        how = "a client from outside the mesh has no certificate of it"
    elif arrival.mutual or arrival.hbone:
        account = arrival.source.spec.get("serviceAccountName") or "default"
        tunnel = "HBONE" if arrival.hbone else "mutual TLS"
        how = f"{tunnel}, certificate of ServiceAccount {arrival.source.namespace}/{account}"
    else:
        how = "TLS without a certificate" if arrival.tls else "plaintext: no certificate came"
    return Gatekeeping(server, port, seen, how, arrival.source if arrival else None)


def judged(
    mesh: Snapshot, request: Request, arrival: Arrival | None, port: int, validated: bool | None
) -> Judged:
    """What a proxy's policies judge.

    Args:
        mesh: the snapshot.
        request: what was asked.
        arrival: the connection it comes by; None for a gateway's own clients.
        port: the port of the proxy's own pod.
        validated: whether a validated token stands behind the request; None when not known.
    """
    principal: Value = Seen.ABSENT
    address: Value = Seen.UNKNOWN
    if arrival is not None:
        principal = identity(mesh, arrival.source) if arrival.mutual or arrival.hbone else principal
        address = pod_ip(arrival.source) or Seen.UNKNOWN
    http = request.http if arrival is None else arrival.http
    headers: dict[str, Value] = {f"{_HEADER}[{k.lower()}]": v for k, v in request.headers.items()}
    known = _Attributes if request.headers_known else dict[str, Value]
    return Judged(
        principal=principal,
        source_ip=address,
        remote_ip=address if arrival is not None else Seen.UNKNOWN,
        request_principal=_principal(request, validated),
        method=request.method if http else Seen.ABSENT,
        path=request.path.partition("?")[0].partition("#")[0] if http else Seen.ABSENT,
        host=request.authority if http else Seen.ABSENT,
        port=str(port),
        sni=(arrival.sni or Seen.ABSENT) if arrival is not None else Seen.UNKNOWN,
        http=http,
        has_token=validated,
        attributes=known({**headers, **_claims(request, validated)}),
    )
