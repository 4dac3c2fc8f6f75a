"""A cluster built by hand: it answers what a KubeApi may be asked, and notes what was asked."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import h11

from meshdoctor.collect.api import Answer, ReadError, Step
from meshdoctor.model.not_read import NotReadStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from meshdoctor.collect.artifact import Artifact

NOW = datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC)
RUNNING = {"running": {"startedAt": "2026-11-21T07:00:00Z"}}
DENIED = ReadError(NotReadStatus.DENIED, "pods is forbidden", 403)
HANG, CUT, GARBAGE, REFUSED = "hang", "cut", "garbage", "refused"
"""What a port does instead of answering."""

Reply = "tuple[int, bytes] | str"


def pod(
    name: str = "web-1",
    namespace: str = "shop",
    *,
    containers: Sequence[str] = ("app",),
    init: Sequence[str] = ("istio-proxy",),
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    states: Mapping[str, Mapping[str, Any]] | None = None,
    phase: str = "Running",
    owner: tuple[str, str] | None = None,
    **metadata: Any,
) -> dict[str, Any]:
    """A pod as the API server has it; every container runs unless a state says otherwise."""

    def statuses(names: Sequence[str]) -> list[dict[str, Any]]:
        usual = {"state": RUNNING, "restartCount": 0}
        return [{"name": one, **usual, **(states or {}).get(one, {})} for one in names]

    references = [{"kind": owner[0], "name": owner[1], "controller": True}] if owner else []
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": dict(labels or {}),
            "annotations": dict(annotations or {}),
            "ownerReferences": references,
            **metadata,
        },
        "spec": {
            "containers": [{"name": one, "image": one} for one in containers],
            "initContainers": [{"name": one, "image": one} for one in init],
        },
        "status": {
            "phase": phase,
            "containerStatuses": statuses(containers),
            "initContainerStatuses": statuses(init),
        },
    }


def istiod(name: str = "istiod-1", namespace: str = "istio-system", **more: Any) -> dict[str, Any]:
    """A control plane's pod."""
    labels = {"app": "istiod", **more.pop("labels", {})}
    return pod(name, namespace, containers=("discovery",), init=(), labels=labels, **more)


def gateway(name: str = "gw-1", namespace: str = "istio-system", **more: Any) -> dict[str, Any]:
    """A gateway's pod."""
    labels = {"istio": "ingressgateway", **more.pop("labels", {})}
    return pod(name, namespace, containers=("istio-proxy",), init=(), labels=labels, **more)


def thing(name: str, namespace: str = "", **spec: Any) -> dict[str, Any]:
    """Any object."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"metadata": metadata, "spec": spec}


def envoy_answers(**more: Any) -> dict[str, Any]:
    """What a healthy Envoy answers."""
    return {
        "/config_dump?include_eds=true": (200, b'{"configs": []}'),
        "/clusters?format=json": (200, b'{"cluster_statuses": []}'),
        "/listeners?format=json": (200, b'{"listener_statuses": []}'),
        "/certs": (200, b'{"certificates": []}'),
        "/server_info": (200, b'{"state": "LIVE"}'),
        "/memory": (200, b'{"allocated": "1"}'),
        "/stats": (200, b"server.live: 1\n"),
        "/ready": (200, b"LIVE\n"),
        **more,
    }


def istiod_answers(**more: Any) -> dict[str, Any]:
    """What an istiod answers on its monitoring port."""
    names = ("syncz", "mesh", "connections", "push_status", "configz", "registryz")
    debug = {f"/debug/{name}": (200, b"{}") for name in names}
    return {**debug, "/version": (200, b"1.32.0"), "/metrics": (200, b"istio_build 1\n"), **more}


@dataclass
class Cluster:
    """A stand-in for an API server and the pods behind it."""

    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Path of a collection to its objects."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Path to the answer's body."""
    refused: dict[str, ReadError] = field(default_factory=dict)
    """Path, or its beginning, to why it is refused."""
    ports: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    """Pod's name and port to what is answered there."""
    logs: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """Pod's name and container to its log."""
    asked: list[str] = field(default_factory=list)
    opened: Counter[str] = field(default_factory=Counter)
    page: int = 500
    """Items on a page at most."""
    on_get: Callable[[str], None] | None = None

    def now(self) -> datetime:
        return NOW

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, *, accept: str | None = None
    ) -> Answer:
        await asyncio.sleep(0)
        words = "&".join(f"{key}={value}" for key, value in (query or {}).items())
        self.asked.append(f"{path}?{words}" if words else path)
        if self.on_get is not None:
            self.on_get(path)
        self._check(path)
        if path.endswith("/log"):
            return Answer(self._log(path, query or {}), NOW)
        if path in self.files:
            return Answer(self.files[path], NOW)
        return Answer(self._list(path, query or {}), NOW)

    async def review(self, path: str, body: bytes) -> Answer:
        raise AssertionError(f"nobody reviews {path}")

    async def lines(self, path: str, query: Mapping[str, str]) -> AsyncIterator[bytes]:
        raise AssertionError(f"nobody watches {path}")
        yield b""

    @asynccontextmanager
    async def socket(
        self, path: str, query: Sequence[tuple[str, str]], subprotocols: Sequence[str]
    ) -> AsyncIterator[Any]:
        await asyncio.sleep(0)
        self.opened[path.rpartition("/")[2]] += 1
        self._check(path)
        name = path.split("/")[-2]
        if path.endswith("/exec"):
            command = [value for key, value in query if key == "command"]
            yield ExecSocket(self, name, command)
        else:
            port = int(dict(query)["ports"])
            yield ForwardSocket(port, self.ports.get((name, port)))

    def _check(self, path: str) -> None:
        for start, error in self.refused.items():
            if path == start or (start.endswith("*") and path.startswith(start[:-1])):
                raise error
            if start.startswith("*") and path.endswith(start[1:]):
                raise error

    def _log(self, path: str, query: Mapping[str, str]) -> bytes:
        key = path.split("/")[-2], query["container"]
        if query.get("previous"):
            key = key[0], f"{key[1]}:previous"
        if key not in self.logs:
            raise ReadError(NotReadStatus.FAILED, "previous terminated container not found", 400)
        lines = self.logs[key].splitlines(keepends=True)
        tail = b"".join(lines[-int(query["tailLines"]) :])
        return tail[: int(query["limitBytes"])]

    def _list(self, path: str, query: Mapping[str, str]) -> bytes:
        items = self.lists.get(path)
        if items is None:
            raise ReadError(NotReadStatus.FAILED, f"{path} not found", 404)
        selector = query.get("fieldSelector", "")
        if selector:
            key, _, value = selector.partition("=")
            items = [
                item for item in items if item["metadata"].get(key[9:], item.get(key)) == value
            ]
        start = int(query.get("continue", "0"))
        page = items[start : start + self.page]
        metadata: dict[str, Any] = {"resourceVersion": "7"}
        if start + self.page < len(items):
            metadata["continue"] = str(start + self.page)
            metadata["remainingItemCount"] = len(items) - start - self.page
        document = {"kind": "SomeList", "apiVersion": "v1", "metadata": metadata, "items": page}
        return json.dumps(document).encode()


class ForwardSocket:
    """The other end of a port-forward: the kubelet, and HTTP behind it."""

    subprotocol = "v4.channel.k8s.io"

    def __init__(self, port: int, answers: dict[str, Any] | None) -> None:
        self._answers = answers
        self._http = h11.Connection(h11.SERVER)
        self._messages: asyncio.Queue[bytes | None] = asyncio.Queue()
        for channel in (0, 1):
            self._messages.put_nowait(bytes((channel,)) + port.to_bytes(2, "little"))

    async def send(self, data: bytes) -> None:
        assert data[0] == 0
        if self._answers is None:
            self._messages.put_nowait(b"\x01dial tcp4 127.0.0.1: connect: connection refused")
            return
        self._http.receive_data(data[1:])
        while (event := self._http.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.Request):
                self._reply(event.target.decode())
            if event is h11.PAUSED:
                self._http.start_next_cycle()

    async def receive(self) -> bytes | None:
        return await self._messages.get()

    def _say(self, data: bytes | None) -> None:
        for start in range(0, len(data or b""), 7):
            self._messages.put_nowait(b"\x00" + (data or b"")[start : start + 7])

    def _reply(self, target: str) -> None:
        assert self._answers is not None
        reply = self._answers.get(target, (404, b"not found"))
        if reply == HANG:
            return
        if reply == GARBAGE:
            self._say(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
            return
        cut = reply == CUT
        status, body = (200, b"half of it") if cut else reply
        length = str(len(body) * 2 if cut else len(body))
        response = h11.Response(status_code=status, headers=[("Content-Length", length)])
        self._say(self._http.send(response))
        self._say(self._http.send(h11.Data(data=body)))
        if cut:
            self._messages.put_nowait(None)
            return
        self._http.send(h11.EndOfMessage())


class ExecSocket:
    """The other end of an exec: one of the two request commands."""

    subprotocol = "v5.channel.k8s.io"

    def __init__(self, cluster: Cluster, name: str, command: list[str]) -> None:
        program, request, method, path = command
        assert (request, method) == ("request", "GET")
        port = {"pilot-agent": 15000, "pilot-discovery": 15014}[program]
        reply = cluster.ports.get((name, port), {}).get(f"/{path.lstrip('/')}", (404, b"no"))
        self._messages = self._of(reply)

    def _of(self, reply: Any) -> list[bytes | None]:
        if reply == HANG:
            return []
        if reply == CUT:
            return [b"\x01half", None]
        status, body = reply
        if status >= 400 and status != 404:
            text = f"Error: received unsuccessful status code {status}: {body.decode()}\n"
            failure = {
                "status": "Failure",
                "message": "command terminated with non-zero exit code",
                "details": {"causes": [{"reason": "ExitCode", "message": "255"}]},
            }
            return [b"\x02" + text.encode(), b"\x03" + json.dumps(failure).encode()]
        success = json.dumps({"metadata": {}, "status": "Success"}).encode()
        return [b"\x01" + body, b"\x01\n", b"\x03" + success]

    async def send(self, data: bytes) -> None:
        raise AssertionError("no command reads its input")

    async def receive(self) -> bytes | None:
        if not self._messages:
            await asyncio.Event().wait()
        return self._messages.pop(0)


@dataclass
class Kept:
    """A sink that keeps everything."""

    files: dict[str, bytes] = field(default_factory=dict)
    missed: dict[str, ReadError] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    on_keep: Callable[[str], None] | None = None

    def keep(self, artifact: Artifact) -> None:
        self.files[artifact.path] = artifact.data
        if self.on_keep is not None:
            self.on_keep(artifact.path)

    def miss(self, what: str, error: ReadError) -> None:
        self.missed[what] = error

    def step(self, step: Step) -> None:
        self.steps.append(step)

    def items(self, path: str) -> list[str]:
        """Names of the objects in a list, with their namespaces."""
        listed = json.loads(self.files[path])["items"]
        return [
            "/".join(filter(None, (m.get("namespace"), m["name"])))
            for m in (item["metadata"] for item in listed)
        ]

    def why(self, what: str) -> tuple[str, str]:
        """Status and reason of what was missed."""
        return str(self.missed[what].status), self.missed[what].reason
