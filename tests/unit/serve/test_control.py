"""The private path beside the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from meshdoctor.resources import recordings_root
from meshdoctor.serve.control import Control
from meshdoctor.serve.control_client import ControlClient, UnreachableError
from meshdoctor.serve.control_path import ControlError
from meshdoctor.serve.thread import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.serve.server import Server

TOKEN = "of the desk"


def answer(verb: str, given: Mapping[str, Any]) -> object:
    if verb == "echo":
        return {"given": dict(given)}
    if verb == "break":
        raise RuntimeError("not\nso")
    raise ControlError(f"nobody knows {verb}")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    def prepare(one: Server) -> None:
        one.control = Control(TOKEN, answer)

    with serving(recordings_root() / "healthy.tar.gz", prepare=prepare) as one:
        yield one


def client(server: Server, token: str = TOKEN) -> ControlClient:
    return ControlClient(server.port, server.ca_pem.decode(), token)


def test_who_has_its_token_is_answered(server: Server) -> None:
    assert client(server).ask("echo", number=1) == {"given": {"number": 1}}


def test_what_cannot_be_answered_is_one_line(server: Server) -> None:
    with pytest.raises(ControlError, match=r"^nobody knows sing$"):
        client(server).ask("sing")
    with pytest.raises(ControlError, match=r"^RuntimeError: not so$"):
        client(server).ask("break")


@pytest.mark.parametrize("token", ["", "another", "API"])
def test_nobody_else_is_not_even_who_has_the_apis_token(token: str, server: Server) -> None:
    with pytest.raises(ControlError, match="Unauthorized"):
        client(server, server.token if token == "API" else token).ask("echo")


def test_its_token_does_not_open_the_api(server: Server, tmp_path: Any) -> None:
    (tmp_path / "ca").write_bytes(server.ca_pem)
    import ssl

    trust = ssl.create_default_context(cafile=str(tmp_path / "ca"))
    with httpx.Client(verify=trust, trust_env=False) as http:
        mine = {"Authorization": f"Bearer {TOKEN}"}
        assert http.get(f"{server.url}/api/v1/pods", headers=mine).status_code == 401
        api = {"Authorization": f"Bearer {server.token}"}
        assert http.get(f"{server.url}/api/v1/pods", headers=api).status_code == 200
        assert http.get(f"{server.url}/meshdoctor/echo", headers=mine).status_code == 401


def test_a_server_without_a_desk_has_no_such_path() -> None:
    with (
        serving(recordings_root() / "healthy.tar.gz") as server,
        pytest.raises((ControlError, UnreachableError)),
    ):
        client(server, server.token).ask("echo")


def test_a_server_that_is_gone_is_said(server: Server) -> None:
    with serving(recordings_root() / "healthy.tar.gz") as other:
        gone = client(other)
    with pytest.raises(UnreachableError, match=f"127.0.0.1:{gone.port} does not answer"):
        gone.ask("echo")
    stranger = ControlClient(server.port, gone.ca_pem, TOKEN)
    with pytest.raises(UnreachableError, match="certificate"):
        stranger.ask("echo")
