from __future__ import annotations

import base64
import ssl
import stat
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx
import pytest
import yaml

from meshdoctor.serve.server import Server
from meshdoctor.serve.thread import serving
from tests.unit.serve.small_mesh import api, client_of, mesh_of, shop

if TYPE_CHECKING:
    from pathlib import Path

CAPTURED = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_who_has_no_token_or_a_wrong_one_is_refused_with_a_status(token: str) -> None:
    async with api() as (server, _), client_of(server, token) as stranger:
        answer = await stranger.get("/api/v1/pods")
        assert answer.status_code == 401
        assert answer.json()["reason"] == "Unauthorized"
        assert (await stranger.get("/livez")).text == "ok"


async def test_every_answer_has_the_recordings_time_and_it_runs_on() -> None:
    async with api() as (server, client):
        for path in ("/api/v1/pods", "/nothing", "/healthz"):
            date = parsedate_to_datetime((await client.get(path)).headers["Date"])
            assert CAPTURED <= date < CAPTURED + timedelta(seconds=5)
        first = server.server_time()
        assert server.server_time() > first


async def test_its_certificate_is_trusted_through_the_kubeconfig_only() -> None:
    async with api() as (server, _):
        document = yaml.safe_load(server.kubeconfig_text)
        cluster = document["clusters"][0]["cluster"]
        assert document["current-context"] == "shop"
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        trust = ssl.create_default_context(cadata=authority)
        trust.verify_flags |= ssl.VERIFY_X509_STRICT
        token = document["users"][0]["user"]["token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(verify=trust, headers=headers) as client:
            assert (await client.get(f"{cluster['server']}/api/v1/pods")).status_code == 200
        async with httpx.AsyncClient() as nobody:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await nobody.get(cluster["server"])


async def test_the_kubeconfig_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("old and much longer than what comes" * 200)
    path.chmod(0o644)
    async with Server(mesh_of(shop())) as server:
        server.write_kubeconfig(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert yaml.safe_load(path.read_text())["kind"] == "Config"


async def test_two_servers_have_tokens_and_authorities_of_their_own() -> None:
    one, other = Server(mesh_of(shop())), Server(mesh_of(shop()))
    assert one.token != other.token
    assert one.ca_pem != other.ca_pem


def test_it_runs_in_a_thread_for_who_is_not_async() -> None:
    with serving(mesh_of(shop())) as server:
        trust = ssl.create_default_context(cadata=server.ca_pem.decode())
        headers = {"Authorization": f"Bearer {server.token}"}
        with httpx.Client(verify=trust, headers=headers, base_url=server.url) as client:
            assert len(client.get("/api/v1/pods").json()["items"]) == 3
        taken = int(server.url.rpartition(":")[2])
        with (
            pytest.raises(OSError, match="address already in use"),
            serving(server.mesh, port=taken),
        ):
            pass


async def test_what_breaks_inside_is_answered_with_a_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with api() as (server, client):
        monkeypatch.setattr(server.cluster.store, "all", lambda key: 1 // 0)
        answer = await client.get("/api/v1/pods")
    assert answer.status_code == 500
    assert answer.json()["message"].startswith("Internal error occurred: ZeroDivisionError")


async def test_a_server_that_stops_does_not_wait_for_watches() -> None:
    server = Server(mesh_of(shop()))
    await server.__aenter__()
    async with (
        client_of(server) as client,
        client.stream("GET", "/api/v1/pods?watch=true") as answer,
    ):
        start = datetime.now(UTC)
        await server.__aexit__(None, None, None)
        assert datetime.now(UTC) - start < timedelta(seconds=2)
        assert len([line async for line in answer.aiter_lines()]) == 3
