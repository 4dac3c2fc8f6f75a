"""The HTTP interfaces inside a pod, answered from what they said when they were recorded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from meshdoctor.serve.admin_envoy import ENVOY_PATHS, envoy_answer
from meshdoctor.serve.admin_reply import JSON, TEXT, AdminReply

if TYPE_CHECKING:
    from meshdoctor.serve.streams_pod import Pod, PodFiles

__all__ = ["ENVOY_PATHS", "AdminReply", "admin_reply", "is_listening", "unread_reason"]

ENVOY_ADMIN, AGENT, HEALTH = 15000, 15020, 15021
ISTIOD_HTTP, ISTIOD_MONITORING = 8080, 15014

PORTS = {
    "proxy": (ENVOY_ADMIN, AGENT, HEALTH),
    "ztunnel": (ENVOY_ADMIN, AGENT, HEALTH),
    "istiod": (ISTIOD_HTTP, ISTIOD_MONITORING),
}
"""Ports that something answers on, by the pod's role."""

_MAIN_FILES = {
    "proxy": ("config_dump.json", "clusters.json", "server_info.json", "stats.txt", "certs.json"),
    "ztunnel": ("config_dump.json", "metrics.txt"),
    "istiod": ("debug/syncz.json", "metrics.txt", "version.txt", "debug/registryz.json"),
}
"""A pod of which all these are missing answered nothing when it was recorded."""

_DEBUG = re.compile(r"/debug/([A-Za-z_]+)")
_DEBUG_ALIASES = {"endpointShardz": "endpointz"}
_NOT_FOUND = AdminReply(404, b"404 page not found\n", TEXT)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """One pod's folder of the recording."""

    mesh: PodFiles
    folder: str

    def reply(self, file: str, content_type: str) -> AdminReply | None:
        """A file as an answer, or the recorder's reason why it has none; None for neither."""
        path = f"{self.folder}/{file}"
        data = self.mesh.file(path)
        if data is not None:
            return AdminReply(200, data, content_type)
        reason = self.mesh.problem(path)
        return AdminReply(503, f"{reason}\n".encode(), TEXT, reason) if reason else None


def unread_reason(mesh: PodFiles, pod: Pod) -> str | None:
    """Why the recorder could read nothing of a pod's admin interface; None where it noted none."""
    for file in _MAIN_FILES.get(pod.role, ()):
        reason = mesh.problem(f"{pod.folder}/{file}")
        if reason:
            return reason
    return None


def is_listening(mesh: PodFiles, pod: Pod, port: int) -> bool:
    """Whether anything answers on a port of a pod, as far as the recording knows."""
    if port not in PORTS.get(pod.role, ()):
        return False
    main = [f"{pod.folder}/{file}" for file in _MAIN_FILES[pod.role]]
    return any(mesh.file(path) is not None for path in main) or any(map(mesh.withheld, main))


def admin_reply(mesh: PodFiles, pod: Pod, port: int, method: str, target: str) -> AdminReply:
    """What a pod answers.

    Args:
        mesh: the recording.
        pod: a pod that listens on the port.
        port: such as 15000.
        method: the HTTP method; nothing but GET and HEAD is ever carried out.
        target: path and query.
    """
    if method not in {"GET", "HEAD"}:
        return AdminReply(405, b"a recording cannot be changed\n", TEXT)
    recorded = _Recorded(mesh, pod.folder)
    parts = urlsplit(target)
    path = unquote(parts.path)
    if pod.role == "istiod":
        return _istiod(recorded, path)
    if pod.role == "ztunnel":
        return _ztunnel(recorded, port, path)
    if port == ENVOY_ADMIN:
        return envoy_answer(recorded.reply, path, parts.query)
    return _agent(recorded, port, path)


def _istiod(recorded: _Recorded, path: str) -> AdminReply:
    """Istiod's ports 8080 and 15014 (pilot/pkg/xds/debug.go, pilot/pkg/bootstrap)."""
    match = _DEBUG.fullmatch(path)
    if match is not None:
        name = _DEBUG_ALIASES.get(match[1], match[1])
        return recorded.reply(f"debug/{name}.json", JSON) or _NOT_FOUND
    if path == "/metrics":
        return recorded.reply("metrics.txt", TEXT) or _NOT_FOUND
    if path == "/version":
        return recorded.reply("version.txt", TEXT) or _NOT_FOUND
    if path == "/ready":
        # Recorders before this format took no ready.txt, and whoever answered /debug was ready.
        return _health(recorded.reply("ready.txt", TEXT)) or AdminReply(200, b"", TEXT)
    return _NOT_FOUND


def _ztunnel(recorded: _Recorded, port: int, path: str) -> AdminReply:
    """Ztunnel's own admin, metrics and readiness servers (src/admin.rs, src/readiness)."""
    match port, path:
        case 15000, "/config_dump":
            reply = recorded.reply("config_dump.json", JSON)
        case 15020, "/metrics" | "/stats/prometheus":
            reply = recorded.reply("metrics.txt", TEXT)
        case 15021, "/healthz/ready":
            return AdminReply(200, b"ready\n", TEXT)
        case _:
            return AdminReply(404, b"Not Found", TEXT)
    return reply or AdminReply(503, b"the recording holds no answer to this\n", TEXT)


def _agent(recorded: _Recorded, port: int, path: str) -> AdminReply:
    """pilot-agent's status server on 15020, and Envoy's health listener on 15021 before it."""
    if path == "/healthz/ready":
        return _health(recorded.reply("ready.txt", TEXT)) or AdminReply(200, b"", TEXT)
    if port == AGENT and path == "/stats/prometheus":
        return envoy_answer(recorded.reply, path, "")
    return _NOT_FOUND


def _health(reply: AdminReply | None) -> AdminReply | None:
    """An answer to a probe: the recorded body may end with the status, as curl was told to."""
    if reply is None or reply.status != 200:
        return reply
    code = reply.body.split()[-1:] or [b"200"]
    status = int(code[0]) if re.fullmatch(rb"[1-5]\d\d", code[0]) else 200
    return AdminReply(status, b"", TEXT)
