"""The app on another tool's archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.session import RecordingSource, Session
from screens.diagnosis import DiagnosisScreen
from tests.functional.scene import app_on, press, settled
from tests.unit.imports.archives import bug_report, recorded, tar_gz

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_bug_report_leads_to_its_root_cause(tmp_path: Path) -> None:
    archive = tar_gz(tmp_path / "a.tar.gz", bug_report(recorded()))
    session = Session(RecordingSource(archive))
    async with app_on(session).run_test() as pilot:
        await settled(pilot)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, DiagnosisScreen)
        assert [cause.id for cause in session.diagnosis().root_causes] == ["subset-not-defined"]
