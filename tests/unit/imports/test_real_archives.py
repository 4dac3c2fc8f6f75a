"""The archives that istioctl and kubectl made of one mesh, in which a subset is not defined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.imports.reading import read
from meshdoctor.model.diagnosis import Certainty
from meshdoctor.model.kinds import POD, SECRET, VIRTUAL_SERVICE
from meshdoctor.model.not_read import ReadState
from tests.unit.imports.archives import causes, diagnosed, reasons

if TYPE_CHECKING:
    from pathlib import Path

_CAUSE = [("subset-not-defined", "VirtualService shop/reviews")]


def test_a_bug_report_proves_the_root_cause(archives_root: Path) -> None:
    found = diagnosed(archives_root / "subset-undefined.bug-report.tar.gz")
    assert [(cause.id, cause.objects[0]) for cause in found.root_causes] == _CAUSE
    assert found.root_causes[0].certainty is Certainty.PROVEN
    assert found.proxies_read == found.proxies_total == 7
    # Of Secrets a bug-report has only the names.
    assert {item.what for item in found.required_unread} <= {SECRET.input}


def test_a_bug_report_says_its_versions_and_its_time(archives_root: Path) -> None:
    snapshot = read(archives_root / "subset-undefined.bug-report.tar.gz")
    about = snapshot.about
    assert (about.kubernetes, about.istio) == ("v1.33.13", "1.32.0-dev")
    assert f"{about.captured_at:%Y-%m-%dT%H:%M}" == "2026-11-21T08:50"
    assert "newest time stands for now" in reasons(snapshot)["captured_at"]


def test_files_of_kubectl_get_name_the_root_cause_without_proof(archives_root: Path) -> None:
    path = archives_root / "subset-undefined.kubectl-get.yaml.gz"
    assert causes(path) == _CAUSE
    found = diagnosed(path)
    assert found.root_causes[0].certainty is Certainty.LIKELY
    assert found.unknown


def test_a_cluster_info_dump_leaves_it_unknown(archives_root: Path) -> None:
    path = archives_root / "subset-undefined.cluster-info-dump.tar.gz"
    found, snapshot = diagnosed(path), read(path)
    assert not found.root_causes
    assert "subset-not-defined" in {item.id for item in found.unknown}
    assert snapshot.catalog.state(VIRTUAL_SERVICE) is ReadState.UNREAD
    # The dump is of four namespaces: no pod may be said to be absent.
    assert snapshot.catalog.state(POD) is ReadState.UNREAD
    assert len(snapshot.catalog.of(POD)) == 10
    assert all(proxy.log is not None for proxy in snapshot.proxies.values())


def test_one_proxys_configuration_tells_of_a_route_without_its_cluster(archives_root: Path) -> None:
    path = archives_root / "subset-undefined.proxy-config-client.json.gz"
    found, snapshot = diagnosed(path), read(path)
    assert list(snapshot.proxies) == ["client-v1-677cd55fb4-2wpps.shop"]
    (cause,) = found.root_causes
    assert (cause.id, cause.certainty) == ("subset-not-defined", Certainty.LIKELY)
    assert cause.objects == ("VirtualService shop/reviews", "DestinationRule shop/reviews")
    assert "service-selector-mismatch" in {item.id for item in found.unknown}
