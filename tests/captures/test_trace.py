"""The walk of a request against what the clients' own logs show, over every capture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.trace_accuracy import (
    ALL_PAIRS,
    FAILING_PAIRS,
    INTENT_FAILING,
    INTENT_PAIRS,
    capture_paths,
    mean_size,
    pairs_of,
    percent_right,
)
from meshdoctor.model.evidence import excerpt_of, resolve_pointer
from meshdoctor.model.kinds import POD
from meshdoctor.model.trace import Basis, Place, Request
from meshdoctor.recording.archive import open_archive
from meshdoctor.recording.reader import read_recording
from meshdoctor.trace.walk import walk
from tests.captures.editing import Copy, copy_of
from tests.captures.merging import merge
from tests.captures.renaming import write_renamed
from tests.captures.test_every_capture import capture

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.trace_accuracy import Pair
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Walk

_TIGHT = 1.3
"""Outcomes of a prediction, on average: to predict everything is worth nothing."""
_RENAMED = [
    "app-listens-on-localhost",
    "authz-principal-wrong",
    "dr-san-mismatch",
    "fault-injection-left-on",
    "network-policy-blocks",
    "sidecar-egress-too-narrow",
    "strict-server-dr-disable",
    "wrong-target-port",
]


@pytest.fixture(scope="module")
def both(captures_root: Path) -> tuple[list[Pair], list[Pair]]:
    """Every pair, walked through the proxies and by the objects alone."""
    held: list[Pair] = []
    asked: list[Pair] = []
    for path in capture_paths(captures_root, []):
        name, mesh = path.name.removesuffix(".tar.gz"), read_recording(path)
        held += pairs_of(name, mesh)
        asked += pairs_of(name, mesh, intent=True)
    return held, asked


@pytest.fixture(scope="module")
def pairs(both: tuple[list[Pair], list[Pair]]) -> list[Pair]:
    return both[0]


@pytest.fixture(scope="module")
def asked(both: tuple[list[Pair], list[Pair]]) -> list[Pair]:
    return both[1]


def from_client(mesh: Snapshot, host: str, path: str = "/") -> Walk:
    client = next(pod for pod in mesh.catalog.of(POD) if pod.labels.get("app") == "client")
    return walk(mesh, Request(client=client, host=host, port=8080, path=path, has_token=None))


@pytest.mark.timeout(300)
class TestAccuracy:
    def test_pairs_are_predicted(self, pairs: list[Pair]) -> None:
        assert len(pairs) > 100
        assert percent_right(pairs) >= ALL_PAIRS

    def test_failing_pairs_are_predicted(self, pairs: list[Pair]) -> None:
        failing = [pair for pair in pairs if pair.fails]
        assert len(failing) > 20
        assert percent_right(failing) >= FAILING_PAIRS

    def test_a_prediction_is_not_of_everything(self, pairs: list[Pair]) -> None:
        assert mean_size(pairs) <= _TIGHT

    def test_every_failure_names_an_object(self, pairs: list[Pair]) -> None:
        nameless = [
            (pair.capture, pair.key.host)
            for pair in pairs
            for outcome in pair.walked.outcomes
            if outcome.is_failure and not outcome.objects
        ]
        assert nameless == []


@pytest.mark.timeout(300)
class TestIntentAccuracy:
    def test_pairs_are_predicted_by_the_objects_alone(self, asked: list[Pair]) -> None:
        assert len(asked) > 100
        assert percent_right(asked) >= INTENT_PAIRS

    def test_failing_pairs_are_predicted_by_the_objects_alone(self, asked: list[Pair]) -> None:
        failing = [pair for pair in asked if pair.fails]
        assert len(failing) > 20
        assert percent_right(failing) >= INTENT_FAILING

    def test_what_is_missed_is_what_only_proxies_know(self, asked: list[Pair]) -> None:
        missed = {pair.capture for pair in asked if not pair.is_right}
        # An ejected host, and endpoints that a proxy with an old root cannot be told of.
        assert missed <= {"outlier-ejection", "root-ca-rotated-under-workloads"}

    def test_a_prediction_is_not_of_everything(self, asked: list[Pair]) -> None:
        assert mean_size(asked) <= _TIGHT

    def test_every_hop_rests_on_the_objects_and_no_proxy_is_quoted(self, asked: list[Pair]) -> None:
        hops = [hop for pair in asked for hop in pair.walked.hops]
        assert {hop.basis for hop in hops} == {Basis.INTENT}
        sources = {item.source for hop in hops for item in hop.evidence}
        assert [source for source in sources if source.startswith("proxies/")] == []

    def test_every_failure_names_an_object(self, asked: list[Pair]) -> None:
        nameless = [
            (pair.capture, pair.key.host)
            for pair in asked
            for outcome in pair.walked.outcomes
            if outcome.is_failure and not outcome.objects
        ]
        assert nameless == []


@pytest.mark.usefixtures("captures_root", "no_network")
class TestIntentWalk:
    @pytest.mark.parametrize("name", _RENAMED)
    def test_other_names_and_ports_change_nothing(self, name: str, tmp_path: Path) -> None:
        write_renamed(name, tmp_path, ports=True)
        found = list(pairs_of(name, Copy(tmp_path).mesh, intent=True))
        assert [pair.key for pair in found if not pair.is_right] == []
        assert any(pair.fails for pair in found)

    @pytest.mark.parametrize(
        ("name", "host"),
        [("subset-undefined", "reviews"), ("strict-server-dr-disable", "payments.pay")],
    )
    def test_a_client_that_was_not_read_ends_as_the_one_that_was(
        self, name: str, host: str, tmp_path: Path
    ) -> None:
        before = from_client(read_recording(capture(name)), host)
        copy = copy_of(name, tmp_path)
        copy.remove("proxies/*/*/config_dump.json")
        after = from_client(copy.mesh, host)
        assert [(o.status, o.flags) for o in after.outcomes] == [
            (o.status, o.flags) for o in before.outcomes
        ]
        assert after.is_known

    @pytest.mark.parametrize(
        ("name", "host"),
        [
            ("healthy", "ratings"),
            ("subset-undefined", "reviews"),
            ("strict-server-dr-disable", "payments.pay"),
            ("authz-principal-wrong", "payments.pay"),
            ("network-policy-blocks", "payments.pay"),
        ],
    )
    def test_every_piece_of_evidence_resolves_to_its_excerpt(self, name: str, host: str) -> None:
        mesh = read_recording(capture(name))
        client = next(pod for pod in mesh.catalog.of(POD) if pod.labels.get("app") == "client")
        asked = Request(client=client, host=host, port=8080, has_token=None)
        found = walk(mesh, asked, intent_only=True)
        files = {entry.path: entry.data for entry in open_archive(capture(name)).entries()}
        pieces = [item for hop in found.hops for item in hop.evidence]
        assert pieces
        for item in pieces:
            value = resolve_pointer(json.loads(files[item.source]), item.pointer or "")
            assert excerpt_of(value) == item.excerpt


@pytest.mark.usefixtures("captures_root", "no_network")
class TestWalk:
    @pytest.mark.parametrize("name", _RENAMED)
    def test_other_names_and_ports_change_nothing(self, name: str, tmp_path: Path) -> None:
        write_renamed(name, tmp_path, ports=True)
        found = list(pairs_of(name, Copy(tmp_path).mesh))
        assert [pair.key for pair in found if not pair.is_right] == []
        assert any(pair.fails for pair in found)

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ("subset-undefined", "network-policy-blocks"),
            ("authz-principal-wrong", "fault-injection-left-on"),
        ],
    )
    def test_two_faults_in_one_mesh_are_predicted_each(
        self, first: str, second: str, tmp_path: Path
    ) -> None:
        merge(first, second, tmp_path)
        found = list(pairs_of(f"{first} and {second}", Copy(tmp_path).mesh))
        assert [pair.key for pair in found if not pair.is_right] == []
        assert len({pair.key.proxy for pair in found if pair.fails}) == 2

    @pytest.mark.parametrize(
        ("name", "host"), [("authz-principal-wrong", "payments.pay"), ("healthy", "reviews")]
    )
    def test_access_logs_are_never_asked(self, name: str, host: str, tmp_path: Path) -> None:
        copy = copy_of(name, tmp_path)
        before = from_client(copy.mesh, host)
        copy.silence("proxies/*/*/istio-proxy.log")
        after = from_client(copy.mesh, host)
        assert all(not proxy.log.access for proxy in copy.mesh.proxies.values() if proxy.log)
        assert (before.hops, before.outcomes) == (after.hops, after.outcomes)

    @pytest.mark.parametrize(
        ("name", "host"),
        [
            ("strict-server-dr-disable", "payments.pay"),
            ("subset-undefined", "reviews"),
            ("outlier-ejection", "reviews"),
            ("jwt-missing-token", "payments.pay"),
            ("network-policy-blocks", "payments.pay"),
        ],
    )
    def test_every_piece_of_evidence_resolves_to_its_excerpt(self, name: str, host: str) -> None:
        found = from_client(read_recording(capture(name)), host)
        files = {entry.path: entry.data for entry in open_archive(capture(name)).entries()}
        pieces = [item for hop in found.hops for item in hop.evidence]
        pieces += [item for difference in found.differences for item in difference.evidence]
        assert pieces
        for item in pieces:
            value = resolve_pointer(json.loads(files[item.source]), item.pointer or "")
            assert excerpt_of(value) == item.excerpt

    def test_a_server_s_proxy_that_was_not_read_gives_way_to_its_objects(
        self, tmp_path: Path
    ) -> None:
        copy = copy_of("strict-server-dr-disable", tmp_path)
        copy.remove("proxies/pay/*/*.json")
        found = from_client(copy.mesh, "payments.pay", "/pay")
        assert [(o.status, o.flags) for o in found.outcomes] == [(503, ("UC",))]
        server = [hop for hop in found.hops if hop.place is Place.SERVER_PROXY]
        assert server
        assert all(hop.basis is Basis.INTENT for hop in server)
        assert [gap.decisive for gap in found.unknown] == [False]

    def test_a_stale_proxy_is_told_with_the_age_of_its_configuration(self) -> None:
        found = from_client(read_recording(capture("xds-blocked")), "ratings")
        assert found.differences
        assert all(item.age is not None and item.age > 20 for item in found.differences)
        fine = from_client(read_recording(capture("xds-blocked")), "web")
        assert fine.differences == ()
