from __future__ import annotations

import asyncio
import base64
import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from meshdoctor.collect import credentials_exec, credentials_plugin
from meshdoctor.collect.access import Access, open_access
from meshdoctor.collect.access_error import AccessError
from meshdoctor.collect.api import ReadError
from meshdoctor.collect.credentials_plugin import Terminal
from meshdoctor.collect.transport import Transport
from tests.unit.collect.api_server import (
    QUICK,
    Options,
    access_to,
    kubeconfig,
    serving,
    status,
    talking,
)
from tests.unit.collect.certificates import authority, make

V1 = "client.authentication.k8s.io/v1"
SERVER = "https://127.0.0.1:1"


def plugin(folder: Path, script: str, **more: Any) -> dict[str, Any]:
    """A user whose plugin is a shell script beside the kubeconfig."""
    file = folder / "login"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(stat.S_IRWXU)
    entry = {"command": "./login", "apiVersion": V1, "interactiveMode": "IfAvailable", **more}
    return {"exec": entry}


def prints(version: str = V1, **status: Any) -> str:
    document = {"apiVersion": version, "kind": "ExecCredential", "status": status}
    return f"cat <<'EOF'\n{json.dumps(document)}\nEOF"


def counting(folder: Path, **status: Any) -> str:
    """Prints the token ``run-<n>``, n the number of runs so far."""
    file = folder / "runs"
    document = {"apiVersion": V1, "kind": "ExecCredential", "status": {"token": "run-N"} | status}
    return (
        f"echo >> {file}\nN=$(wc -l < {file})\necho '{json.dumps(document)}' | sed s/run-N/run-$N/"
    )


async def opened(
    folder: Path, user: dict[str, Any], terminal: Terminal | None = None, **cluster: Any
) -> Access:
    file = kubeconfig(folder, SERVER, user, **cluster)
    return await open_access(Options(str(file)), terminal)


async def header(access: Access) -> str:
    return (await access.credentials.current()).authorization


async def test_a_plugins_token_is_used(tmp_path: Path) -> None:
    access = await opened(tmp_path, plugin(tmp_path, prints(token="abc")))
    assert await header(access) == "Bearer abc"


async def test_the_older_version_is_spoken_too(tmp_path: Path) -> None:
    version = "client.authentication.k8s.io/v1beta1"
    user = plugin(tmp_path, prints(version, token="abc"), apiVersion=version)
    assert await header(await opened(tmp_path, user)) == "Bearer abc"


async def test_a_plugin_gets_its_arguments_environment_and_cluster(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = f'echo "$1 $2 $COLOUR $HOME" > {out}; echo "$KUBERNETES_EXEC_INFO" >> {out}\n'
    user = plugin(
        tmp_path,
        script + prints(token="abc"),
        args=["get token", "now"],
        env=[{"name": "COLOUR", "value": "blue"}],
        provideClusterInfo=True,
    )
    await opened(tmp_path, user, tls_server_name="kube.example", proxy_url="http://p:1")
    line, info = out.read_text().splitlines()
    assert line == f"get token now blue {os.environ['HOME']}"
    told = json.loads(info)
    assert told["apiVersion"] == V1
    assert told["spec"]["interactive"] is False
    cluster = told["spec"]["cluster"]
    assert cluster["server"] == SERVER
    assert cluster["tls-server-name"] == "kube.example"
    assert base64.b64decode(cluster["certificate-authority-data"]) == authority().pem


async def test_a_plugin_is_run_once_for_many_requests(tmp_path: Path) -> None:
    async def ok(_: web.Request) -> web.Response:
        return web.Response()

    user = plugin(tmp_path, counting(tmp_path))
    async with talking(ok, tmp_path, user=user) as (api, server):
        await asyncio.gather(*(api.get("/version") for _ in range(20)))
    assert {request.headers["Authorization"] for request in server.seen} == {"Bearer run-1"}


async def test_a_plugin_is_run_again_when_its_login_expires(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials_exec, "_AGAIN", 0.0)
    soon = (datetime.now(UTC) + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    access = await opened(tmp_path, plugin(tmp_path, counting(tmp_path, expirationTimestamp=soon)))
    assert await header(access) == "Bearer run-2"
    later = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    plugin(tmp_path, counting(tmp_path, expirationTimestamp=later))
    assert await header(access) == "Bearer run-3"
    assert await header(access) == "Bearer run-3"


async def test_a_plugin_is_run_again_once_when_its_login_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials_exec, "_AGAIN", 0.0)

    async def answer(request: web.Request) -> web.Response:
        new = request.headers["Authorization"] == "Bearer run-2"
        return web.Response() if new else status(401, "Unauthorized")

    user = plugin(tmp_path, counting(tmp_path))
    async with talking(answer, tmp_path, user=user) as (api, _):
        await asyncio.gather(*(api.get("/version") for _ in range(20)))
    assert (tmp_path / "runs").read_text().count("\n") == 2


async def test_a_login_that_is_always_refused_is_not_asked_for_for_ever(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return status(401, "Unauthorized")

    user = plugin(tmp_path, counting(tmp_path))
    async with talking(answer, tmp_path, user=user) as (api, _):
        for _ in range(5):
            with pytest.raises(ReadError, match="does not accept the login"):
                await api.get("/version")
    assert (tmp_path / "runs").read_text().count("\n") == 1


async def test_a_plugin_may_bring_a_certificate(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        return web.Response(text=request.transport.get_extra_info("peercert")["subject"][0][0][1])

    client = make("someone", authority())
    pair = {
        "clientCertificateData": client.pem.decode(),
        "clientKeyData": client.key_pem().decode(),
    }
    async with serving(answer, tmp_path) as server:
        access = await access_to(tmp_path, server.url, plugin(tmp_path, prints(**pair)))
        async with Transport.open(access, QUICK) as api:
            assert (await api.get("/version")).body == b"someone"


async def test_a_token_in_the_kubeconfig_wins_as_with_kubectl(tmp_path: Path) -> None:
    user = {"token": "fixed", **plugin(tmp_path, "exit 1")}
    assert await header(await opened(tmp_path, user)) == "Bearer fixed"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'first' >&2; echo 'token has expired, run aws sso login' >&2; exit 255",
         r"failed \(exit code 255\): token has expired, run aws sso login"),
        ("exit 3", r"failed \(exit code 3\)$"),
        ("echo hello", "printed no JSON"),
        ("echo '[]'", "printed no ExecCredential"),
        ("echo '{\"kind\": \"ExecCredential\"}'", "printed no ExecCredential"),
        (prints(), "neither a token nor a certificate"),
        (prints(clientCertificateData="x"), "only half of a certificate"),
        (prints(token="a b"), "holds no token"),
        (prints("client.authentication.k8s.io/v1beta1", token="a"), "make them the same"),
        ("head -c 2000000 /dev/zero", "printed more than 1 MiB"),
    ],
)  # fmt: skip
async def test_a_plugin_that_fails_is_named_with_its_last_words(
    tmp_path: Path, script: str, words: str
) -> None:
    with pytest.raises(AccessError, match=words) as caught:
        await opened(tmp_path, plugin(tmp_path, script))
    assert "login" in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_missing_plugin_comes_with_its_hint(tmp_path: Path) -> None:
    entry = {"command": "no-such-plugin", "apiVersion": V1, "installHint": "brew install\nit"}
    with pytest.raises(AccessError, match='"no-such-plugin" was not found; install it: brew inst'):
        await opened(tmp_path, {"exec": entry})


async def test_a_plugin_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    user = plugin(tmp_path, "")
    (tmp_path / "login").chmod(0o600)
    with pytest.raises(AccessError, match="cannot be run: Permission denied"):
        await opened(tmp_path, user)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"apiVersion": "client.authentication.k8s.io/v1alpha1"}, "no longer reads; update it"),
        ({"apiVersion": ""}, "no named version"),
        ({"interactiveMode": "Sometimes"}, "is none of Never"),
        ({"interactiveMode": "Always"}, "log in with kubectl first"),
    ],
)
async def test_a_plugin_that_cannot_be_used_is_not_run(
    tmp_path: Path, more: dict[str, Any], words: str
) -> None:
    with pytest.raises(AccessError, match=words):
        await opened(tmp_path, plugin(tmp_path, counting(tmp_path), **more))
    assert not (tmp_path / "runs").exists()


def is_running(pid: str) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


async def test_a_plugin_that_hangs_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials_plugin, "_SECONDS", 0.5)
    child = tmp_path / "child"
    script = f"echo 'waiting for the browser' >&2; sleep 30 & echo $! > {child}; wait"
    with pytest.raises(AccessError, match=r"did not end within 0.5 s: waiting for the browser"):
        await opened(tmp_path, plugin(tmp_path, script))
    pid = child.read_text().strip()
    for _ in range(50):
        if not is_running(pid):
            break
        await asyncio.sleep(0.02)
    assert not is_running(pid)


async def test_a_plugins_words_reach_the_person_at_once(tmp_path: Path) -> None:
    said: list[bytes] = []
    script = "printf 'Enter the code ABC' >&2; sleep 0.1; " + prints(token="abc")
    out = tmp_path / "out"
    script = f'echo "$KUBERNETES_EXEC_INFO" > {out}\n' + script
    await opened(tmp_path, plugin(tmp_path, script, interactiveMode="Always"), said.append)
    assert b"".join(said) == b"Enter the code ABC"
    assert json.loads(out.read_text())["spec"]["interactive"] is True


async def test_a_plugin_that_never_asks_gets_no_terminal(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = f'echo "$KUBERNETES_EXEC_INFO" > {out}\n' + prints(token="abc")
    await opened(tmp_path, plugin(tmp_path, script, interactiveMode="Never"), lambda _: None)
    assert json.loads(out.read_text())["spec"]["interactive"] is False
