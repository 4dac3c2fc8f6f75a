from __future__ import annotations

import base64
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from meshdoctor.collect.access import context_name, open_access
from meshdoctor.collect.access_error import AccessError
from meshdoctor.collect.api import ReadError
from meshdoctor.collect.transport import Transport
from tests.unit.collect.api_server import (
    QUICK,
    TOKEN,
    Options,
    access_to,
    kubeconfig,
    serving,
    status,
)
from tests.unit.collect.certificates import authority, make

SERVER = "https://127.0.0.1:1"


async def headers_of(
    folder: Path, user: Any = None, options: Options | None = None
) -> list[tuple[str, str]]:
    chosen = options or Options()
    file = kubeconfig(folder, SERVER, user)
    access = await open_access(replace(chosen, kubeconfig=str(file)))
    return list(access.headers(await access.credentials.current()))


async def test_the_context_says_where_and_as_whom(tmp_path: Path) -> None:
    access = await access_to(tmp_path, f"{SERVER}/")
    assert (access.context, access.server, access.namespace) == ("test", SERVER, "n")
    assert access.proxy is None
    login = await access.credentials.current()
    assert access.headers(login) == (("Authorization", f"Bearer {TOKEN}"),)
    assert access.tls(login) is access.tls(login)
    assert TOKEN not in repr(access)
    assert TOKEN not in repr(login)


async def test_a_password_becomes_a_basic_login(tmp_path: Path) -> None:
    found = await headers_of(tmp_path, {"username": "me", "password": "secret"})
    assert found == [("Authorization", "Basic bWU6c2VjcmV0")]


async def test_flags_win_over_the_kubeconfig_when_impersonating(tmp_path: Path) -> None:
    user: dict[str, Any] = {"token": "t-1", "as": "a", "as-uid": "1", "as-groups": ["g"]}
    user |= {"as-user-extra": {"acme.com/Project": ["x", "y"]}}
    written = await headers_of(tmp_path, user)
    assert written[1:] == [
        ("Impersonate-User", "a"),
        ("Impersonate-Group", "g"),
        ("Impersonate-Uid", "1"),
        ("Impersonate-Extra-acme.com%2FProject", "x"),
        ("Impersonate-Extra-acme.com%2FProject", "y"),
    ]
    flags = Options(as_user="b", as_groups=("h", "i"), as_uid="2")
    told = await headers_of(tmp_path, user, flags)
    assert told[1:5] == [
        ("Impersonate-User", "b"),
        ("Impersonate-Group", "h"),
        ("Impersonate-Group", "i"),
        ("Impersonate-Uid", "2"),
    ]


@pytest.mark.parametrize(
    "options", [Options(as_groups=("g",)), Options(as_uid="1")], ids=["group", "uid"]
)
async def test_a_group_without_a_user_cannot_be_impersonated(
    tmp_path: Path, options: Options
) -> None:
    with pytest.raises(AccessError, match="add --as"):
        await headers_of(tmp_path, options=options)


async def test_a_header_cannot_be_slipped_in(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="control character"):
        await headers_of(tmp_path, options=Options(as_user="a\r\nX: y"))


@pytest.mark.parametrize("token", ["a b", "a\nb", " ", "é", "a\0b"])
async def test_a_token_that_is_none_is_refused(tmp_path: Path, token: str) -> None:
    with pytest.raises(AccessError, match="log in again"):
        await headers_of(tmp_path, {"token": token})


@pytest.mark.parametrize(
    ("server", "cluster", "found"),
    [
        ("https://a.example/", {}, "https://a.example"),
        ("https://a.example/k8s/c-1/", {}, "https://a.example/k8s/c-1"),
        ("http://localhost:8001", {}, "http://localhost:8001"),
        ("[::1]:6443", {"insecure_skip_tls_verify": True}, "https://[::1]:6443"),
        ("10.0.0.1:8080", {}, "http://10.0.0.1:8080"),
    ],
)
async def test_the_servers_url_is_read_as_kubectl_reads_it(
    tmp_path: Path, server: str, cluster: dict[str, Any], found: str
) -> None:
    access = await access_to(tmp_path, server, **cluster)
    assert access.server == found


@pytest.mark.parametrize(
    "server",
    ["ftp://a", "https://", "https://a:99999", "https://a b", "https://u:p@a", "https://a?b=c"],
)
async def test_a_server_that_is_no_url_is_refused(tmp_path: Path, server: str) -> None:
    with pytest.raises(AccessError, match="mend the kubeconfig") as caught:
        await access_to(tmp_path, server)
    assert "u:p" not in str(caught.value)


def files(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


async def test_a_client_certificate_is_shown(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        peer = request.transport.get_extra_info("peercert")
        return web.Response(text=peer["subject"][0][0][1])

    client = make("someone", authority())
    (tmp_path / "client.crt").write_bytes(client.pem)
    user = {
        "client-certificate": "client.crt",
        "client-key-data": base64.b64encode(client.key_pem()).decode(),
    }
    async with serving(answer, tmp_path) as server:
        before = files(tmp_path)
        access = await access_to(tmp_path, server.url, user)
        async with Transport.open(access, QUICK) as api:
            assert (await api.get("/version")).body == b"someone"
    assert files(tmp_path) - before == {"config"}


async def test_an_expired_client_certificate_is_named(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return status(401, "Unauthorized")

    client = make("someone", authority(), end=-timedelta(days=1))
    user = {
        "client-certificate-data": base64.b64encode(client.pem).decode(),
        "client-key-data": base64.b64encode(client.key_pem()).decode(),
    }
    async with (
        serving(answer, tmp_path, asks_for_certificates=False) as server,
        Transport.open(await access_to(tmp_path, server.url, user), QUICK) as api,
    ):
        with pytest.raises(ReadError, match="client certificate expired at 20"):
            await api.get("/version")


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ({"client-certificate-data": "eA=="}, "add client-key to"),
        ({"client-key-data": "eA=="}, "add client-certificate to"),
        ({"client-certificate-data": "eA==", "client-key-data": "eA=="}, "cannot be used"),
        ({"client-certificate": "gone.crt"}, "cannot read the client certificate"),
        ({"tokenFile": "gone"}, "cannot read the token file"),
        ({"auth-provider": {"name": "gcp"}}, "set up its exec plugin instead"),
    ],
)
async def test_a_login_that_cannot_be_made_says_what_to_do(
    tmp_path: Path, user: Any, words: str
) -> None:
    with pytest.raises(AccessError, match=words):
        await access_to(tmp_path, SERVER, user)


@pytest.mark.parametrize("password", [b"", b"secret"])
async def test_a_key_of_another_certificate_or_with_a_password_is_refused(
    tmp_path: Path, password: bytes
) -> None:
    one, other = make("one", authority()), make("other", authority())
    key = one if password else other
    user = {
        "client-certificate-data": base64.b64encode(one.pem).decode(),
        "client-key-data": base64.b64encode(key.key_pem(password)).decode(),
    }
    words = "cannot be used" if password else "do not belong together"
    with pytest.raises(AccessError, match=words):
        await access_to(tmp_path, SERVER, user)


@pytest.mark.parametrize("data", [b"", b"x", b"\xff\0"])
async def test_an_authority_that_is_none_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "ca.crt").write_bytes(data)
    files = {"certificate_authority": "ca.crt", "certificate_authority_data": ""}
    with pytest.raises(AccessError, match="holds no PEM certificate"):
        await access_to(tmp_path, SERVER, **files)


async def test_an_authority_may_have_comments_in_any_script(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes("# Zürich\n".encode() + authority().pem)
    files = {"certificate_authority": "ca.crt", "certificate_authority_data": ""}
    access = await access_to(tmp_path, SERVER, **files)
    context = access.tls(await access.credentials.current())
    assert context is not None
    assert len(context.get_ca_certs()) == 1


def test_a_name_is_known_without_logging_in(tmp_path: Path) -> None:
    user = {"exec": {"command": "no-such-plugin", "apiVersion": "x"}}
    assert context_name(Options(str(kubeconfig(tmp_path, SERVER, user)))) == "test"


def test_without_a_kubeconfig_it_is_said_where_one_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "gone"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(AccessError, match=r"gone does not exist; name one with --kubeconfig"):
        context_name(Options())


def test_asking_for_a_name_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from meshdoctor.collect.access import context_name;"
        "from types import SimpleNamespace as O;"
        "print(context_name(O(kubeconfig=sys.argv[1], context=None)));"
        "print(*sorted({'aiohttp', 'kubernetes', 'ssl', 'asyncio'} & set(sys.modules)))"
    )
    file = str(kubeconfig(tmp_path, SERVER))
    done = subprocess.run(
        [sys.executable, "-c", code, file], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["test"]


@pytest.fixture
def service_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from kubernetes.aio.config import incluster_config

    (tmp_path / "token").write_text("first-token")
    (tmp_path / "ca.crt").write_bytes(authority().pem)
    (tmp_path / "namespace").write_text("home\n")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "gone"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    return tmp_path


async def test_a_pod_uses_its_service_account(service_account: Path) -> None:
    access = await open_access(Options())
    assert (access.context, access.namespace) == ("in-cluster", "home")
    assert access.server == "https://[::1]:443"
    login = await access.credentials.current()
    assert access.headers(login) == (("Authorization", "Bearer first-token"),)
    (service_account / "token").write_text("second-token")
    newer = await access.credentials.renewed(login)
    assert newer is not None
    assert newer.authorization == "Bearer second-token"
    (service_account / "token").unlink()
    assert await access.credentials.renewed(newer) is None
    assert (await access.credentials.current()) == newer


async def test_a_pod_without_a_service_account_is_told(service_account: Path) -> None:
    (service_account / "token").unlink()
    with pytest.raises(AccessError, match="automountServiceAccountToken"):
        await open_access(Options())


async def test_a_context_that_is_named_is_not_the_pods(service_account: Path) -> None:
    with pytest.raises(AccessError, match="no kubeconfig"):
        await open_access(Options(context="prod"))
    assert (service_account / "token").exists()
