"""``meshdoctor report`` of a live mesh: it says which cluster it read, and what was hidden."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor import __version__
from meshdoctor.cli import run
from meshdoctor.exit_codes import ExitCode
from tests.live.played import load, playing

if TYPE_CHECKING:
    from pathlib import Path


def test_a_live_report_tells_its_cluster_and_a_masked_one_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = load("service-selector-mismatch")
    plain, hidden, recorded = (tmp_path / name for name in ("a.json", "b.json", "mesh.tar.gz"))
    with playing(recording, tmp_path) as played:
        live = ["--kubeconfig", str(played.kubeconfig)]
        code = run(["report", *live, "-o", str(plain), "-n", "shop"])
        assert run(["report", *live, "-o", str(hidden), "--mask"]) == code == ExitCode.ROOT_CAUSE
        run(["record", *live, "-o", str(recorded)])
    told: dict[str, Any] = json.loads(plain.read_text("utf-8"))
    about = told["recording"]
    assert about["source"] == "live"
    assert about["context"] == about["name"] != ""
    assert about["server"].startswith("127.0.0.1:")
    assert about["recorded_by"] == told["meshdoctor"] == __version__
    assert about["narrowed_to"] == {"namespaces": "shop"}
    assert told["redactions"]["told"]
    assert [cause["id"] for cause in told["root_causes"]] == ["service-selector-mismatch"]
    masked = json.loads(hidden.read_text("utf-8"))["recording"]
    assert masked["context"] == masked["name"] == "cluster-1"
    assert about["context"] not in json.dumps(masked)
    capsys.readouterr()
    run(["report", str(recorded), "-f", "json"])
    again = json.loads(capsys.readouterr().out)["recording"]
    assert (again["source"], again["context"]) == ("recording", about["context"])
    assert again["recorded_by"] == __version__
