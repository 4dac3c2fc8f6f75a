from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.sync_changes import changed_proxies
from meshdoctor.collect.watch import follow
from meshdoctor.collect.watch_event import read_event
from meshdoctor.model.not_read import NotReadStatus
from tests.unit.collect.stand_in import Cluster, thing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from meshdoctor.collect.artifact import Artifact

PATH = "kubernetes/core/v1/services.json"
SERVICES = "/api/v1/services"


def listed(*names: str, version: str = "7") -> bytes:
    items = [thing(name, "shop") for name in names]
    metadata = {"resourceVersion": version}
    return json.dumps({"kind": "ServiceList", "metadata": metadata, "items": items}).encode()


def event(kind: str, name: str = "", version: str = "8", **spec: Any) -> bytes:
    item = thing(name, "shop", **spec)
    item["metadata"]["resourceVersion"] = version
    return json.dumps({"type": kind, "object": item}).encode()


ERROR = json.dumps({"type": "ERROR", "object": {"code": 410, "message": "too old"}}).encode()


@dataclass
class Watching(Cluster):
    """A cluster whose watches say these things, one list of lines or error after another."""

    script: list[list[bytes] | ReadError] = field(default_factory=list)
    queries: list[Mapping[str, str]] = field(default_factory=list)

    async def lines(self, path: str, query: Mapping[str, str]) -> AsyncIterator[bytes]:
        assert path == SERVICES
        self.queries.append(query)
        said = self.script.pop(0) if self.script else None
        if isinstance(said, ReadError):
            raise said
        for line in said or []:
            yield line
        if said is None:
            await asyncio.Event().wait()


async def followed(cluster: Watching, changes: int, **more: Any) -> list[list[str]]:
    """The names in the list after each of so many changes."""
    seen: list[list[str]] = []
    enough = asyncio.Event()

    def on_change(artifact: Artifact) -> None:
        assert artifact.path == PATH
        seen.append([item["metadata"]["name"] for item in json.loads(artifact.data)["items"]])
        if len(seen) == changes:
            enough.set()

    lists = {PATH: listed("a", "b"), "kubernetes/core/v1/secrets.json": listed()}
    task = asyncio.ensure_future(follow(cluster, lists, on_change, bundle=0.02, pause=0.01, **more))
    try:
        await asyncio.wait_for(enough.wait(), 3)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return seen


async def test_events_are_applied_and_handed_over_in_one_bundle() -> None:
    lines = [event("ADDED", "c"), event("DELETED", "a", "9"), event("MODIFIED", "b", "10", x=1)]
    cluster = Watching(script=[lines])
    assert await followed(cluster, 1) == [["b", "c"]]
    assert cluster.queries[0]["resourceVersion"] == "7"
    assert cluster.queries[0]["allowWatchBookmarks"] == "true"


async def test_a_watch_that_ends_goes_on_where_it_ended() -> None:
    cluster = Watching(script=[[event("BOOKMARK", version="20")], [event("ADDED", "c", "21")]])
    assert await followed(cluster, 1) == [["a", "b", "c"]]
    assert [query["resourceVersion"] for query in cluster.queries[:2]] == ["7", "20"]


async def test_a_watch_that_breaks_is_opened_again() -> None:
    broken = ReadError(NotReadStatus.FAILED, "connection reset")
    cluster = Watching(script=[broken, broken, [event("ADDED", "c")]])
    assert await followed(cluster, 1) == [["a", "b", "c"]]


@pytest.mark.parametrize("too_old", [[ERROR], ReadError(NotReadStatus.FAILED, "too old", 410)])
async def test_a_watch_that_is_too_old_lists_again(too_old: list[bytes] | ReadError) -> None:
    cluster = Watching(script=[too_old])
    cluster.lists[SERVICES] = [thing("new", "shop")]
    assert await followed(cluster, 1) == [["new"]]
    assert cluster.asked == [f"{SERVICES}?limit=500"]


async def test_a_list_that_is_denied_while_listing_again_is_given_up() -> None:
    denied = ReadError(NotReadStatus.DENIED, "services is forbidden", 403)
    cluster = Watching(script=[[ERROR]], refused={SERVICES: denied})
    lost: dict[str, ReadError] = {}
    await asyncio.wait_for(
        follow(cluster, {PATH: listed("a")}, lambda _: None, on_lost=lost.__setitem__, pause=0.01),
        3,
    )
    assert lost == {PATH: denied}


async def test_a_watch_that_is_denied_is_given_up_and_said() -> None:
    denied = ReadError(NotReadStatus.DENIED, "services is forbidden", 403)
    lost: dict[str, ReadError] = {}
    await asyncio.wait_for(
        follow(
            Watching(script=[denied]),
            {PATH: listed("a")},
            lambda _: None,
            on_lost=lost.__setitem__,
        ),
        3,
    )
    assert lost == {PATH: denied}


async def test_a_garbled_line_opens_the_watch_again() -> None:
    cluster = Watching(script=[[b"{"], [event("DELETED", "a")]])
    assert await followed(cluster, 1) == [["b"]]


@pytest.mark.parametrize("line", [b"", b"{}", b'{"type":"GONE"}', b'{"type":"ADDED","object":3}'])
def test_what_is_no_event_is_an_error(line: bytes) -> None:
    with pytest.raises(ReadError, match="garbled"):
        read_event(line)


def sync(pod: str, acked: str = "1", error: str = "") -> dict[str, Any]:
    item = {"sent": "1", "acked": acked, **({"lastError": error} if error else {})}
    return {"proxy": f"{pod}.shop", "resources": {"type.googleapis.com/x": item}}


def test_proxies_with_other_nonces_or_errors_or_new_ones_have_changed() -> None:
    before = [sync("same"), sync("acks"), sync("refuses"), sync("leaves")]
    after = [sync("same"), sync("acks", "2"), sync("refuses", "1", "no"), sync("comes")]
    changed = changed_proxies(json.dumps(before).encode(), json.dumps(after).encode())
    assert changed == {("shop", "acks"), ("shop", "refuses"), ("shop", "comes")}
