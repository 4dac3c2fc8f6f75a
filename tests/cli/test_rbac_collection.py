"""The printed role allows every request of a whole collection and of a check, and no more."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from meshdoctor.check.role_manifest import RoleOptions, manifest
from meshdoctor.collect.api import Answer, ReadError
from meshdoctor.collect.collection import collect
from meshdoctor.collect.options import CollectOptions
from meshdoctor.collect.pod_ways import ways
from meshdoctor.collect.preflight import preflight
from meshdoctor.collect.rights import RIGHTS, Use
from meshdoctor.model.kinds import ALL
from meshdoctor.model.not_read import NotReadStatus
from meshdoctor.recording.archive import open_archive
from tests.build import NOW
from tests.cli.rbac_evaluator import Roles, asked_by

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from meshdoctor.collect.api import Step
    from meshdoctor.collect.artifact import Artifact

Request = tuple[str, str, dict[str, str]]
_EMPTY = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


class Sink:
    """Takes everything and keeps nothing but what was missed."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def keep(self, artifact: Artifact) -> None:
        pass

    def miss(self, what: str, error: ReadError) -> None:
        self.missed.append(f"{what}: {error.reason}")

    def step(self, step: Step) -> None:
        pass


@dataclass
class PodSocket:
    """A pod that answers every HTTP request, and every command, with an empty object."""

    port: int | None
    subprotocol: str = "v4.channel.k8s.io"
    _waiting: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.port is None:
            self._waiting += [b"\x01{}\n", b'\x03{"status":"Success"}']
        else:
            self._waiting += [bytes((c,)) + self.port.to_bytes(2, "little") for c in (0, 1)]

    async def send(self, data: bytes) -> None:
        assert data.startswith(b"\x00GET ")
        self._waiting.append(b"\x00" + _EMPTY)

    async def receive(self) -> bytes | None:
        return self._waiting.pop(0) if self._waiting else None


class CaptureApi:
    """A recording's objects behind the transport's face; remembers every request."""

    def __init__(self, path: Path) -> None:
        self.files = {entry.path: entry.data for entry in open_archive(path).entries()}
        self.requests: list[Request] = []

    def now(self) -> datetime:
        return NOW

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, *, accept: str | None = None
    ) -> Answer:
        asked = dict(query or {})
        self.requests.append(("GET", path, asked))
        return Answer(self._body(path, asked), NOW)

    async def review(self, path: str, body: bytes) -> Answer:
        self.requests.append(("POST", path, {}))
        return Answer(b'{"status": {"allowed": true}}', NOW)

    @asynccontextmanager
    async def socket(
        self, path: str, query: Sequence[tuple[str, str]], subprotocols: Sequence[str]
    ) -> AsyncIterator[PodSocket]:
        self.requests.append(("GET", path, dict(query)))
        ports = [int(value) for key, value in query if key == "ports"]
        yield PodSocket(ports[0] if ports else None)

    def lines(self, path: str, query: Mapping[str, str]) -> AsyncIterator[bytes]:
        raise AssertionError("a collection watches nothing")

    def _body(self, path: str, query: Mapping[str, str]) -> bytes:
        parts = path.strip("/").split("/")
        if path == "/version":
            return self.files["kubernetes/version.json"]
        if path == "/apis":
            return json.dumps(self._discovery()).encode()
        if parts[-1] == "log":
            return b""
        if parts[1] == "metrics.k8s.io":
            return b'{"items": []}'
        group, rest = ("core", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
        return self._objects(group, rest, query)

    def _objects(self, group: str, rest: list[str], query: Mapping[str, str]) -> bytes:
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        items = [
            item
            for name, data in self.files.items()
            if name.startswith(f"kubernetes/{group}/") and name.endswith(f"/{rest[0]}.json")
            for item in json.loads(data)["items"]
            if namespace in ("", item["metadata"].get("namespace"))
            and query.get("fieldSelector", "") in ("", f"metadata.name={item['metadata']['name']}")
        ]
        if len(rest) == 1:
            return json.dumps({"kind": "List", "metadata": {}, "items": items}).encode()
        for item in items:
            if item["metadata"]["name"] == rest[1]:
                return json.dumps(item).encode()
        raise ReadError(NotReadStatus.FAILED, "not found", 404)

    def _discovery(self) -> dict[str, Any]:
        groups: dict[str, list[dict[str, str]]] = {}
        for kind in ALL:
            if kind.group != "core":
                groups.setdefault(kind.group, []).append({"resource": kind.plural})
        return {
            "kind": "APIGroupDiscoveryList",
            "items": [
                {"metadata": {"name": group}, "versions": [{"version": "v1", "resources": found}]}
                for group, found in groups.items()
            ],
        }


async def everything_asked(capture: Path, *, port_forward: bool, secrets: bool) -> CaptureApi:
    """A check and a whole collection of one mesh."""
    api, sink = CaptureApi(capture), Sink()
    await preflight(api, ways=ways(allow_port_forward=port_forward))
    await collect(api, sink, CollectOptions(port_forward=port_forward, secrets=secrets))
    # Everything was answered, so no request stayed away because another one failed.
    missed = [] if secrets else ["kubernetes/core/v1/secrets.json: Secrets were not asked for"]
    assert sink.missed == missed
    return api


def roles(options: RoleOptions) -> Roles:
    return Roles(list(yaml.safe_load_all("\n".join(manifest(options)))))


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("port_forward", [True, False])
@pytest.mark.parametrize("secrets", [True, False])
async def test_the_role_allows_every_request_and_grants_nothing_that_is_never_asked(
    port_forward: bool, secrets: bool, captures_root: Path
) -> None:
    capture = captures_root / "gateway-healthy-tls.tar.gz"
    api = await everything_asked(capture, port_forward=port_forward, secrets=secrets)
    granted = roles(RoleOptions(port_forward=port_forward, secrets=secrets))
    asked = [info for request in api.requests for info in asked_by(*request)]
    assert [info for info in asked if not granted.allows(info)] == []
    used = {granted.rule_for(info) for info in asked}
    # Watching begins when the app follows a cluster, after the collection.
    watched = {("watch", r.group, r.resource) for r in RIGHTS if r.use is Use.WATCH}
    assert granted.granted - used == watched


@pytest.mark.usefixtures("no_network")
async def test_nothing_is_asked_but_reads_reviews_and_streams(captures_root: Path) -> None:
    capture = captures_root / "gateway-healthy-tls.tar.gz"
    api = await everything_asked(capture, port_forward=True, secrets=True)
    posts = {path for method, path, _ in api.requests if method != "GET"}
    assert posts == {"/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"}
    streams = {path.rpartition("/")[2] for _, path, _ in api.requests if "/pods/" in path}
    assert streams == {"log", "portforward"}
