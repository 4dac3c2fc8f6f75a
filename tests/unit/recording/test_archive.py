"""What a caller of open_archive sees, whichever way the recording is stored."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from meshdoctor.recording import archive_tarball
from meshdoctor.recording.archive import Entry, Limits, Problem, RecordingError, open_archive
from meshdoctor.recording.archive_stream import open_regular
from tests.unit.recording.hostile_small import PODS, PROXY, small_files, small_recording
from tests.unit.recording.hostile_tar import gz, header, member, padded, tar

if TYPE_CHECKING:
    from collections.abc import Callable

    from meshdoctor.recording.archive import Archive

    Store = Callable[[dict[str, bytes]], Path]

FILES = small_files()
MIB = 1024 * 1024


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Writes files as a .tar.gz."""

    def write(files: dict[str, bytes]) -> Path:
        path = tmp_path / "rec.tar.gz"
        path.write_bytes(gz(tar(files)))
        return path

    return write


@pytest.fixture(params=["in memory", "streamed"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs a test with the look-ahead large enough, and with none."""
    if request.param == "streamed":
        monkeypatch.setattr(archive_tarball, "LOOK_AHEAD_BYTES", 0)


def read(archive: Archive) -> dict[str, bytes]:
    return {entry.path: entry.data for entry in archive.entries()}


def wrapped(files: dict[str, bytes], top: str) -> dict[str, bytes]:
    return {f"{top}{path}": data for path, data in files.items()}


def test_a_folder_and_its_archive_hold_the_same(tmp_path: Path, store: Store) -> None:
    folder = open_archive(small_recording(tmp_path / "rec"))
    packed = open_archive(store(FILES))
    assert read(folder) == read(packed) == FILES
    assert folder.problems == packed.problems == ()
    assert (folder.name, packed.name) == ("rec", "rec.tar.gz")


@pytest.mark.usefixtures("both_ways")
@pytest.mark.parametrize("top", ["", "./", "rec/", "./rec/", "a/b/c/", "rec//./"])
def test_the_folder_around_a_recording_in_an_archive_is_stripped(store: Store, top: str) -> None:
    assert read(open_archive(store(wrapped(FILES, top)))) == FILES


@pytest.mark.parametrize("top", ["", "rec", "a/b/c"])
def test_the_folder_around_a_recording_in_a_folder_is_stripped(tmp_path: Path, top: str) -> None:
    small_recording(tmp_path / "given" / top)
    assert read(open_archive(tmp_path / "given")) == FILES


@pytest.mark.usefixtures("both_ways")
def test_the_shallowest_manifest_marks_the_root_although_a_deeper_one_comes_first(
    store: Store,
) -> None:
    deeper = wrapped(FILES, "rec/clusters/east/")
    archive = open_archive(store({**deeper, **wrapped(FILES, "rec/"), "notes.txt": b"x"}))
    expected = {**FILES, **{path.removeprefix("rec/"): data for path, data in deeper.items()}}
    assert read(archive) == expected


@pytest.mark.usefixtures("both_ways")
def test_a_manifest_at_the_end_of_an_archive_is_found(store: Store) -> None:
    files = {path: FILES[path] for path in sorted(FILES, reverse=True)}
    assert list(read(open_archive(store(wrapped(files, "rec/"))))) == list(files)


@pytest.mark.usefixtures("both_ways")
def test_an_archive_keeps_its_own_order(store: Store) -> None:
    assert list(read(open_archive(store(FILES)))) == list(FILES)


def test_a_folder_is_read_in_the_order_of_whole_paths(tmp_path: Path) -> None:
    folder = small_recording(tmp_path / "rec")
    (folder / "proxies.txt").write_bytes(b"sorts before proxies/")
    paths = [entry.path for entry in open_archive(folder).entries()]
    assert paths == sorted([*FILES, "proxies.txt"])


@pytest.mark.usefixtures("both_ways")
def test_only_wanted_entries_come_from_an_archive(store: Store) -> None:
    archive = open_archive(store(wrapped(FILES, "rec/")), wanted=lambda path: path == PODS)
    assert read(archive) == {PODS: FILES[PODS]}


def test_only_wanted_entries_come_from_a_folder(tmp_path: Path) -> None:
    folder = small_recording(tmp_path / "rec")
    assert read(open_archive(folder, wanted=lambda path: path == PODS)) == {PODS: FILES[PODS]}


@pytest.mark.usefixtures("both_ways")
def test_what_is_wanted_is_asked_again_once_the_root_is_known(store: Store) -> None:
    files = {**wrapped(FILES, "rec/"), "kubernetes/stray.json": b"{}"}
    archive = open_archive(store(files), wanted=lambda path: path.startswith("kubernetes/"))
    assert read(archive) == {k: v for k, v in FILES.items() if k.startswith("kubernetes/")}


@pytest.mark.usefixtures("both_ways")
def test_an_archive_can_be_read_twice_with_the_same_problems(tmp_path: Path) -> None:
    path = tmp_path / "rec.tar.gz"
    path.write_bytes(gz(tar(FILES, member("../evil"))))
    archive = open_archive(path)
    assert read(archive) == read(archive) == FILES
    assert archive.problems == (
        Problem("../evil", "failed", "has a name that leads outside the recording"),
    )


@pytest.mark.usefixtures("both_ways")
def test_the_first_of_two_entries_with_one_name_counts(tmp_path: Path) -> None:
    path = tmp_path / "rec.tar.gz"
    path.write_bytes(gz(tar(FILES, member(f"./{PODS}", b"second"))))
    archive = open_archive(path)
    assert read(archive)[PODS] == FILES[PODS]
    assert [problem.path for problem in archive.problems] == [PODS]


@pytest.mark.usefixtures("both_ways")
def test_problems_are_named_by_their_path_below_the_root(tmp_path: Path) -> None:
    path = tmp_path / "rec.tar.gz"
    files = wrapped(FILES, "rec/")
    path.write_bytes(gz(tar(files, member(f"rec/{PODS}"), member("rec/x/../y"), member("rec/"))))
    archive = open_archive(path)
    read(archive)
    assert {problem.path for problem in archive.problems} == {PODS, "x/../y"}


@pytest.mark.usefixtures("both_ways")
def test_an_entry_over_its_bound_is_skipped_and_the_next_is_read(store: Store) -> None:
    files = {**FILES, "a.json": bytes(5000), "b.json": bytes(4000)}
    small = {path: data for path, data in files.items() if len(data) <= 4000}
    archive = open_archive(store(files), Limits(max_entry_bytes=4000))
    assert read(archive) == small
    assert [item.path for item in archive.problems] == [k for k in files if k not in small]
    assert archive.problems[-1].reason == "is larger than 4000 bytes"


def test_a_file_over_its_bound_is_skipped_in_a_folder(tmp_path: Path) -> None:
    folder = small_recording(tmp_path / "rec")
    (folder / "a.json").write_bytes(bytes(50_001))
    archive = open_archive(folder, Limits(max_entry_bytes=50_000))
    assert read(archive) == FILES
    assert archive.problems == (Problem("a.json", "failed", "is larger than 50000 bytes"),)


@pytest.mark.usefixtures("both_ways")
def test_a_long_log_is_read_from_its_end_and_says_where_it_begins(store: Store) -> None:
    log = f"{PROXY}/istio-proxy.log"
    lines = [f"line {number}\n" for number in range(1, 101)]
    archive = open_archive(
        store({**FILES, log: "".join(lines).encode()}), Limits(max_log_bytes=100)
    )
    entry = next(entry for entry in archive.entries() if entry.path == log)
    assert entry.data.decode() == "".join(lines[entry.first_line - 1 :])
    assert 90 < len(entry.data) <= 100
    assert archive.problems[-1].path == log
    assert "newest lines" in archive.problems[-1].reason


def test_a_long_log_in_a_folder_gives_the_same_end(tmp_path: Path) -> None:
    log = f"{PROXY}/istio-proxy.log"
    files = {**FILES, log: b"".join(b"line %d\n" % number for number in range(100_000))}
    folder = small_recording(tmp_path / "rec")
    (folder / log).write_bytes(files[log])
    path = tmp_path / "rec.tar.gz"
    path.write_bytes(gz(tar(files)))
    limits = Limits(max_log_bytes=70_000)
    ends = [
        next(entry for entry in open_archive(place, limits).entries() if entry.path == log)
        for place in (folder, path)
    ]
    assert ends[0] == ends[1]
    assert ends[0].first_line > 1


@pytest.mark.usefixtures("both_ways")
def test_reading_stops_at_the_total_bound_and_keeps_what_came_before(store: Store) -> None:
    archive = open_archive(
        store({**FILES, "a.bin": bytes(MIB), "last.json": b"{}"}), Limits(max_total_bytes=MIB)
    )
    assert read(archive) == FILES
    assert [item.reason for item in archive.problems] == [
        "it holds more than 1 MiB; the rest was not read"
    ]


def test_a_folder_skips_what_exceeds_the_total_bound_but_not_its_manifest(tmp_path: Path) -> None:
    folder = small_recording(tmp_path / "rec")
    for name in ("a.bin", "p.bin", "z.bin"):
        (folder / name).write_bytes(bytes(MIB))
    archive = open_archive(folder, Limits(max_total_bytes=MIB))
    assert read(archive) == {"a.bin": bytes(MIB), "recording.json": FILES["recording.json"]}
    skipped = {item.path: item.reason for item in archive.problems}
    assert set(skipped) == {*FILES, "p.bin", "z.bin"} - {"recording.json"}
    assert set(skipped.values()) == {"was skipped: the files hold more than 1 MiB"}


@pytest.mark.usefixtures("both_ways")
def test_reading_stops_at_too_many_entries(store: Store) -> None:
    archive = open_archive(store(FILES), Limits(max_entries=5))
    assert read(archive) == dict(list(FILES.items())[:5])
    assert "more than 5 entries" in archive.problems[0].reason


def test_a_folder_stops_at_too_many_entries(tmp_path: Path) -> None:
    folder = small_recording(tmp_path / "rec")
    archive = open_archive(folder, Limits(max_entries=5))
    assert set(read(archive)) < set(FILES)
    assert "more than 5 entries" in archive.problems[0].reason


def test_a_hundred_thousand_problems_are_not_listed_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "rec.tar.gz"
    path.write_bytes(gz(tar(FILES, member("/evil") * 1000)))
    problems = open_archive(path).problems
    assert len(problems) == 101
    assert problems[-1].reason == "it holds 900 more entries that were skipped like these"


def test_a_large_archive_is_streamed_one_entry_at_a_time(tmp_path: Path) -> None:
    block = header("{}", 8 * MIB)
    names = [f"{number}.bin".encode() for number in range(12)]
    path = tmp_path / "rec.tar.gz"
    parts = [gz(tar(FILES, end=b""))]
    zeros = gz(bytes(8 * MIB))
    for name in names:
        parts += [gz(header(name.decode(), 8 * MIB)), zeros]
    path.write_bytes(b"".join(parts) + gz(bytes(len(block) * 2)))
    tracemalloc.start()
    try:
        count = sum(1 for _ in open_archive(path).entries())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == len(FILES) + 12
    assert peak < archive_tarball.LOOK_AHEAD_BYTES + 16 * MIB


def test_headers_that_claim_a_lot_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "rec.tar.gz"
    claim = header("PaxHeader", 512 * MIB, b"x")
    path.write_bytes(gz(tar(FILES, claim, end=b"")) + gz(bytes(MIB)) * 64)
    tracemalloc.start()
    try:
        problems = open_archive(path).problems
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert problems[0].reason == "it has tar headers of absurd size; the rest was not read"
    assert peak < 8 * MIB


@pytest.mark.usefixtures("both_ways")
def test_a_small_archive_is_unpacked_only_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    opened: list[Path] = []

    def spy(path: Path) -> object:
        opened.append(path)
        return open_regular(path)

    monkeypatch.setattr(archive_tarball, "open_regular", spy)
    path = store(wrapped(FILES, "rec/"))
    assert read(open_archive(path)) == FILES
    streamed = archive_tarball.LOOK_AHEAD_BYTES == 0
    assert len(opened) == (2 if streamed else 1), request.node.name


def test_an_archive_that_vanishes_between_opening_and_reading_is_refused_in_a_line(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_tarball, "LOOK_AHEAD_BYTES", 0)
    path = store(FILES)
    archive = open_archive(path)
    path.unlink()
    with pytest.raises(RecordingError, match=r"rec\.tar\.gz does not exist"):
        read(archive)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "no/such/thing", "not-utf8-\udcff"])
def test_a_path_that_cannot_be_opened_is_refused_in_one_printable_line(name: str) -> None:
    with pytest.raises(RecordingError) as caught:
        open_archive(Path(name))
    assert str(caught.value).isprintable()


def test_a_manifest_given_instead_of_its_folder_is_explained(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="name its folder instead"):
        open_archive(small_recording(tmp_path) / "recording.json")


def test_an_entry_that_was_not_shortened_begins_at_line_one(store: Store) -> None:
    assert {entry.first_line for entry in open_archive(store(FILES)).entries()} == {1}


def test_an_empty_file_is_an_entry(store: Store) -> None:
    assert Entry("a.txt", b"") in list(open_archive(store({**FILES, "a.txt": b""})).entries())


def test_a_member_of_exactly_one_block_is_followed_by_the_next(store: Store) -> None:
    files = {**FILES, "a.bin": padded(b"x"), "b.bin": b"y"}
    assert read(open_archive(store(files))) == files
