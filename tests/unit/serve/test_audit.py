from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from meshdoctor.serve.audit import AdminRequest, Audit, AuditedRequest, reads_only
from tests.unit.serve.stand_in import running, shop

if TYPE_CHECKING:
    from pathlib import Path

POD = "/api/v1/namespaces/shop/pods/web"


def entry(method: str, path: str, **more: object) -> AuditedRequest:
    return AuditedRequest(method, path, (), "", (), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "request_",
    [
        entry("GET", "/api/v1/pods"),
        entry("HEAD", "/api/v1/pods"),
        entry("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"),
        entry("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"),
        entry("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews"),
        entry("GET", f"{POD}/portforward", admin=(AdminRequest(15000, "GET", "/config_dump"),)),
        entry("POST", f"{POD}/portforward"),
        entry("GET", f"{POD}/exec", command=("pilot-agent", "request", "GET", "stats")),
        entry("GET", f"{POD}/exec", command=("pilot-discovery", "request", "GET", "/version")),
    ],
)
def test_reading_is_no_write(request_: AuditedRequest) -> None:
    assert not request_.is_write


@pytest.mark.parametrize(
    "request_",
    [
        entry("POST", "/api/v1/namespaces/shop/pods"),
        entry("PATCH", POD),
        entry("DELETE", POD),
        entry("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews"),
        entry("GET", f"{POD}/attach"),
        entry("GET", f"{POD}/exec"),
        entry("GET", f"{POD}/exec", command=("sh",)),
        entry("GET", f"{POD}/exec", command=("pilot-agent", "request", "POST", "logging")),
        entry("GET", f"{POD}/exec", command=("pilot-agent", "request", "GET", "x", "y")),
        entry("GET", f"{POD}/portforward", admin=(AdminRequest(15000, "POST", "/logging"),)),
        entry("GET", f"{POD}/portforward", admin=(AdminRequest(8080, "GET", "/adsz?push=1"),)),
    ],
)
def test_anything_else_is_a_write(request_: AuditedRequest) -> None:
    assert request_.is_write


def test_a_get_of_istiod_that_changes_it_is_no_reading() -> None:
    assert reads_only(("pilot-discovery", "request", "GET", "/debug/adsz"))
    assert not reads_only(("pilot-discovery", "request", "GET", "/debug/cachez?clear=x"))
    assert not reads_only(("pilot-discovery", "request", "GET", "/debug/force_disconnect"))


async def test_a_request_is_written_down_without_its_credentials(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    headers = {
        "Authorization": "Bearer s3cret-token",
        "Cookie": "session=s3cret-cookie",
        "User-Agent": "judge/1",
        "Impersonate-User": "alice",
    }
    audit = Audit(file)
    async with running(shop(), audit=audit) as server:
        url = f"{server.url}{POD}/log?container=app&tailLines=1"
        async with server.session.get(url, headers=headers) as answer:
            assert answer.status == 200
        async with server.session.post(f"{server.url}/api/v1/namespaces/shop/pods") as answer:
            assert answer.status == 200
    audit.close()
    read, written = audit.requests
    assert (read.method, read.path, read.status) == ("GET", f"{POD}/log", 200)
    assert read.query == (("container", "app"), ("tailLines", "1"))
    assert (read.user_agent, read.impersonate) == ("judge/1", (("Impersonate-User", "alice"),))
    assert audit.writes() == (written,)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["write"] for line in lines] == [False, True]
    assert "s3cret" not in file.read_text()
    assert "s3cret" not in repr(audit.requests)


async def test_a_request_that_is_not_answered_has_no_status() -> None:
    async with running(shop(), "reset:services") as server:
        with pytest.raises(OSError):
            await server.session.get(f"{server.url}/api/v1/services")
        assert {request.status for request in server.audit.requests} == {None}


async def test_what_was_asked_can_be_forgotten() -> None:
    async with running(shop()) as server:
        async with server.session.get(f"{server.url}{POD}/log"):
            pass
        server.audit.clear()
        assert server.audit.requests == ()


def test_memory_holds_the_newest_requests() -> None:
    audit = Audit(keep=2)
    numbers = [audit.begin(entry("GET", f"/{number}")) for number in range(3)]
    audit.update(numbers[0], status=200)
    audit.update(numbers[2], status=404)
    assert [(one.path, one.status) for one in audit.requests] == [("/1", None), ("/2", 404)]
