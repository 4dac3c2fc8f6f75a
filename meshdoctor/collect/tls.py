"""TLS to an API server: whom to trust, and which certificate to show."""

from __future__ import annotations

import os
import ssl
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from meshdoctor.collect.access_error import AccessError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.collect.credentials import Login
    from meshdoctor.collect.kubeconfig_entries import Cluster


def tls_context(cluster: Cluster, login: Login) -> ssl.SSLContext:
    """A context for all connections to a cluster.

    Args:
        cluster: with the authority to trust; the system's authorities when it names none.
        login: with the client's certificate, if any.

    Raises:
        AccessError: a certificate or key is unusable.
    """
    context = _trusting(cluster)
    context.set_alpn_protocols(["http/1.1"])
    if login.certificate:
        _show(context, login)
    return context


def _trusting(cluster: Cluster) -> ssl.SSLContext:
    if cluster.insecure:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if not cluster.ca:
        return ssl.create_default_context()
    text = cluster.ca.read("certificate authority").decode("latin-1")
    # Comments between certificates may be in any script; an empty text would trust the system's.
    text = text.encode("ascii", errors="replace").decode() or "nothing"
    try:
        context = ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError):
        raise AccessError(
            f'the certificate authority of cluster "{cluster.name}" holds no PEM certificate; '
            "mend certificate-authority in the kubeconfig"
        ) from None
    # As Go has it: any certificate given is an anchor, also one that is no root; and Python 3.13's
    # strict mode refuses what cluster tools issue (no key identifiers).
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _show(context: ssl.SSLContext, login: Login) -> None:
    try:
        with _readable(login.certificate + b"\n" + login.key) as path:
            # Without a password of ours OpenSSL would ask for one on the terminal.
            context.load_cert_chain(path, password=lambda: b"")
    except (ssl.SSLError, ValueError) as error:
        why = "do not belong together" if "MISMATCH" in str(error) else "cannot be used"
        raise AccessError(
            f"the client certificate and its key {why}: both must be PEM, and the key without "
            "a password; mend client-certificate and client-key in the kubeconfig"
        ) from None


@contextmanager
def _readable(data: bytes) -> Iterator[str]:
    """A path that OpenSSL reads the data from, gone afterwards; in memory where that can be."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("meshdoctor", os.MFD_CLOEXEC)
        path = f"/proc/self/fd/{descriptor}"
    else:
        descriptor, path = tempfile.mkstemp()  # only its owner may read it
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            yield path
    finally:
        if not path.startswith("/proc/"):
            os.unlink(path)  # noqa: PTH108 - a path of tempfile's own
