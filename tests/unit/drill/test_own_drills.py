"""Drills of one's own: read beside the bundled ones, and linted file by file."""

from __future__ import annotations

import shutil
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
import yaml

from meshdoctor.drill.library import (
    drill_for,
    drills,
    own_problems,
    recording_of,
)
from meshdoctor.drill.lint import lint_files
from meshdoctor.drill.serving import beginning
from meshdoctor.resources import recordings_root

if TYPE_CHECKING:
    from pathlib import Path

D08 = files("meshdoctor.drill").joinpath("drills", "D08.yaml").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def nobodys_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MESHDOCTOR_DRILLS", raising=False)


def write(folder: Path, name: str, *changes: tuple[str, str]) -> Path:
    """A drill like D08, with words exchanged."""
    text = D08.replace("id: D08", f"id: {name}")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


def test_own_drills_stand_beside_the_bundled_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert drill_for("TEAM-1") is None
    path = write(tmp_path, "TEAM-1")
    found = drills(tmp_path)
    assert {one.id for one in found} == {one.id for one in drills()} | {"TEAM-1"}
    assert [one.id for one in found] == sorted(one.id for one in found)
    monkeypatch.setenv("MESHDOCTOR_DRILLS", str(tmp_path))
    own = drill_for("team-1")
    assert own is not None
    assert own.home == tmp_path
    assert recording_of(own) == recordings_root() / "subset-not-defined.tar.gz"
    assert lint_files([path], played=True) == ()


def test_a_recording_may_lie_beside_the_drill(tmp_path: Path) -> None:
    (tmp_path / "meshes").mkdir()
    shutil.copy(recordings_root() / "subset-not-defined.tar.gz", tmp_path / "meshes" / "a.tar.gz")
    changed = ("recording: subset-not-defined", "recording: meshes/a.tar.gz")
    path = write(tmp_path, "TEAM-1", changed)
    assert lint_files([path]) == ()
    own = drill_for("TEAM-1", tmp_path)
    assert own is not None
    assert beginning(own).objects.by_key
    (tmp_path / "meshes" / "a.tar.gz").unlink()
    (line,) = lint_files([path])
    assert "recording meshes/a.tar.gz is neither bundled nor at " in line


def test_a_file_that_is_no_drill_is_left_out_and_said(tmp_path: Path) -> None:
    write(tmp_path, "TEAM-1")
    (tmp_path / "TEAM-2.yaml").write_text("id: TEAM-2\n")
    (tmp_path / "TEAM-3.yaml").write_text("id: [\n")
    (tmp_path / "TEAM-4.yaml").write_text("- TEAM-4\n")
    (tmp_path / "README.md").write_text("no drill, and none is expected")
    assert "TEAM-1" in [one.id for one in drills(tmp_path)]
    problems = own_problems(tmp_path)
    assert len(problems) == 3
    assert all("is no drill yet: meshdoctor drill lint says why" in line for line in problems)
    assert own_problems() == ()


def test_a_folder_that_is_not_there_hides_no_bundled_drill(tmp_path: Path) -> None:
    assert drills(tmp_path / "none") == drills()
    (line,) = own_problems(tmp_path / "none")
    assert "No such file" in line


def test_a_bundled_drill_keeps_its_name(tmp_path: Path) -> None:
    path = write(tmp_path, "D08", ("weight: 7", "weight: 9"))
    found = drill_for("D08", tmp_path)
    assert found is not None
    assert found.weight == 7
    assert lint_files([path]) == (f"{path}: D08 is a bundled drill's id",)


@pytest.mark.parametrize(
    ("old", "new", "at", "said"),
    [
        ("minutes: 8", "minutes: many", "minutes:", "minutes: 'many' is not of type 'integer'"),
        ("domain: traffic", "domain: x", "domain:", "domain: 'x-management' is not one of"),
        ("title: A", "titel: A", "id:", "document: 'title' is a required property"),
        ("weight: 7", "weight: 7\ncolour: red", "id:", "document: Additional properties are not"),
        ("says: Bend", "says: TODO", "says: TODO", "fixes/5/says: still says TODO"),
        (
            "    points: 3\n",
            "    points: 3\n    exists: {object: Pod a}\n",
            "- id: reviews-answers",
            "checks/0: needs exactly one of request, ",
        ),
        (
            "- delete: {object: VirtualService shop/reviews}",
            "- {}",
            "- {}",
            "fixes/4/edits/0: has 0 keys (), exactly one is needed",
        ),
        (
            "role: alternative\n    says: Define",
            "role: wrong\n    says: Define",
            "- role: wrong",
            "fixes/2: 'fails' is a required property",
        ),
    ],
    ids=["type", "choice", "missing", "unknown", "todo", "two-kinds", "no-verb", "no-fails"],
)
def test_lint_names_the_line_and_says_what_is_wrong(
    old: str, new: str, at: str, said: str, tmp_path: Path
) -> None:
    path = write(tmp_path, "TEAM-1", (old, new))
    found = lint_files([path])
    lines = path.read_text().splitlines()
    number = next(n for n, line in enumerate(lines, start=1) if line.strip().startswith(at))
    assert any(one.startswith(f"{path}:{number}: {said}") for one in found), found
    assert all("\n" not in one and len(one) < 300 for one in found)


def test_lint_tells_what_is_no_yaml_and_what_cannot_be_read(tmp_path: Path) -> None:
    broken = tmp_path / "A.yaml"
    broken.write_text("id: A\nhints: [\n")
    binary = tmp_path / "B.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    empty = tmp_path / "C.yaml"
    empty.write_text("")
    found = lint_files([broken, binary, empty])
    assert found[0].startswith(f"{broken}:3: not YAML: ")
    assert found[1].startswith(f"{binary}: ")
    assert found[2] == f"{empty}:1: document: None is not of type 'object'"


def test_lint_tells_which_object_means_nothing(tmp_path: Path) -> None:
    changed = ("- delete: {object: VirtualService shop/reviews}", "- delete: {object: Rule shop/a}")
    (line,) = lint_files([write(tmp_path, "TEAM-1", changed)])
    assert line.endswith("'Rule shop/a': no kind is called 'Rule'")


def test_lint_by_playing_tells_a_set_up_that_does_not_fit(tmp_path: Path) -> None:
    path = write(tmp_path, "TEAM-1")
    document = yaml.safe_load(path.read_text())
    document["setup"] = [{"delete": {"object": "VirtualService shop/none"}}]
    path.write_text(yaml.safe_dump(document))
    assert lint_files([path]) == ()
    (line,) = lint_files([path], played=True)
    assert line.endswith("the mesh cannot be made: VirtualService shop/none is not there")
