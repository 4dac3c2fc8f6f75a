"""What aiohttp's errors mean: one line that names the server and says what to do."""

from __future__ import annotations

import errno
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.read_reasons import failed, one_line, timed_out
from meshdoctor.collect.retry import TransientError
from meshdoctor.model.not_read import NotReadStatus

if TYPE_CHECKING:
    from meshdoctor.collect.access import Access


class UnreachableError(ReadError):
    """No connection could be made: nothing can be read of this server."""

    def __init__(self, reason: str) -> None:
        """Say why.

        Args:
            reason: one line that says what to do.
        """
        super().__init__(NotReadStatus.FAILED, one_line(reason))


def proxy_name(proxy: str) -> str:
    """A proxy without its password."""
    parts = urlsplit(proxy)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def failure(error: Exception, access: Access, seconds: float) -> ReadError:
    """The error for a request that brought no answer.

    Args:
        error: what aiohttp raised, or TimeoutError.
        access: whom was asked.
        seconds: how long an answer was waited for.
    """
    server = access.server
    match error:
        case ReadError():
            return error
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return UnreachableError(_no_connection(error, access))
        case aiohttp.ClientHttpProxyError():
            return UnreachableError(_proxy_refusal(error, access))
        case TimeoutError():
            return timed_out(f"no whole answer from {server} within {seconds:g}s")
        case aiohttp.ClientPayloadError():
            return TransientError(NotReadStatus.FAILED, f"the answer from {server} was cut short")
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | ConnectionError():
            words = f"{server} closed the connection before it had answered"
            return TransientError(NotReadStatus.FAILED, words)
        case aiohttp.ClientResponseError():
            return failed(f"{server} did not answer in HTTP: is its URL right (http, https, port)?")
    return failed(f"the request to {server} failed ({type(error).__name__})")


def _no_connection(
    error: aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError, access: Access
) -> str:
    match error:
        case aiohttp.ConnectionTimeoutError():
            return f"{access.server} does not answer: is it reachable from here (VPN, proxy)?"
        case aiohttp.ClientProxyConnectionError():
            return f"cannot connect to {_proxy(access)}: {_why(error.os_error)}"
        case aiohttp.ClientConnectorCertificateError():
            return _untrusted(error.certificate_error, access)
        case aiohttp.ClientConnectorDNSError():
            return f"{_unknown_host(access)}: {_why(error.os_error)}"
        case _ if isinstance(error.os_error, ssl.SSLError):
            return _no_handshake(error.os_error, access)
    return f"cannot connect to {access.server}: {_why(error.os_error)}"


def _why(error: OSError) -> str:
    if error.errno == errno.ECONNREFUSED:
        return "connection refused; does it run, and is this its port?"
    words = error.strerror or str(error) or type(error).__name__
    return words[:1].lower() + words[1:]


def _proxy(access: Access) -> str:
    return f"the proxy {proxy_name(access.proxy or '')}"


def _proxy_refusal(error: aiohttp.ClientHttpProxyError, access: Access) -> str:
    words = {407: "it wants a password: put it into proxy-url"}.get(
        error.status, f"HTTP {error.status}"
    )
    return f"{_proxy(access)} does not connect to {access.server}: {words}"


def _unknown_host(access: Access) -> str:
    host = urlsplit(access.server).hostname
    return f"the host of {access.server} is not known ({host}); check the cluster's server"


def _untrusted(error: Exception, access: Access) -> str:
    """A certificate that OpenSSL refuses, in its own words and what to do about it."""
    words = (getattr(error, "verify_message", "") or str(error)).rstrip(".")
    server = access.server
    if "expired" in words:
        return f"the certificate of {server} has expired: renew it, or check this machine's clock"
    if "not yet valid" in words:
        return f"the certificate of {server} is not valid yet: check this machine's clock"
    if "mismatch" in words or "doesn't match" in words or "not valid for" in words:
        return (
            f"the certificate of {server} is for another name: {words}; "
            "set tls-server-name in the kubeconfig"
        )
    return (
        f"the certificate of {server} is not trusted: {words}; "
        "check certificate-authority in the kubeconfig"
    )


def _no_handshake(error: ssl.SSLError, access: Access) -> str:
    words = str(error.reason or error).replace("_", " ").lower()
    if "wrong version number" in words or "record layer failure" in words:
        return f"{access.server} does not speak TLS: should its URL begin with http://?"
    if "certificate" in words or "handshake failure" in words:
        return f"{access.server} refuses the client certificate: {words}; log in again"
    return f"no TLS connection to {access.server}: {words}"
