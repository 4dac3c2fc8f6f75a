"""An ``istioctl bug-report`` in the layouts of several versions, whole and in part."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from meshdoctor.imports.reading import read
from meshdoctor.model.diagnosis import Certainty
from meshdoctor.model.kinds import CONFIG_MAP, DESTINATION_RULE, EVENT, JOB, POD, SERVICE_ENTRY
from meshdoctor.model.not_read import ReadState
from meshdoctor.recording.reader import read_recording
from tests.unit.imports.archives import (
    RECORDINGS,
    SUBSET,
    bug_report,
    causes,
    diagnosed,
    folder,
    reasons,
    recorded,
    tar_gz,
)

if TYPE_CHECKING:
    from pathlib import Path

_CAUSE = [("subset-not-defined", "VirtualService shop/reviews")]


@pytest.mark.parametrize("minor", [20, 24, 29, 30])
def test_every_versions_layout_gives_the_root_cause(tmp_path: Path, minor: int) -> None:
    assert causes(tar_gz(tmp_path / "a.tar.gz", bug_report(recorded(), minor))) == _CAUSE


@pytest.mark.parametrize("root", ["", "bug-report/", "incident-7/logs/bug-report/"])
def test_its_root_folder_may_have_any_name_or_none(tmp_path: Path, root: str) -> None:
    assert causes(tar_gz(tmp_path / "a.tgz", bug_report(recorded(), root=root))) == _CAUSE


def test_it_may_be_unpacked(tmp_path: Path) -> None:
    assert causes(folder(tmp_path / "unpacked", bug_report(recorded()))) == _CAUSE


def test_the_archives_own_name_says_nothing(tmp_path: Path) -> None:
    assert causes(tar_gz(tmp_path / "cluster-info-dump", bug_report(recorded()))) == _CAUSE


@pytest.mark.parametrize(
    "name", ["healthy", "outlier-ejection", "mtls-conflict", "envoyfilter-rejected", "istiod-down"]
)
def test_it_says_of_other_faults_what_the_recording_says(tmp_path: Path, name: str) -> None:
    archive = tar_gz(tmp_path / "a.tar.gz", bug_report(recorded(name)))
    assert causes(archive) == causes(RECORDINGS / f"{name}.tar.gz")


def test_the_text_of_clusters_and_listeners_is_read_as_the_json_is(tmp_path: Path) -> None:
    whole = read_recording(RECORDINGS / f"{SUBSET}.tar.gz")
    made = read(tar_gz(tmp_path / "a.tar.gz", bug_report(recorded())))
    for name, proxy in whole.proxies.items():
        other = made.proxies[name]
        assert proxy.hosts is not None
        assert other.hosts is not None
        assert [cluster.name for cluster in other.hosts.clusters] == [
            cluster.name for cluster in proxy.hosts.clusters
        ]
        assert len(other.listeners or ()) == len(proxy.listeners or ())


def test_what_was_asked_for_and_is_empty_was_read(tmp_path: Path) -> None:
    catalog = read(tar_gz(tmp_path / "a.tar.gz", bug_report(recorded()))).catalog
    assert catalog.state(JOB) is ReadState.READ
    assert catalog.state(SERVICE_ENTRY) is ReadState.READ
    assert catalog.state(EVENT) is ReadState.READ


def test_without_the_custom_resources_only_what_proxies_tell_is_known(tmp_path: Path) -> None:
    files = bug_report(recorded())
    del files["bug-report/cluster/crs"]
    archive = tar_gz(tmp_path / "a.tar.gz", files)
    assert read(archive).catalog.state(DESTINATION_RULE) is ReadState.UNREAD
    (cause,) = diagnosed(archive).root_causes
    assert (cause.id, cause.certainty) == ("subset-not-defined", Certainty.LIKELY)
    assert diagnosed(archive).unknown


def test_of_included_namespaces_nothing_is_said_to_be_absent(tmp_path: Path) -> None:
    files = recorded("healthy")
    for path in [path for path in files if path.startswith("kubernetes/")]:
        document = json.loads(files[path])
        document["items"] = [
            item
            for item in document["items"]
            if item["metadata"].get("namespace") in (None, "shop", "pay")
        ]
        files[path] = json.dumps(document).encode()
    archive = tar_gz(tmp_path / "a.tar.gz", bug_report(files))
    assert read(archive).catalog.state(POD) is ReadState.UNREAD
    assert read(archive).catalog.state(DESTINATION_RULE) is ReadState.UNREAD
    assert not causes(archive)


def test_of_damaged_yaml_the_sound_objects_are_kept_and_doubted(tmp_path: Path) -> None:
    files = bug_report(recorded())
    place = "bug-report/cluster/k8s-resources"
    files[place] = files[place][: len(files[place]) // 2] + b'\n  "broken: [\n'
    snapshot = read(tar_gz(tmp_path / "a.tar.gz", files))
    assert snapshot.catalog.of(CONFIG_MAP)
    assert snapshot.catalog.state(CONFIG_MAP) is ReadState.UNREAD
    assert snapshot.catalog.state(POD) is ReadState.UNREAD
    assert "is damaged" in reasons(snapshot)["cluster/k8s-resources"]


def test_a_cut_archive_is_used_up_to_the_cut(tmp_path: Path) -> None:
    whole = tar_gz(tmp_path / "whole.tar.gz", bug_report(recorded())).read_bytes()
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(whole[: len(whole) * 2 // 3])
    snapshot = read(cut)
    assert snapshot.catalog.of(POD)
    assert snapshot.catalog.state(POD) is ReadState.UNREAD
    assert "ends early" in reasons(snapshot)["cut.tar.gz"]


def test_a_pod_whose_proxy_was_not_captured_is_listed(tmp_path: Path) -> None:
    files = {
        path: data for path, data in bug_report(recorded()).items() if "/shop/client" not in path
    }
    snapshot = read(tar_gz(tmp_path / "a.tar.gz", files))
    missing = [what for what in reasons(snapshot) if what.startswith("proxies/shop/client")]
    assert len(missing) == 1


def test_debug_files_that_were_dropped_are_listed(tmp_path: Path) -> None:
    files = {path: data for path, data in bug_report(recorded()).items() if "/debug/" not in path}
    told = reasons(read(tar_gz(tmp_path / "a.tar.gz", files)))
    assert [what for what in told if what.endswith("debug/syncz.json")]


def test_a_body_that_says_404_is_no_answer(tmp_path: Path) -> None:
    files = {
        path: b"404 page not found\n" if path.endswith("debug/syncz") else data
        for path, data in bug_report(recorded()).items()
    }
    told = reasons(read(tar_gz(tmp_path / "a.tar.gz", files)))
    assert [what for what, why in told.items() if "syncz" in what and "not valid JSON" in why]
