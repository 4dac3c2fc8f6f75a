"""The wheel holds three packages and all their data, also when it is built from the sdist."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

_ROOMS = ("meshdoctor", "screens", "playbooks")
_DATA = {".py", ".tcss", ".yaml", ".json", ".md", ".typed"}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the wheel holds; ``build`` makes the sdist first and the wheel from it."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), "."],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def test_the_top_levels_are_exactly_ours(names: list[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(_ROOMS)


@pytest.mark.parametrize(
    "wanted",
    [
        "meshdoctor/py.typed",
        "screens/py.typed",
        "playbooks/py.typed",
        "playbooks/schema.json",
        "playbooks/cause.schema.json",
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


def test_every_module_and_data_file_of_the_checkout_is_in_the_wheel(names: list[str]) -> None:
    here = {
        path.relative_to(CHECKOUT).as_posix()
        for room in _ROOMS
        for path in (CHECKOUT / room).rglob("*")
        if path.suffix in _DATA and "__pycache__" not in path.parts
    }
    assert len(here) > 100
    assert here - set(names) == set()


def test_every_bundled_recording_is_in_the_wheel(names: list[str]) -> None:
    bundled = {path.name for path in (CHECKOUT / "recordings").glob("*.tar.gz")}
    assert len(bundled) >= 8
    shipped = {Path(name).name for name in names if name.startswith("meshdoctor/_recordings/")}
    assert bundled <= shipped


def test_neither_tests_nor_caches_are_in_the_wheel(names: list[str]) -> None:
    strangers = ("tests/", "__pycache__", ".mypy_cache", ".pytest_cache", ".DS_Store")
    assert [name for name in names if any(part in name for part in strangers)] == []
