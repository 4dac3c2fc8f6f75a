"""The second way to ask a pod: exec of one of the two request commands, over a WebSocket.

``pilot-agent request GET <path>`` asks Envoy's admin on 15000, ``pilot-discovery request GET
<path>`` istiod's monitoring port (pilot/cmd/pilot-agent/app/request.go, pilot/pkg/request). Both
print the body and a newline; 404 is printed like any answer, other statuses from 400 on fail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import msgspec

from meshdoctor.collect.admin_http import AdminAnswer
from meshdoctor.collect.read_reasons import failed, one_line
from meshdoctor.model.pod import ISTIOD_CONTAINER, PROXY_CONTAINER

if TYPE_CHECKING:
    from meshdoctor.collect.api import KubeApi, ReadError, Socket
    from meshdoctor.collect.patience import Patience

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
"""v4 puts a Status on the error channel; v5 adds the closing of single channels."""
_PILOT_AGENT, _PILOT_DISCOVERY = "pilot-agent", "pilot-discovery"
PROGRAMS = {PROXY_CONTAINER: _PILOT_AGENT, ISTIOD_CONTAINER: _PILOT_DISCOVERY}
"""The program of each container that can ask the container's own HTTP interface."""
_NOT_FOUND = re.compile(rb"404 page not found\s*|invalid path. admin commands are:.*", re.DOTALL)
"""What Go's servers and Envoy's admin say with a 404, which no exit code tells."""
_MOST_STDERR = 16 * 1024
_REFUSED = re.compile(r"received unsuccessful status code (\d{3}):? ?(.*)", re.DOTALL)


class _Channel(IntEnum):
    STDOUT = 1
    STDERR = 2
    ERROR = 3


@dataclass(slots=True)
class _Output:
    """What came over each channel."""

    stdout: list[bytes]
    stderr: bytes = b""
    status: bytes = b""


def command_of(container: str, target: str) -> tuple[str, ...]:
    """The command that asks a container for a path, as Istio's documentation writes it.

    Args:
        container: ``istio-proxy`` or ``discovery``.
        target: path and query, from the slash on.
    """
    program = PROGRAMS[container]
    path = target.removeprefix("/") if program == _PILOT_AGENT else target
    return (program, "request", "GET", path)


async def exec_get(
    api: KubeApi,
    namespace: str,
    pod: str,
    container: str,
    target: str,
    patience: Patience | None = None,
) -> AdminAnswer:
    """GET one path inside a pod, by executing the container's request command.

    Args:
        api: the cluster.
        namespace: of the pod.
        pod: its name.
        container: ``istio-proxy`` or ``discovery``.
        target: path and query, from the slash on.
        patience: told when the command runs and what arrives.

    Raises:
        ReadError: it was refused, or the command failed without an answer.
    """
    query = [
        ("container", container),
        ("stdout", "true"),
        ("stderr", "true"),
        *(("command", word) for word in command_of(container, target)),
    ]
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/exec"
    async with api.socket(path, query, PROTOCOLS) as socket:
        if patience is not None:
            patience.begin()
        output = await _read(socket, patience)
    return _answer(output)


async def _read(socket: Socket, patience: Patience | None) -> _Output:
    output = _Output([])
    while (message := await socket.receive()) is not None:
        if patience is not None:
            patience.earn(len(message))
        if len(message) < 2:
            continue
        match message[0]:
            case _Channel.STDOUT:
                output.stdout.append(message[1:])
            case _Channel.STDERR:
                output.stderr = (output.stderr + message[1:])[-_MOST_STDERR:]
            case _Channel.ERROR:
                # The Status is the last thing the kubelet sends: no need to wait for the close.
                output.status += message[1:]
                return output
    return output


def _answer(output: _Output) -> AdminAnswer:
    body = b"".join(output.stdout)
    if not output.status:
        raise failed("the connection ended before the command did")
    status = _status(output.status)
    if status.get("status") == "Success":
        code = 404 if _NOT_FOUND.fullmatch(body) else 200
        return AdminAnswer(code, body.removesuffix(b"\n"))
    said = output.stderr.decode("utf-8", errors="replace").removeprefix("Error: ").strip()
    refused = _REFUSED.search(said)
    if refused is not None:
        return AdminAnswer(int(refused[1]), refused[2].encode())
    raise _failure(status, said)


def _status(data: bytes) -> dict[str, object]:
    try:
        status = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        status = None
    return status if isinstance(status, dict) else {"message": one_line(data)}


def _failure(status: dict[str, object], said: str) -> ReadError:
    message = str(status.get("message") or "the command failed")
    return failed(f"{message}: {said}" if said else message)
