"""Which HTTP proxy leads to an API server (client-go; Go's http.ProxyFromEnvironment)."""

from __future__ import annotations

import os
from ipaddress import ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from meshdoctor.collect.access_error import AccessError

_DEFAULT_PORTS = {"http": 80, "https": 443}


def proxy_of(server: str, proxy_url: str) -> str | None:
    """The proxy to use.

    Args:
        server: URL of the API server.
        proxy_url: the cluster's ``proxy-url``, which wins over the environment.

    Returns:
        Its URL, or None for a direct connection.

    Raises:
        AccessError: it is not a proxy that can be used.
    """
    if proxy_url:
        return _checked(proxy_url, "proxy-url in the kubeconfig")
    target = urlsplit(server)
    name = f"{target.scheme}_proxy"
    found = os.environ.get(name.upper()) or os.environ.get(name) or ""
    if not found or _is_direct(target, os.environ.get("NO_PROXY") or os.environ.get("no_proxy")):
        return None
    return _checked(found, name.upper())


def _checked(url: str, where: str) -> str:
    whole = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(whole)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, SplitResult("", "", "", "", "")
    if parts.scheme.startswith("socks"):
        raise AccessError(
            f"{where} names a SOCKS proxy, which meshdoctor does not speak; name an HTTP proxy, "
            "or forward a port through it (ssh -L) and point the cluster's server there"
        )
    if not host or parts.scheme not in _DEFAULT_PORTS:
        raise AccessError(f"{where} is no URL of an http or https proxy; mend it")
    return whole


def _is_direct(target: SplitResult, no_proxy: str | None) -> bool:
    host = (target.hostname or "").rstrip(".").lower()
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    port = target.port or _DEFAULT_PORTS.get(target.scheme, 0)
    for item in (no_proxy or "").lower().split(","):
        entry = item.strip()
        if entry == "*":
            return True
        if entry and _matches(entry, host, address, port):
            return True
    return False


def _matches(entry: str, host: str, address: object, port: int) -> bool:
    """One entry of NO_PROXY: an address, a network, or a domain with or without its port."""
    if address is not None:
        try:
            if address in ip_network(entry.strip("[]"), strict=False):
                return True
        except (ValueError, TypeError):
            pass
    name, colon, number = entry.rpartition(":")
    if colon and number.isdecimal() and not name.endswith(":"):
        if int(number) != port:
            return False
        entry = name.strip("[]")
    entry = entry.removeprefix("*")
    if entry.startswith("."):
        return host.endswith(entry)
    return host == entry or host.endswith(f".{entry}")
