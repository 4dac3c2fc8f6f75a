"""Reading a destination as people write it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from meshdoctor.diagnose.scope_error import ScopeError
from meshdoctor.model.object_words import SERVICE_WORDS

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9*_][a-z0-9_.-]*|[0-9a-f:.]*:[0-9a-f:.]*")
_GREATEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class DestinationText:
    """What a person asked about, in its parts."""

    host: str
    """Lower case, without a final dot."""
    port: str
    """A number or a port's name; empty for any."""
    is_service: bool
    """Whether it was said to be a Service (``svc/ratings``)."""


def _host_and_port(authority: str) -> tuple[str, str]:
    """Split ``host:port``; an IPv6 address stands in brackets, or alone without a port."""
    if authority.startswith("["):
        host, _, rest = authority[1:].partition("]")
        return host, rest.removeprefix(":")
    if authority.count(":") > 1:
        return authority, ""
    host, _, port = authority.partition(":")
    return host, port


def read_destination(text: str) -> DestinationText:
    """Take a destination apart.

    Args:
        text: ``host[:port][/path]``, a URL, ``svc/name[.namespace][:port]``, or an address.

    Raises:
        ScopeError: it is none of these.
    """
    rest = text.strip()
    scheme = _SCHEME.match(rest)
    rest = rest[scheme.end() :] if scheme else rest
    kind, slash, name = rest.partition("/")
    is_service = bool(slash) and not scheme and kind.lower() in SERVICE_WORDS
    authority = re.split(r"[/?#]", name if is_service else rest, maxsplit=1)[0]
    host, port = _host_and_port(authority.rpartition("@")[2])
    host = host.lower().removesuffix(".")
    if not _NAME.fullmatch(host):
        raise ScopeError(f"{text!r} names no host; write host, host:port, a URL or svc/name")
    if port.isdecimal() and not 0 < int(port) <= _GREATEST_PORT:
        raise ScopeError(f"{port} in {text!r} is no port")
    return DestinationText(host, port, is_service)
