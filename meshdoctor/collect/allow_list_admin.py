"""Which paths of Envoy, istiod, the agent and ztunnel may be asked inside a pod: those that read.

Envoy takes mutations by POST only, but istiod has GETs that act (pilot/pkg/xds/debug.go:
``adsz?push``, ``cachez?clear``, ``force_disconnect``), so paths and parameters are listed one by
one. The request commands are those of pilot/cmd/pilot-agent/app/request.go and
pilot/cmd/pilot-discovery/app/request.go.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from meshdoctor.collect.allow_list_refusal import WriteRefused
from meshdoctor.model.pod import ISTIOD_CONTAINER, PROXY_CONTAINER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Reads = Mapping[str, frozenset[str]]

_NONE: frozenset[str] = frozenset()
_STATS = frozenset({"usedonly", "filter", "format", "type", "histogram_buckets", "text_readouts"})
_FORMAT = frozenset({"format"})

ENVOY: Reads = {
    "/config_dump": frozenset({"include_eds", "mask", "resource", "name_regex"}),
    "/clusters": _FORMAT,
    "/listeners": _FORMAT,
    "/certs": _NONE,
    "/server_info": _NONE,
    "/memory": _NONE,
    "/ready": _NONE,
    "/runtime": _FORMAT,
    "/stats": _STATS,
    "/stats/prometheus": _STATS,
    "/init_dump": frozenset({"mask"}),
}
"""Paths of Envoy's admin interface (and ztunnel's), each with the parameters it may have."""

AGENT: Reads = {
    "/stats/prometheus": _STATS,
    "/metrics": _NONE,
    "/healthz/ready": _NONE,
    "/debug/ndsz": _NONE,
}
"""Paths of pilot-agent and of ztunnel's metrics and readiness."""

_PRETTY = frozenset({"pretty"})
_PROXY = frozenset({"pretty", "proxyID"})
ISTIOD: Reads = {
    "/version": _NONE,
    "/metrics": _NONE,
    "/ready": _NONE,
    "/debug/syncz": frozenset({"pretty", "namespace"}),
    "/debug/config_dump": frozenset({"pretty", "proxyID", "types", "include_eds"}),
    **{
        f"/debug/{name}": _PROXY
        for name in ("adsz", "connections", "ecdsz", "edsz", "ndsz", "sidecarz", "telemetryz")
    },
    **{
        f"/debug/{name}": _PRETTY
        for name in (
            "ambientz", "authorizationz", "cachez", "clusterz", "configz", "endpointShardz",
            "endpointz", "inject", "instancesz", "krtz", "list", "mcsz", "mesh", "networkz",
            "push_status", "pushcontext", "registryz", "resourcesz",
        )
    },
}  # fmt: skip
"""Paths of istiod's monitoring and HTTP ports."""

_BY_PORT: Mapping[int, Reads] = {
    15000: ENVOY,
    15020: AGENT,
    15021: AGENT,
    15090: AGENT,
    8080: ISTIOD,
    15014: ISTIOD,
}
_ELSEWHERE: Reads = {**AGENT, **ENVOY, **ISTIOD}
"""Both may be told to listen elsewhere (proxyAdminPort, ``prometheus.io/port``)."""
_PROGRAMS: Mapping[str, tuple[str, Reads]] = {
    PROXY_CONTAINER: ("pilot-agent", ENVOY),
    ISTIOD_CONTAINER: ("pilot-discovery", ISTIOD),
}
_METHODS = ("GET",)
_VALUE = re.compile(r"[A-Za-z0-9._~|:,@*()\[\]^$+\\/%-]*")
_HEAD = re.compile(rb"([A-Z]+) (/[!-~]*) HTTP/1\.1\r\n((?:[A-Za-z-]+: ?[ -~]*\r\n)+)\r\n")
_HEADERS = frozenset({b"host", b"user-agent", b"accept", b"accept-encoding", b"connection"})


def _reads(target: str, known: Reads) -> bool:
    path, mark, query = target.partition("?")
    parameters = known.get(path)
    if parameters is None or (mark and not query):
        return False
    seen: set[str] = set()
    for part in query.split("&") if query else ():
        key, _, value = part.partition("=")
        if key not in parameters or key in seen or not _VALUE.fullmatch(value):
            return False
        if not unquote_plus(value, errors="replace").isprintable():
            return False
        seen.add(key)
    return True


def allow_admin(method: str, port: int, path: str) -> None:
    """Let a request inside a forwarded port pass that only reads.

    Args:
        method: as it will be sent.
        port: the forwarded port.
        path: path and query, from the slash on, as it will be sent.

    Raises:
        WriteRefused: it is not one of the reads that are known.
    """
    if method not in _METHODS or not _reads(path, _BY_PORT.get(port, _ELSEWHERE)):
        raise WriteRefused(f"{method} {path} to port {port} of a pod")


def allow_command(container: str, command: Sequence[str]) -> None:
    """Let a command pass that asks its own container for a path that only reads.

    Args:
        container: where it runs.
        command: its words.

    Raises:
        WriteRefused: it is any other command.
    """
    program, known = _PROGRAMS.get(container, ("", {}))
    match command:
        case [first, "request", "GET", target] if first == program:
            whole = target if target.startswith("/") else f"/{target}"
            if _reads(whole, known):
                return
    raise WriteRefused(f"the command {' '.join(command)} in container {container}")


def allow_head(port: int, data: bytes) -> None:
    """Let bytes into a forwarded port pass that are one GET without a body, whole.

    Args:
        port: the forwarded port.
        data: what would be sent.

    Raises:
        WriteRefused: they are anything else.
    """
    found = _HEAD.fullmatch(data)
    if found is None:
        raise WriteRefused(f"bytes to port {port} of a pod that are not one GET")
    for line in found[3].splitlines():
        if line.partition(b":")[0].lower() not in _HEADERS:
            raise WriteRefused(f"a header to port {port} of a pod that no read needs")
    allow_admin(found[1].decode(), port, found[2].decode())
