"""Every recording three times: from its file, served and read live, and recorded anew."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.live.options import ClusterOptions, LiveOptions
from meshdoctor.live.source import LiveSource
from meshdoctor.recording.archive import open_archive
from meshdoctor.recording.reader import read_recording
from meshdoctor.resources import bundled_recordings
from meshdoctor.serve.thread import serving
from meshdoctor.session import Session
from meshdoctor.source import Silence
from tests.captures.sharing import one_in
from tests.conftest import shared_folder
from tests.planted_secrets import plant_everywhere, surviving

if TYPE_CHECKING:
    from pathlib import Path

    from meshdoctor.model.diagnosis import Diagnosis

_ROOT = shared_folder("MESHDOCTOR_CAPTURES", "captures")
_EXPECTED: dict[str, Any] = (
    json.loads((_ROOT / "expected.json").read_text()) if (_ROOT / "expected.json").is_file() else {}
)
_BUNDLED = {path.name.removesuffix(".tar.gz"): path for path in bundled_recordings()}


def named(found: Diagnosis) -> list[tuple[str, tuple[str, ...], str]]:
    """What a diagnosis comes to: root causes, their objects, and how sure they are."""
    return [(cause.id, cause.objects, cause.certainty) for cause in found.root_causes]


def unpacked(recording: Path, folder: Path) -> Path:
    """A recording as a folder, to plant secrets into."""
    for entry in open_archive(recording).entries():
        target = folder / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(entry.data)
    return folder


def three_times(recording: Path, tmp_path: Path) -> None:
    """Read it live and record it anew, with secrets planted: the same answer, and no secret."""
    expected = named(diagnose(read_recording(recording)))
    folder = unpacked(recording, tmp_path / "mesh")
    plant_everywhere(folder)
    again, kubeconfig = tmp_path / "again.tar.gz", tmp_path / "kubeconfig"
    with serving(folder) as server:
        server.write_kubeconfig(kubeconfig)
        source = LiveSource(LiveOptions(cluster=ClusterOptions(kubeconfig=str(kubeconfig))))
        live = Session(source).diagnosis()
        source.save(again, Silence())
        assert server.audit.writes() == ()
    assert named(live) == expected
    assert named(diagnose(read_recording(again))) == expected
    written = {entry.path: surviving(entry.data) for entry in open_archive(again).entries()}
    assert {path: kinds for path, kinds in written.items() if kinds} == {}


class TestCaptures:
    @pytest.mark.usefixtures("captures_root")
    @pytest.mark.parametrize("name", one_in(6, sorted(_EXPECTED)))
    def test_live_and_recorded_anew_it_is_the_same_mesh(self, name: str, tmp_path: Path) -> None:
        three_times(_ROOT / f"{name}.tar.gz", tmp_path)


class TestBundledRecordings:
    @pytest.mark.parametrize("name", one_in(6, sorted(_BUNDLED), 2))
    def test_live_and_recorded_anew_it_is_the_same_mesh(self, name: str, tmp_path: Path) -> None:
        three_times(_BUNDLED[name], tmp_path)
