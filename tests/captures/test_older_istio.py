"""Captures as an older istiod would have left them: syncz without ``resources`` (up to 1.22)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.exit_codes import ExitCode
from meshdoctor.recording.reader import read_recording
from meshdoctor.report.verdict import exit_code
from meshdoctor.views import proxy_status
from tests.captures.test_every_capture import _EXPECTED, _HEALTHY, _KNOWN
from tests.captures.test_missing_inputs import unpack

if TYPE_CHECKING:
    from pathlib import Path

    from meshdoctor.model.snapshot import Snapshot


def with_flat_syncz(name: str, folder: Path) -> Snapshot:
    for path in unpack(name, folder):
        if path.endswith("/debug/syncz.json"):
            entries = json.loads((folder / path).read_text())
            for entry in entries:
                entry.pop("resources", None)
            (folder / path).write_text(json.dumps(entries))
    return read_recording(folder)


@pytest.mark.usefixtures("captures_root", "no_network")
class TestFlatSyncz:
    @pytest.mark.parametrize("name", _KNOWN)
    def test_the_root_cause_is_the_same(self, name: str, tmp_path: Path) -> None:
        found = diagnose(with_flat_syncz(name, tmp_path))
        assert [cause.id for cause in found.root_causes] == [_EXPECTED[name]["root_cause"]]

    @pytest.mark.parametrize("name", _HEALTHY)
    def test_a_healthy_mesh_stays_healthy(self, name: str, tmp_path: Path) -> None:
        found = diagnose(with_flat_syncz(name, tmp_path))
        assert (found.root_causes, exit_code(found)) == ((), ExitCode.OK)

    def test_proxy_status_reads_both_forms_alike(self, tmp_path: Path) -> None:
        rows = proxy_status.rows(with_flat_syncz("healthy", tmp_path))
        assert {(row.cds, row.lds, row.eds, row.rds) for row in rows} != set()
        assert {cell.split(" ")[0] for row in rows for cell in (row.cds, row.lds)} == {"SYNCED"}
