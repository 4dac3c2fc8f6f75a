"""Envoy's admin interface on 15000, played from the recorded answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec

from meshdoctor.serve.admin_reply import JSON, TEXT, AdminReply

Recorded = Callable[[str, str], AdminReply | None]
"""File and content type to what was recorded; None where nothing was."""

ENVOY_PATHS = {
    "/config_dump": "config_dump.json",
    "/clusters": "clusters.json",
    "/listeners": "listeners.json",
    "/certs": "certs.json",
    "/server_info": "server_info.json",
    "/memory": "memory.json",
    "/stats": "stats.txt",
    "/ready": "ready.txt",
}
"""Paths that a recording answers, and the file that holds the answer."""

_OTHERS = frozenset(
    {
        "/contention",
        "/cpuprofiler",
        "/drain_listeners",
        "/healthcheck/fail",
        "/healthcheck/ok",
        "/heap_dump",
        "/heapprofiler",
        "/help",
        "/hot_restart_version",
        "/init_dump",
        "/logging",
        "/quitquitquit",
        "/reopen_logs",
        "/reset_counters",
        "/runtime",
        "/runtime_modify",
        "/stats/prometheus",
        "/stats/recentlookups",
    }
)
"""Paths Envoy knows that no recording holds."""

_INVALID = (
    b"invalid path. admin commands are:\n"
    + "".join(f"  {path}\n" for path in sorted({*ENVOY_PATHS, *_OTHERS})).encode()
)
_TYPE = "type.googleapis.com/envoy.admin.v3."
_STATES = {"LIVE": 200, "DRAINING": 503, "PRE_INITIALIZING": 503, "INITIALIZING": 503}


def envoy_answer(recorded: Recorded, path: str, query: str) -> AdminReply:
    """What Envoy's admin answers to a GET.

    Args:
        recorded: looks a file up.
        path: such as ``/config_dump``.
        query: without the question mark.
    """
    asked = parse_qs(query, keep_blank_values=True)
    file = ENVOY_PATHS.get(path)
    if file is None:
        known = path in _OTHERS
        return _unrecorded(path) if known else AdminReply(404, _INVALID, TEXT)
    if path == "/ready":
        return _ready(recorded)
    json_only = path in {"/clusters", "/listeners"}
    if json_only and asked.get("format") != ["json"]:
        return _unrecorded(f"{path} as text")
    reply = recorded(file, TEXT if path == "/stats" else JSON)
    if reply is None:
        return _unrecorded(path)
    if reply.status != 200:
        return reply
    if path == "/config_dump":
        return _config_dump(reply, asked)
    return _stats(reply, asked) if path == "/stats" else reply


def _unrecorded(what: str) -> AdminReply:
    """Envoy would answer; the recording cannot, and an empty answer would be a lie."""
    return AdminReply(503, f"the recording holds no answer to {what}\n".encode(), TEXT)


def _ready(recorded: Recorded) -> AdminReply:
    """``/ready``: the server's state; recorded, or told by ``server_info``."""
    reply = recorded("ready.txt", TEXT)
    if reply is not None and reply.status != 200:
        return reply
    words = reply.body.decode(errors="replace").split() if reply else []
    code = int(words.pop()) if words and re.fullmatch(r"[1-5]\d\d", words[-1], re.ASCII) else 0
    state = words[0] if words else _state(recorded)
    status = code or _STATES.get(state, 200)
    return AdminReply(status, f"{state}\n".encode(), TEXT)


def _state(recorded: Recorded) -> str:
    info = recorded("server_info.json", JSON)
    if info is None or info.status != 200:
        return "LIVE"
    try:
        found = msgspec.json.decode(info.body)
    except msgspec.MsgspecError:
        return "LIVE"
    # An enum's zero value is LIVE, and zero values are left out.
    return str(found.get("state", "LIVE")) if isinstance(found, dict) else "LIVE"


def _config_dump(reply: AdminReply, asked: dict[str, list[str]]) -> AdminReply:
    """Endpoints only on demand; ``mask=bootstrap`` leaves the bootstrap alone."""
    if unknown := asked.keys() - {"include_eds", "mask"}:
        return _unrecorded(f"/config_dump with {', '.join(sorted(unknown))}")
    mask = asked.get("mask")
    if mask not in (None, ["bootstrap"]):
        return _unrecorded("/config_dump with this mask")
    if "include_eds" in asked and mask is None:
        return reply
    try:
        dump: Any = msgspec.json.decode(reply.body)
        sections = dump["configs"]
        if mask:
            kept = [part for part in sections if part["@type"] == f"{_TYPE}BootstrapConfigDump"]
        else:
            kept = [part for part in sections if part["@type"] != f"{_TYPE}EndpointsConfigDump"]
    except (msgspec.MsgspecError, KeyError, TypeError):
        return reply
    body = msgspec.json.format(msgspec.json.encode({**dump, "configs": kept}), indent=1)
    return AdminReply(200, body, JSON)


def _stats(reply: AdminReply, asked: dict[str, list[str]]) -> AdminReply:
    """``usedonly``, ``filter=`` and ``format=json`` of the recorded text."""
    form = asked.get("format", ["text"])[0]
    if form not in {"text", "json"}:
        return _unrecorded(f"/stats as {form}")
    lines = reply.body.decode(errors="replace").splitlines()
    if pattern := asked.get("filter", [""])[0]:
        try:
            wanted = re.compile(pattern)
        except re.error as error:
            return AdminReply(400, f"Invalid re2 regex: {error}\n".encode(), TEXT)
        lines = [line for line in lines if wanted.search(line.partition(": ")[0])]
    if "usedonly" in asked:
        lines = [line for line in lines if not line.endswith(": 0")]
    if form == "json":
        values = [line.partition(": ") for line in lines]
        stats = [{"name": name, "value": _number(value)} for name, _, value in values]
        return AdminReply(200, msgspec.json.encode({"stats": stats}), JSON)
    return AdminReply(200, "".join(f"{line}\n" for line in lines).encode(), TEXT)


def _number(value: str) -> int | str:
    return int(value) if re.fullmatch(r"-?\d+", value, re.ASCII) else value.strip('"')
