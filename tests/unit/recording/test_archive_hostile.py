"""Every bad recording ends in one clear line or in listed problems, never in a traceback."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshdoctor.recording import archive_tarball
from meshdoctor.recording.archive import RecordingError, open_archive
from tests.unit.recording.hostile import BadRecording, bad_recordings
from tests.unit.recording.hostile_small import manifest, small_files
from tests.unit.recording.hostile_tar import gz, header, tar

if TYPE_CHECKING:
    from collections.abc import Callable

    from meshdoctor.recording.archive import Problem

unhurried = settings(deadline=None)
"""A busy machine is no reason to fail."""
FILES = small_files()
WHOLE = tar(FILES)
PACKED = gz(WHOLE)


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> list[BadRecording]:
    """One of every kind."""
    return bad_recordings(tmp_path_factory.mktemp("bad"))


def outcome(path: Path) -> tuple[str, list[str], tuple[Problem, ...]]:
    """The refusal, or the paths read and the problems."""
    try:
        archive = open_archive(path)
        paths = [entry.path for entry in archive.entries()]
    except RecordingError as error:
        return str(error), [], ()
    return "", paths, archive.problems


def is_inside(path: str) -> bool:
    return bool(path) and path.isprintable() and not {"", ".", ".."} & set(path.split("/"))


def test_the_generator_makes_many_kinds_with_names_of_their_own(bad: list[BadRecording]) -> None:
    assert len(bad) >= 34
    assert len({item.name for item in bad}) == len({item.path for item in bad}) == len(bad)
    assert {(item.expects, item.found_by) for item in bad} == {
        (expects, layer) for expects in ("refused", "read") for layer in ("archive", "content")
    }


def test_every_bad_recording_is_refused_or_read_as_it_should_be(bad: list[BadRecording]) -> None:
    wrong = []
    for item in bad:
        refusal, paths, problems = outcome(item.path)
        lines = (
            [refusal] if refusal else [f"{problem.path}: {problem.reason}" for problem in problems]
        )
        refused_here = item.expects == "refused" and item.found_by == "archive"
        right = bool(refusal) is refused_here and bool(lines) is bool(item.says)
        right = right and all(item.says in line and line.isprintable() for line in lines)
        right = right and all(map(is_inside, paths)) and (refused_here or "recording.json" in paths)
        if not right:
            wrong.append((item.name, item.expects, item.says, lines, paths))
    assert wrong == []


def test_damage_leaves_what_was_read_before_usable(bad: list[BadRecording]) -> None:
    cut = next(item for item in bad if item.name == "gzip-cut")
    archive = open_archive(cut.path)
    read = {entry.path: entry.data for entry in archive.entries()}
    assert len(read) > len(FILES) // 4
    assert read.items() < FILES.items()
    assert len(archive.problems) == 1


def read_bytes(data: bytes, name: str = "x.tar.gz") -> tuple[str, list[str], tuple[Problem, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return outcome(path)


def assert_sane(result: tuple[str, list[str], tuple[Problem, ...]]) -> None:
    refusal, paths, problems = result
    assert refusal.isprintable()
    assert all(map(is_inside, paths))
    assert len(set(paths)) == len(paths)
    assert all(f"{item.path}: {item.reason}".isprintable() for item in problems)


@unhurried
@given(st.binary(max_size=4000))
def test_arbitrary_bytes_raise_nothing_but_a_recording_error(data: bytes) -> None:
    assert read_bytes(data)[0]


@unhurried
@given(st.binary(max_size=4000))
def test_arbitrary_bytes_in_gzip_raise_nothing_but_a_recording_error(data: bytes) -> None:
    assert_sane(read_bytes(gz(data)))


@unhurried
@given(st.binary(max_size=3000))
def test_arbitrary_bytes_after_a_manifest_leave_it_readable(data: bytes) -> None:
    start = tar({"recording.json": manifest()}, end=b"")
    result = read_bytes(gz(start + data))
    assert_sane(result)
    assert result[1][0] == "recording.json"


@unhurried
@given(st.integers(0, len(PACKED) - 1))
def test_a_truncated_archive_is_refused_or_read_up_to_the_cut(length: int) -> None:
    result = read_bytes(PACKED[:length])
    assert_sane(result)
    assert result[1] == list(FILES)[: len(result[1])]
    assert result[0] or len(result[2]) == 1


@unhurried
@given(st.integers(0, len(WHOLE) - 1025))
def test_a_truncated_plain_tar_is_refused_or_read_up_to_the_cut(length: int) -> None:
    result = read_bytes(WHOLE[:length], "x.tar")
    assert_sane(result)
    assert result[1] == list(FILES)[: len(result[1])]
    assert result[0] or len(result[2]) == 1


@pytest.mark.parametrize("pack", [bytes, gz])
@unhurried
@given(data=st.data())
def test_changed_bytes_raise_nothing_but_a_recording_error(
    pack: Callable[[bytes], bytes], data: st.DataObject
) -> None:
    changed = bytearray(pack(WHOLE))
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    assert_sane(read_bytes(bytes(changed)))


@unhurried
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8"), max_size=20)
            | st.sampled_from(["..", "a/..", "/"]),
            st.binary(min_size=1, max_size=1),
            st.integers(-(2**70), 2**70) | st.integers(0, 600),
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_headers_of_any_name_type_and_size_raise_nothing_but_a_recording_error(
    members: list[tuple[str, bytes, int]], streamed: bool
) -> None:
    more = [
        header(name.replace("\0", "") or "x", size, kind) + bytes(abs(size) % 1024)
        for name, kind, size in members
    ]
    ahead = archive_tarball.LOOK_AHEAD_BYTES
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive_tarball, "LOOK_AHEAD_BYTES", 0 if streamed else ahead)
        assert_sane(read_bytes(gz(tar({"recording.json": manifest()}, *more))))
