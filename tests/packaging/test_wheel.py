"""The wheel holds three packages and all their data."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), "."],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def test_the_top_levels_are_exactly_ours(names: list[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "meshdoctor",
        "screens",
        "playbooks",
    }


@pytest.mark.parametrize(
    "wanted",
    [
        "meshdoctor/py.typed",
        "playbooks/schema.json",
        "playbooks/503.yaml",
        "playbooks/causes/service-selector-mismatch.yaml",
        "meshdoctor/analyze/codes/traffic.yaml",
        "screens/overview.tcss",
        "meshdoctor/_recordings/index.yaml",
        "meshdoctor/_recordings/healthy.tar.gz",
    ],
)
def test_data_is_in_the_wheel(names: list[str], wanted: str) -> None:
    assert wanted in names


def test_every_bundled_recording_is_in_the_wheel(names: list[str]) -> None:
    bundled = {path.name for path in (CHECKOUT / "recordings").glob("*.tar.gz")}
    assert len(bundled) >= 8
    shipped = {Path(name).name for name in names if name.startswith("meshdoctor/_recordings/")}
    assert bundled <= shipped
