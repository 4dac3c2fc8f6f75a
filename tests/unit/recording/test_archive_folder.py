"""A folder is read without ever leaving it or waiting for what never comes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from meshdoctor.recording import archive_folder
from meshdoctor.recording.archive import Problem, RecordingError, open_archive
from meshdoctor.recording.archive_stream import open_regular
from tests.unit.recording.hostile_small import PODS, small_files, small_recording

FILES = small_files()
IS_ROOT = os.geteuid() == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recording."""
    return small_recording(tmp_path / "rec")


def read(path: Path) -> tuple[dict[str, bytes], tuple[Problem, ...]]:
    archive = open_archive(path)
    return {entry.path: entry.data for entry in archive.entries()}, archive.problems


def test_a_link_to_a_file_inside_is_read(folder: Path) -> None:
    (folder / "kubernetes" / "alias.json").symlink_to(folder / PODS)
    entries, problems = read(folder)
    assert entries == {**FILES, "kubernetes/alias.json": FILES[PODS]}
    assert problems == ()


def test_a_link_to_another_recording_beside_it_is_skipped(tmp_path: Path) -> None:
    folder = small_recording(tmp_path / "given" / "rec")
    secret = tmp_path / "given" / "secret.txt"
    secret.write_text("secret")
    (folder / "proxies" / "x.txt").symlink_to(secret)
    entries, problems = read(tmp_path / "given")
    assert entries == FILES
    assert [item.path for item in problems] == ["proxies/x.txt"]


def test_a_linked_folder_is_skipped_even_inside(folder: Path) -> None:
    (folder / "again").symlink_to(folder / "kubernetes", target_is_directory=True)
    entries, problems = read(folder)
    assert entries == FILES
    assert [item.path for item in problems] == ["again"]


def test_a_recording_named_through_a_link_is_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to(folder)
    archive = open_archive(tmp_path / "latest")
    assert {entry.path for entry in archive.entries()} == set(FILES)
    assert archive.name == "latest"


def test_the_current_folder_has_its_own_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert open_archive(Path()).name == "rec"


@pytest.mark.parametrize("name", ["fifo", "/dev/null", "."])
def test_only_a_regular_file_is_opened(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(tmp_path / name)


def test_a_file_that_becomes_a_fifo_after_the_look_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.setattr(stat, "S_ISREG", lambda mode, left=[True]: left.pop() if left else False)
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(tmp_path / "fifo")


def test_a_file_that_may_not_be_read_is_a_problem_and_the_rest_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *, follow: bool = True) -> object:
        if path == folder / PODS:
            raise PermissionError(13, "Permission denied")
        return open_regular(path, follow=follow)

    monkeypatch.setattr(archive_folder, "open_regular", refuse)
    entries, problems = read(folder)
    assert set(entries) == set(FILES) - {PODS}
    reason = "was skipped: it cannot be read (Permission denied)"
    assert problems == (Problem(PODS, "failed", reason),)


def test_a_subfolder_that_may_not_be_listed_is_a_problem(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = os.scandir

    def refuse(path: Path) -> object:
        if path == folder / "istiod":
            raise PermissionError(13, "Permission denied")
        return original(path)

    monkeypatch.setattr(os, "scandir", refuse)
    entries, problems = read(folder)
    assert set(entries) == {path for path in FILES if not path.startswith("istiod/")}
    assert [item.path for item in problems] == ["istiod"]


def test_a_folder_that_may_not_be_listed_is_refused_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(RecordingError, match="cannot be read: Permission denied"):
        open_archive(tmp_path)


@pytest.mark.skipif(IS_ROOT, reason="root may read what is closed to all")
def test_a_closed_folder_is_refused_and_a_closed_subfolder_is_a_problem(folder: Path) -> None:
    (folder / "istiod").chmod(0)
    try:
        assert [item.path for item in read(folder)[1]] == ["istiod"]
        folder.chmod(0)
        with pytest.raises(RecordingError, match="Permission denied"):
            open_archive(folder)
    finally:
        folder.chmod(0o700)
        (folder / "istiod").chmod(0o700)


def test_a_file_that_vanishes_while_reading_is_a_problem(folder: Path) -> None:
    archive = open_archive(folder)
    entries = archive.entries()
    first = next(entries)
    (folder / "recording.json").unlink()
    paths = {first.path, *(entry.path for entry in entries)}
    assert paths == set(FILES) - {"recording.json"}
    assert [item.path for item in archive.problems] == ["recording.json"]


def test_a_search_through_very_many_folders_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        (tmp_path / f"f{number}").mkdir()
    monkeypatch.setattr(archive_folder, "MAX_SEARCHED_FOLDERS", 10)
    with pytest.raises(RecordingError, match="more than 10 folders"):
        open_archive(tmp_path)
