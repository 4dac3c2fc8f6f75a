"""Whether two ends agree on TLS: roots, names and dates of the certificates they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.authorization_callers import identity
from meshdoctor.intent.authorization_match import matches_text
from meshdoctor.model.envoy import TlsMode

if TYPE_CHECKING:
    from meshdoctor.model.envoy import CertDetails, Certificate
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.trace.arrival import Arrival

_SPIFFE = "spiffe://"
OWN, ROOT = "default", "ROOTCA"
VERIFY_FAILED = "|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED"
WRONG_VERSION = "|268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER"
CLOSED = "|33554536:system_library:OPENSSL_internal:Connection_reset_by_peer"
EXPIRED = "|268436501:SSL_routines:OPENSSL_internal:SSLV3_ALERT_CERTIFICATE_EXPIRED"
UNKNOWN_CA = "|268436504:SSL_routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA"
NO_SECRET = "_Secret_is_not_supplied_by_SDS"


def certificates(proxy: Proxy | None, name: str) -> tuple[Certificate, ...]:
    """The certificates of a secret that a proxy holds; none where it was not read."""
    secret = proxy.config.secret(name) if proxy and proxy.config else None
    return secret.certificates if secret else ()


def _roots_differ(client: Proxy | None, server: Proxy) -> bool:
    ours = {item.fingerprint for item in certificates(client, ROOT)}
    theirs = {item.fingerprint for item in certificates(server, ROOT)}
    return bool(ours and theirs) and ours.isdisjoint(theirs)


def _in_use(proxy: Proxy | None) -> list[CertDetails]:
    """The mesh certificates that Envoy says it uses (``/certs``), the leaf of each chain."""
    infos = (proxy.certs or ()) if proxy else ()
    leaves = [leaf for info in infos for leaf in info.cert_chain[:1]]
    return [leaf for leaf in leaves if any(name.startswith(_SPIFFE) for name in leaf.sans)]


def _is_over(mesh: Snapshot, proxy: Proxy | None) -> bool:
    for leaf in _in_use(proxy):
        born, dies = leaf.valid_from, leaf.expiration_time
        return (born is not None and mesh.now < born) or (dies is not None and dies < mesh.now)
    chain = certificates(proxy, OWN)
    return bool(chain) and not chain[0].is_valid_at(mesh.now)


def server_names(mesh: Snapshot, proxy: Proxy | None, pod: Resource) -> tuple[str, ...]:
    """The identities in a server's certificate; where it was not read, the pod's own."""
    used = _in_use(proxy)
    held = certificates(proxy, OWN)[:1]
    for sans in (*(item.sans for item in used), *(item.sans for item in held)):
        found = tuple(name for name in sans if name.startswith(_SPIFFE))
        if found:
            return found
    return (f"{_SPIFFE}{identity(mesh, pod)}",)


def _name_is_accepted(wanted: tuple[str, ...], names: tuple[str, ...]) -> bool:
    return not wanted or any(matches_text(want, name) for want in wanted for name in names)


def refusal(
    mesh: Snapshot, arrival: Arrival, pod: Resource, proxy: Proxy | None
) -> tuple[str, str] | None:
    """Why the handshake with a server's sidecar fails, if it does.

    Args:
        mesh: the snapshot.
        arrival: which speaks TLS.
        pod: the server.
        proxy: its sidecar as far as it was read.

    Returns:
        What TLS says of it, and the sentence for a person; None when both ends agree.
    """
    cluster = arrival.cluster
    wanted = cluster.sans if cluster else ()
    names = server_names(mesh, proxy, pod)
    if cluster is not None and not arrival.mutual and cluster.tls is not TlsMode.NONE:
        checked = cluster.upstream_tls.ca if cluster.upstream_tls else ""
        if checked not in ("", ROOT):
            text = f"the client checks the server by {checked}, which did not sign the mesh's"
            return f"{VERIFY_FAILED}:verify_cert_failed", f"{text} certificates"
    if not _name_is_accepted(wanted, names):
        text = f"the client accepts {', '.join(wanted)}; the server is {', '.join(names)}"
        return f"{VERIFY_FAILED}:verify_cert_failed:_SAN_matcher", text
    if proxy is not None and arrival.mutual:
        if _roots_differ(arrival.sender, proxy):
            text = "the two ends trust different root certificates"
            return f"{VERIFY_FAILED}:verify_cert_failed:_X509_verify_cert", text
        if _is_over(mesh, proxy):
            return f"{VERIFY_FAILED}:verify_cert_failed", "the server's certificate is out of date"
        if _is_over(mesh, arrival.sender):
            return EXPIRED, "the client's certificate is out of date"
    return None
