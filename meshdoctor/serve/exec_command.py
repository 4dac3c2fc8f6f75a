"""What a container answers when a command is executed in it: two read, all others fail."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.serve.admin import admin_reply, is_listening, unread_reason
from meshdoctor.serve.streams_refusal import status_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.serve.admin_reply import AdminReply
    from meshdoctor.serve.streams_pod import Pod, PodFiles

PROGRAMS = {
    ("proxy", "istio-proxy"): ("pilot-agent", 15000),
    ("istiod", "discovery"): ("pilot-discovery", 15014),
}
"""The one program of a container that this server plays, and the port it asks."""

_QUIT = "quitquitquit"
_EXIT_CODE = re.compile(r"exit code (\d{1,3})")
_FAILED = 255
"""Both programs exit with -1 when their command fails."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did."""

    stdout: bytes = b""
    stderr: bytes = b""
    exit_code: int = 0
    error: str = ""
    """Why nothing was executed at all."""

    def status(self) -> dict[str, Any]:
        """The Status that ends the stream, on channel 3."""
        if self.error:
            return status_object(500, f"Internal error occurred: {self.error}")
        if not self.exit_code:
            return {"metadata": {}, "status": "Success"}
        return {
            "metadata": {},
            "status": "Failure",
            "message": f"command terminated with non-zero exit code: exit status {self.exit_code}",
            "reason": "NonZeroExitCode",
            "details": {"causes": [{"reason": "ExitCode", "message": str(self.exit_code)}]},
        }


@dataclass(frozen=True, slots=True)
class AdminGet:
    """A command that comes to one GET inside the pod."""

    port: int
    path: str
    """From the slash on, with its query."""


@dataclass(frozen=True, slots=True)
class QuitProxy:
    """A command that ends the proxy: Envoy's own ``/quitquitquit``, and the agent ends with it."""


def not_running(pod: Pod, container: str) -> Outcome | None:
    """What a runtime says of a container that does not run; None of one that does."""
    if pod.is_running(container):
        return None
    return Outcome(error=f'unable to upgrade connection: container not found ("{container}")')


def read_command(
    pod: Pod, container: str, command: Sequence[str]
) -> AdminGet | QuitProxy | Outcome:
    """Tell the two commands that read, and the one that ends the proxy, from all others.

    Args:
        pod: where it is executed.
        container: in which of its containers.
        command: the program and its arguments.

    Returns:
        What it comes to, or how it fails.
    """
    if not command:
        return Outcome(error="you must specify at least 1 command for the container")
    program, *arguments = command
    name, port = PROGRAMS.get((pod.role, container), ("", 0))
    if not name or program not in {name, f"/usr/local/bin/{name}"}:
        return Outcome(error=_not_found(program))
    match arguments:
        case ["request", "GET", path]:
            return AdminGet(port, f"/{path.lstrip('/')}")
        case ["request", "POST", path] if pod.role == "proxy" and path.strip("/") == _QUIT:
            return QuitProxy()
        case ["request", method, _, *_] if method != "GET":
            return unchanged(method)
        case ["request", *_]:
            return _failure(f"accepts 2 arg(s), received {len(arguments) - 1}")
    return _failure(f'unknown command "{" ".join(arguments[:1])}" for "{name}"')


def unchanged(method: str) -> Outcome:
    """A command that would change something, where nothing can be changed."""
    return _failure(f"a recording cannot be changed: {method} is refused")


def _not_found(program: str) -> str:
    return (
        "error executing command in container: failed to exec in container: failed to start exec: "
        "OCI runtime exec failed: exec failed: unable to start container process: "
        f'exec: "{program}": executable file not found in $PATH: unknown'
    )


def _failure(message: str, exit_code: int = _FAILED) -> Outcome:
    return Outcome(stderr=f"Error: {message}\n".encode(), exit_code=exit_code)


def play(mesh: PodFiles, pod: Pod, container: str, get: AdminGet) -> AdminReply | Outcome:
    """What the recording answers to the GET, or how the command fails without an answer."""
    if not is_listening(mesh, pod, get.port):
        reason = unread_reason(mesh, pod) or ""
        code = _EXIT_CODE.search(reason)
        if code is not None:
            return _failure(reason, int(code[1]))
        if "container not found" in reason:
            return Outcome(
                error=f'unable to upgrade connection: container not found ("{container}")'
            )
        return refused(get)
    return admin_reply(mesh, pod, get.port, "GET", get.path)


def refused(get: AdminGet) -> Outcome:
    """Nothing listens on the port."""
    return _failure(
        f'failed executing Get "http://localhost:{get.port}{get.path}": '
        f"dial tcp 127.0.0.1:{get.port}: connect: connection refused"
    )


def outcome_of(reply: AdminReply) -> Outcome:
    """How pilot-agent and pilot-discovery report an answer (pilot/pkg/request/command.go).

    A 404 is printed like any answer; from 400 on all others fail.
    """
    if reply.unread and (code := _EXIT_CODE.search(reply.unread)):
        return _failure(reply.unread, int(code[1]))
    if reply.status > 399 and reply.status != 404:
        text = reply.body.decode(errors="replace")
        return _failure(f"received unsuccessful status code {reply.status}: {text}")
    return Outcome(stdout=reply.body + b"\n")
