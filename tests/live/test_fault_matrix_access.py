"""Nothing can be read at all: one line on stderr that says what to do, exit code 2."""

from __future__ import annotations

import base64
import json
import re
import socket
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from meshdoctor.cli import run
from meshdoctor.serve.tls import make_tls
from tests.live.matrix import WITHIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.live.played import Played

Config = dict[str, Any]
_SHORT = ("--request-timeout", "1s")
_CREDENTIAL = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
pytestmark = pytest.mark.usefixtures("short_pauses")


@dataclass(frozen=True)
class Row:
    """A kubeconfig that is bent, or a server that is."""

    name: str
    said: str
    """What stderr says, as a regular expression."""
    bend: Callable[[Config], None] = lambda config: None
    faults: str = ""
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


def _cluster(config: Config) -> Config:
    found: Config = config["clusters"][0]["cluster"]
    return found


def _user(config: Config) -> Config:
    found: Config = config["users"][0]["user"]
    return found


def _set_cluster(**values: str) -> Callable[[Config], None]:
    return lambda config: _cluster(config).update(
        {key.replace("_", "-"): value for key, value in values.items()}
    )


def _untrusted(config: Config) -> None:
    other = base64.b64encode(make_tls("127.0.0.1").ca_pem).decode()
    _cluster(config)["certificate-authority-data"] = other


def _ca_file(config: Config) -> None:
    del _cluster(config)["certificate-authority-data"]
    _cluster(config)["certificate-authority"] = "/nowhere/ca.crt"


def _plugin(*command: str, **more: Any) -> Callable[[Config], None]:
    def bend(config: Config) -> None:
        _user(config).clear()
        first, *rest = command
        version = {"apiVersion": _CREDENTIAL["apiVersion"], "interactiveMode": "Never"}
        _user(config)["exec"] = {"command": first, "args": rest, **version, **more}

    return bend


def _without(*keys: str) -> Callable[[Config], None]:
    def bend(config: Config) -> None:
        for key in keys:
            del config[key]

    return bend


def _python(code: str) -> tuple[str, str, str]:
    return sys.executable, "-c", code


_REFUSED = _CREDENTIAL | {"status": {"token": "nobody-knows-it"}}
LOGIN = (
    Row(
        "a wrong token",
        r"does not accept the login of context healthy \(Unauthorized\): log in again",
        lambda config: _user(config).update(token="wrong-token"),
    ),
    Row("no credentials at all", "does not accept the login", lambda c: _user(c).clear()),
    Row("401 for everything", "does not accept the login", faults="status:401:*"),
    Row(
        "a plugin that is not installed",
        'the credential plugin "no-such-plugin" was not found; install it: brew install it',
        _plugin("no-such-plugin", installHint="brew install it"),
    ),
    Row(
        "a plugin that fails",
        r"the credential plugin .* failed \(exit code 3\): session expired",
        _plugin(*_python("import sys; print('session expired', file=sys.stderr); sys.exit(3)")),
    ),
    Row(
        "a plugin that hangs",
        r"the time was up \(1s\) before one was logged in",
        _plugin(*_python("import time; time.sleep(60)")),
        options=("--timeout", "1s"),
    ),
    Row(
        "a plugin that prints no JSON",
        "the credential plugin .* printed no JSON; run it yourself",
        _plugin(*_python("print('Please log in at https://…')")),
    ),
    Row(
        "a plugin whose token is refused",
        "does not accept the login",
        _plugin(*_python(f"print({json.dumps(json.dumps(_REFUSED))})")),
    ),
)
KUBECONFIG = (
    Row(
        "no current context", "no current context in .*; choose one of", _without("current-context")
    ),
    Row(
        "a context that is not there",
        'no context "staging" in .*; there are: healthy',
        options=("--context", "staging"),
    ),
    Row(
        "a cluster that is not there",
        'context "healthy" names cluster "healthy", which is not in',
        _without("clusters"),
    ),
    Row("a user that is not there", 'names user "meshdoctor", which is not in', _without("users")),
    Row(
        "contexts that are no list", "contexts in .* is not a list", lambda c: c.update(contexts=1)
    ),
    Row("a CA file that is missing", r"/nowhere/ca\.crt", _ca_file),
    Row("a URL that is none", "is no http or https URL", _set_cluster(server="ftp://cluster")),
)
REACH = (
    Row(
        "a certificate that is not trusted",
        "is not trusted: .*; check certificate-authority in the kubeconfig",
        _untrusted,
    ),
    Row(
        "a certificate for another name",
        "is for another name: .*; set tls-server-name",
        _set_cluster(tls_server_name="api.example.com"),
    ),
    Row(
        "a host that nobody knows",
        r"the host of https://nowhere\.invalid:6443 is not known",
        _set_cluster(server="https://nowhere.invalid:6443"),
    ),
    Row(
        "HTTP to a port that speaks TLS",
        "http://127.0.0.1:.* (closed the connection before it had answered|did not answer in HTTP)",
        lambda c: _cluster(c).update(server=_cluster(c)["server"].replace("https", "http")),
    ),
    Row(
        "a proxy that is not there",
        "cannot connect to the proxy",
        _set_cluster(proxy_url="http://127.0.0.1:9"),
    ),
    Row("429 for everything", "answers: Too many requests", faults="status:429:*"),
    Row("503 for everything", "answers: the server is currently unable", faults="status:503:*"),
    Row("500 for ever", "answers: Internal error occurred", faults="status:500:*"),
    Row("every connection reset", "closed the connection before it had answered", faults="reset:*"),
    Row("every answer cut short", "was cut short", faults="truncate:*"),
    Row(
        "no answer", "no whole answer from https://.* within 1s", faults="silent:*", options=_SHORT
    ),
    Row(
        "no answer before the time is up",
        r"the time was up \(1s\) before https://127\.0\.0\.1:\d+ answered",
        faults="silent:*",
        options=("--timeout", "1s"),
    ),
    Row(
        "an answer that drips",
        "no whole answer from .* within 1s",
        faults="drip:/version:bytes=1:every=200ms",
        options=_SHORT,
    ),
)
ROWS = (*LOGIN, *KUBECONFIG, *REACH)


@pytest.fixture
def bent(tmp_path: Path, healthy: Played) -> Callable[[Row], Path]:
    """The healthy mesh's kubeconfig as a row bends it."""

    def write(row: Row) -> Path:
        healthy.server.faults.set(*row.faults.split())
        config = yaml.safe_load(healthy.kubeconfig.read_text())
        row.bend(config)
        path = tmp_path / "bent"
        path.write_text(yaml.safe_dump(config))
        return path

    return write


def _one_line(row: Row, stderr: str) -> None:
    lines = stderr.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("meshdoctor: ")
    assert re.search(row.said, lines[0]), lines[0]


def _ends(arguments: tuple[str, ...], path: Path) -> int:
    began = monotonic()
    code = run([*arguments, "--kubeconfig", str(path)])
    assert monotonic() - began < WITHIN
    return code


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_one_line_says_why_nothing_can_be_read(
    row: Row, bent: Callable[[Row], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _ends(("diagnose", "-o", "json", *row.options), bent(row)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    _one_line(row, said.err)


@pytest.mark.parametrize("row", [LOGIN[0], LOGIN[5], KUBECONFIG[1], REACH[0], REACH[5]], ids=str)
def test_no_recording_is_left_of_a_cluster_that_cannot_be_read(
    row: Row, bent: Callable[[Row], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = tmp_path / "new.tar.gz"
    assert _ends(("record", "-o", str(wanted), *row.options), bent(row)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    _one_line(row, said.err)
    assert [path.name for path in tmp_path.iterdir()] == ["bent"]


@pytest.mark.parametrize("row", [LOGIN[0], KUBECONFIG[0], REACH[0]], ids=str)
@pytest.mark.parametrize(
    "command",
    ["proxy-status", "namespaces", "webhooks", "istiod-logs", "proxy-config cluster deploy/web-v1"],
)
def test_every_view_says_the_same(
    command: str, row: Row, bent: Callable[[Row], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _ends((*command.split(), *row.options), bent(row)) == 2
    _one_line(row, capsys.readouterr().err)


@pytest.mark.parametrize("row", [LOGIN[0], REACH[0], REACH[2], REACH[10]], ids=str)
def test_check_says_it_as_its_first_finding(
    row: Row, bent: Callable[[Row], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _ends(("check", "-o", "json", *row.options), bent(row)) == 1
    said = capsys.readouterr()
    assert said.err == ""
    report = json.loads(said.out)
    results = [one for category in report["categories"] for one in category["checks"]]
    assert re.search(row.said, results[0]["message"])
    assert {one["result"] for one in results} == {"error", "skipped"}


@pytest.mark.parametrize("row", [LOGIN[0], LOGIN[2]], ids=str)
def test_a_refused_login_is_not_tried_again_and_again(
    row: Row, bent: Callable[[Row], Path], healthy: Played
) -> None:
    for command in ("diagnose", "check"):
        path = bent(row)
        healthy.server.audit.clear()
        _ends((command,), path)
        assert healthy.asked == ["GET /version"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clusters: [", "is not YAML: .* in line 2; mend it"),
        ("just words", "is no kubeconfig: it holds no mapping"),
        ("", "no current context in .*, and none to choose: write one"),
        ("\x00\x01", "is not YAML"),
    ],
)
def test_a_file_that_is_no_kubeconfig_is_named(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    assert _ends(("diagnose",), path) == 2
    _one_line(Row("", said), capsys.readouterr().err)


def test_a_file_that_is_missing_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _ends(("diagnose",), tmp_path / "nowhere") == 2
    _one_line(Row("", f"there is no kubeconfig {tmp_path}/nowhere"), capsys.readouterr().err)


@contextmanager
def _listening(answer: bytes | None) -> Iterator[int]:
    """A port of this machine: nobody behind it, or somebody who says this and goes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if answer is None:
            server.close()
            yield port
            return
        thread = threading.Thread(target=_answer, args=(server, answer), daemon=True)
        thread.start()
        try:
            yield port
        finally:
            # A close alone does not wake whoever waits in accept.
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def _answer(server: socket.socket, answer: bytes) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            try:
                connection.recv(65536)
                connection.sendall(answer)
            except OSError:
                continue


@pytest.mark.parametrize(
    ("scheme", "answer", "said"),
    [
        ("https", None, "cannot connect to https://127.0.0.1:.*: connection refused"),
        ("http", None, "cannot connect to http://127.0.0.1:.*: connection refused"),
        ("https", b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS: should its URL begin"),
        ("http", b"220 mail.example.com ESMTP\r\n", "did not answer in HTTP: is its URL right"),
        ("http", b"", "closed the connection before it had answered"),
        ("http", b"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n", "a redirect is not followed"),
    ],
)
def test_who_is_no_api_server_is_told_from_one_that_is_away(
    scheme: str,
    answer: bytes | None,
    said: str,
    bent: Callable[[Row], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    with _listening(answer) as port:
        row = replace(
            KUBECONFIG[0], said=said, bend=_set_cluster(server=f"{scheme}://127.0.0.1:{port}")
        )
        assert _ends(("diagnose", *_SHORT), bent(row)) == 2
    _one_line(row, capsys.readouterr().err)
