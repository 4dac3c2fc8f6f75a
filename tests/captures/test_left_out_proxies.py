"""Proxies left out on purpose (a scope, a sample): the same answer or unknown, never another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.diagnose.object_names import namespace_of
from meshdoctor.exit_codes import ExitCode
from meshdoctor.model.diagnosis import Scope
from meshdoctor.model.not_read import NotRead, NotReadStatus
from meshdoctor.model.snapshot import Snapshot
from meshdoctor.recording.reader import read_recording
from meshdoctor.report.verdict import exit_code
from tests.captures.editing import unknown_ids
from tests.captures.sharing import alternately, one_in
from tests.captures.test_every_capture import _EXPECTED, _HEALTHY, _KNOWN, capture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.diagnosis import Diagnosis, RootCause


def keeping(mesh: Snapshot, kept: set[str], *, told: bool = False) -> Snapshot:
    """The same moment, with these proxies alone; whether it is told that the others are missing."""
    proxies = mesh.proxies.values()
    missing = [NotRead(p.source, NotReadStatus.FAILED, "-") for p in proxies if p.id not in kept]
    return Snapshot.build(
        mesh.about,
        mesh.catalog,
        mesh.istiods,
        [proxy for proxy in proxies if proxy.id in kept],
        [*mesh.not_read, *(missing if told else ())],
    )


def at_both_ends(mesh: Snapshot, cause: RootCause) -> set[str]:
    """Proxies of those who suffer, and of what they call."""
    sources = {item.source for item in cause.affected}
    names = {item.to.partition(".")[0] for item in cause.affected if item.to}
    return {
        proxy.id
        for proxy in mesh.proxies.values()
        if mesh.caller(proxy) in sources or proxy.pod.startswith(tuple(f"{n}-" for n in names))
    }


def selections(mesh: Snapshot, found: Diagnosis) -> Iterator[tuple[str, set[str]]]:
    """Which proxies may be read, by what a person asked for."""
    for namespace in sorted({proxy.namespace for proxy in mesh.proxies.values()}):
        yield f"-n {namespace}", {p.id for p in mesh.proxies.values() if p.namespace == namespace}
    for cause in found.root_causes:
        yield "--from --to", at_both_ends(mesh, cause)
    yield "a sample", set(sorted(mesh.proxies)[::2])
    yield "no proxy at all", set()


_SERVER_DECIDED = ("authorizationpolicy-", "jwt-", "jwks-", "requestauthentication-")
"""Beginnings of the causes that the server's own proxy tells."""
_REFUSED_ONCE = {"jwt-missing-token"}
"""Where a caller in the mesh was refused a single time: no more than an accident to its proxy."""


@pytest.mark.usefixtures("captures_root", "no_network")
class TestLeftOut:
    @pytest.mark.parametrize(("name", "told"), one_in(3, alternately(_KNOWN)))
    def test_the_answer_is_the_same_or_unknown(self, name: str, told: bool) -> None:
        mesh = read_recording(capture(name))
        expected = _EXPECTED[name]
        wrong = []
        for asked, kept in selections(mesh, diagnose(mesh)):
            found = diagnose(keeping(mesh, kept, told=told))
            ids = [cause.id for cause in found.root_causes]
            same = (
                ids == [expected["root_cause"]]
                and found.root_causes[0].objects[0] in expected["objects"]
            )
            honest = not ids and expected["root_cause"] in unknown_ids(found)
            if not (same or honest) or exit_code(found) is ExitCode.OK:
                wrong.append((asked, ids, sorted(unknown_ids(found))))
        assert wrong == []

    @pytest.mark.parametrize("name", sorted({*_KNOWN} - _REFUSED_ONCE))
    def test_whoever_asks_about_a_namespace_hears_of_what_hurts_there(self, name: str) -> None:
        mesh = read_recording(capture(name))
        expected = _EXPECTED[name]["root_cause"]
        (cause,) = diagnose(mesh).root_causes
        sources = (namespace_of(item.source) for item in cause.affected if item.source)
        for namespace in sorted({namespace_of(cause.objects[0]), *sources} - {""}):
            read = {namespace, "istio-system"}
            kept = {proxy.id for proxy in mesh.proxies.values() if proxy.namespace in read}
            if expected.startswith(_SERVER_DECIDED) and not any(
                mesh.proxies[proxy].namespace == namespace for proxy in kept
            ):
                # Callers without a proxy write no log: only the server's tells of a refusal.
                continue
            found = diagnose(keeping(mesh, kept), Scope(namespaces=(namespace,)))
            ids = [cause.id for cause in found.root_causes]
            # A refusal is decided where the server is; elsewhere it is at least no silence.
            assert ids == [expected] or (
                not ids and (expected in unknown_ids(found) or exit_code(found) is not ExitCode.OK)
            ), namespace

    @pytest.mark.parametrize("name", _HEALTHY)
    def test_a_healthy_mesh_has_no_root_cause_whatever_is_left_out(self, name: str) -> None:
        mesh = read_recording(capture(name))
        for _, kept in selections(mesh, diagnose(mesh)):
            assert diagnose(keeping(mesh, kept)).root_causes == ()

    @pytest.mark.parametrize("name", _HEALTHY)
    @pytest.mark.parametrize("namespace", ["shop", "pay"])
    def test_a_namespace_that_was_read_whole_is_healthy_by_itself(
        self, name: str, namespace: str
    ) -> None:
        mesh = read_recording(capture(name))
        kept = {proxy.id for proxy in mesh.proxies.values() if proxy.namespace == namespace}
        found = diagnose(keeping(mesh, kept), Scope(namespaces=(namespace,)))
        assert (found.unknown, exit_code(found)) == ((), ExitCode.OK)

    def test_a_caller_outside_the_mesh_hears_that_nobody_knows_who_is_refused(self) -> None:
        mesh = read_recording(capture("strict-server-plaintext-client"))
        found = diagnose(keeping(mesh, set()), Scope(namespaces=("legacy",)))
        assert "plaintext-client-to-strict-server" in unknown_ids(found)
        assert exit_code(found) is ExitCode.UNREAD
