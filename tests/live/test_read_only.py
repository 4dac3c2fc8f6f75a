"""Whatever is asked of a cluster is on the documented list of reads, over every live command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from meshdoctor.serve.audit import reads_only

if TYPE_CHECKING:
    from pathlib import Path

    from meshdoctor.serve.audit import AuditedRequest
    from tests.live.played import Played

_NAME = r"[a-z0-9.-]+"
_WITHIN = rf"(?:/namespaces/{_NAME})?"
_LISTS = re.compile(rf"/(?:api/v1|apis/{_NAME}/v[0-9a-z]+){_WITHIN}/[a-z]+")
_OBJECTS = re.compile(rf"/api/v1/namespaces/{_NAME}/secrets/{_NAME}|/api/v1/namespaces/{_NAME}")
_LOGS = re.compile(rf"/api/v1/namespaces/{_NAME}/pods/{_NAME}/log")
_STREAMS = re.compile(rf"/api/v1/namespaces/{_NAME}/pods/{_NAME}/(portforward|exec)")
_SERVER = re.compile(rf"/version|/apis?(?:/{_NAME}(?:/v[0-9a-z]+)?)?")
_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_ADMIN = re.compile(
    r"/(?:config_dump\?include_eds=true|clusters\?format=json|listeners\?format=json|certs"
    r"|server_info|stats|ready|memory|version|metrics"
    r"|debug/(?:syncz|mesh|connections|push_status|authorizationz|instancesz|configz|registryz"
    r"|endpointz))"
)
COMMANDS = (
    "diagnose",
    "diagnose -o json -n shop --symptom 503",
    "diagnose --from deploy/client-v1 --to reviews",
    "open",
    "check",
    "check -o json -n shop",
    "proxy-status",
    "proxy-config cluster deploy/web-v1",
    "proxy-config listener deploy/web-v1",
    "proxy-config route deploy/web-v1",
    "proxy-config endpoint deploy/web-v1",
    "proxy-config secret deploy/web-v1",
    "istiod-logs",
    "webhooks",
    "namespaces",
    "record",
    "record --no-logs -n shop",
)


def _is_documented(request: AuditedRequest) -> bool:
    """Whether docs/rights.md says that it is asked."""
    path = request.path
    if request.method == "POST":
        return path == _REVIEW
    if request.method != "GET":
        return False
    stream = _STREAMS.fullmatch(path)
    if stream is not None:
        return _reads(request, stream[1])
    if path.endswith("/secrets"):
        # A list would hold all of them.
        return False
    return any(known.fullmatch(path) for known in (_LISTS, _OBJECTS, _LOGS, _SERVER))


def _reads(request: AuditedRequest, way: str) -> bool:
    if way == "exec":
        return reads_only(request.command) and bool(
            _ADMIN.fullmatch("/" + request.command[3].removeprefix("/"))
        )
    return len(request.ports) == 1 and all(
        one.method == "GET" and _ADMIN.fullmatch(one.path) for one in request.admin
    )


@pytest.mark.parametrize("way", ["portforward", "exec"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_only_reads(command: str, way: str, broken: Played, tmp_path: Path) -> None:
    arguments = command.split()
    if arguments[0] == "record":
        arguments += ["-o", str(tmp_path / "new.tar.gz")]
    if way == "exec":
        arguments.append("--no-port-forward")
    result = broken.run(*arguments)
    assert result.stdout
    audit = broken.server.audit
    assert len(audit.requests) > 40
    assert audit.writes() == ()
    assert [one for one in audit.requests if not _is_documented(one)] == []
    assert {one.user_agent.partition("/")[0] for one in audit.requests} == {"meshdoctor"}
    assert {one.impersonate for one in audit.requests} == {()}
    asked, avoided = (
        (broken.forwarded, broken.executed)
        if way == "portforward"
        else (broken.executed, broken.forwarded)
    )
    assert asked
    assert avoided == set()


def test_every_request_says_on_whose_behalf_it_is(broken: Played) -> None:
    broken.diagnose("--as", "jane", "--as-group", "viewers")
    said = {one.impersonate for one in broken.server.audit.requests}
    assert said == {(("Impersonate-User", "jane"), ("Impersonate-Group", "viewers"))}


def test_no_credential_is_in_what_a_command_says(broken: Played, tmp_path: Path) -> None:
    token = broken.server.token
    wanted = tmp_path / "recording"
    broken.server.faults.set("status:401:list:services")
    said = [broken.diagnose(), broken.run("check"), broken.run("record", "-o", str(wanted))]
    for result in said:
        assert token not in result.stdout + result.stderr
    files = [path for path in wanted.rglob("*") if path.is_file()]
    assert len(files) > 50
    assert not [path for path in files if token.encode() in path.read_bytes()]
