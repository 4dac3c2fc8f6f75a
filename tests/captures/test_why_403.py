"""Why 403 against every capture: refusals are explained, and identities are those of the logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from meshdoctor.analyze.authorization_callers import client_of, request_of, server_port
from meshdoctor.analyze.authorization_denials import refused_by
from meshdoctor.intent.authorization import Access, decide
from meshdoctor.intent.authorization_request import Request, Seen
from meshdoctor.model.pod import is_gateway
from meshdoctor.recording.reader import read_recording
from meshdoctor.views import refused_requests, why_403_rows
from meshdoctor.views.caller_identity import identity_seen
from tests.captures.test_every_capture import _EXPECTED, capture
from tests.captures.test_mtls_matrix import compared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_REFUSING = (
    "authz-empty-policy-denies-all",
    "authz-principal-without-mtls",
    "authz-principal-wrong",
    "jwt-missing-token",
)
_LET_IN = sorted(
    name for name, said in _EXPECTED.items() if "authz" not in name and "jw" not in name
)


@pytest.mark.usefixtures("captures_root", "no_network")
@pytest.mark.parametrize("name", _REFUSING)
def test_every_refusal_is_explained_by_the_policy_at_fault_and_one_of_its_fields(
    name: str,
) -> None:
    found = refused_requests.rows(read_recording(capture(name)))
    assert found
    for row in found:
        assert row.why.decision.access is Access.DENIED
        assert row.policies & set(_EXPECTED[name]["objects"])
        assert [item.matches for item in why_403_rows.rows(row.why) if item.is_reason] == ["no"]


@pytest.mark.usefixtures("captures_root", "no_network")
@pytest.mark.parametrize("name", _LET_IN)
def test_where_no_policy_refuses_no_request_is_shown(name: str) -> None:
    assert refused_requests.rows(read_recording(capture(name))) == ()


def told(mesh: Snapshot) -> Iterator[tuple[Resource, Resource, int, Request]]:
    """Calls made since the deciding objects were, with the identity that the server's log shows."""
    for sight, _ in compared(mesh):
        proxy = mesh.proxy_of(sight.server)
        port = server_port(sight.entry)
        if sight.cluster or proxy is None or port is None or is_gateway(sight.server):
            continue
        assert sight.entry.time is not None
        client = client_of(mesh, sight.entry, sight.entry.time)
        if client is not None and sight.entry.is_inbound:
            seen = request_of(mesh, proxy, sight.server, sight.entry, client)
            yield client, sight.server, port, seen


@pytest.mark.usefixtures("captures_root", "no_network")
@pytest.mark.parametrize("name", sorted(_EXPECTED))
def test_the_identity_that_objects_promise_is_the_one_that_the_log_shows(name: str) -> None:
    mesh = read_recording(capture(name))
    for client, server, port, seen in told(mesh):
        promised = identity_seen(mesh, client, server, port, Request())
        assert promised.principal == seen.principal, (str(client), str(server), promised.how)


@pytest.mark.usefixtures("captures_root", "no_network")
@pytest.mark.parametrize("name", _REFUSING[:3])
def test_the_policies_decide_as_the_log_shows(name: str) -> None:
    mesh = read_recording(capture(name))
    wanted = {True: Access.DENIED, False: Access.ALLOWED}
    judged = 0
    for sight, _ in compared(mesh):
        if sight.cluster or not sight.entry.is_inbound:
            continue
        proxy = mesh.proxy_of(sight.server)
        assert proxy is not None
        request = request_of(mesh, proxy, sight.server, sight.entry, sight.client)
        assert request.principal is not Seen.UNKNOWN
        refused = refused_by(sight.entry) is not None
        assert decide(mesh, sight.server, request).access is wanted[refused]
        judged += 1
    assert judged
