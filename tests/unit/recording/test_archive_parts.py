"""The parts of the archive layer, each against the rule it keeps."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from meshdoctor.recording import archive_stream
from meshdoctor.recording.archive import Limits, RecordingError
from meshdoctor.recording.archive_content import entry_from, newest_lines
from meshdoctor.recording.archive_path import (
    RootFinder,
    UnsafeNameError,
    below,
    possible_paths,
    printable,
    relative_path,
)
from meshdoctor.recording.archive_problem import DamageError, OverLimitError, ProblemLog
from meshdoctor.recording.archive_stream import ByteStream, Gunzip
from meshdoctor.recording.archive_tar import FILE, FOLDER, members, pax_records
from tests.unit.recording.hostile_tar import header, pax_record

unhurried = settings(deadline=None)
"""A busy machine is no reason to fail."""
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=300)


@unhurried
@given(NAMES)
@example("a/../../b")
@example("/a")
@example("./a//b/")
def test_a_relative_path_never_leads_outside(name: str) -> None:
    try:
        path = relative_path(name)
    except UnsafeNameError:
        assert name.startswith("/") or ".." in name.split("/") or not name.isprintable()
    else:
        assert not {"", ".", ".."} & set(path.split("/")) or path == ""
        assert relative_path(path) == path


@unhurried
@given(st.text(max_size=500))
def test_a_shown_name_is_one_short_printable_line(name: str) -> None:
    shown = printable(name)
    assert shown.isprintable()
    assert len(shown) <= 161 * 10
    assert shown == name or not name.isprintable() or len(name) > 160


def test_an_undecodable_byte_is_shown_as_that_byte() -> None:
    assert printable("a\udcff\n") == "a\\xff\\n"


@unhurried
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=7).map("/".join))
def test_a_path_below_a_possible_root_is_a_possible_path(path: str) -> None:
    parts = path.split("/")
    for depth in range(min(len(parts), 4)):
        inner = below("/".join(parts[:depth]), path)
        assert inner == "/".join(parts[depth:])
        assert inner in list(possible_paths(path))


def test_a_path_beside_the_root_is_not_below_it() -> None:
    assert below("rec", "record/a") is None
    assert below("rec", "rec") is None


def test_two_equally_deep_manifests_leave_the_choice_to_the_person() -> None:
    finder = RootFinder()
    for name in "dbca":
        finder.see(f"{name}/recording.json")
    with pytest.raises(RecordingError, match=r"x holds 4 recordings \(a, b, c, …\)"):
        finder.root("x")


@unhurried
@given(st.lists(st.binary(max_size=20_000), max_size=5), st.integers(1, 70_000))
def test_gunzip_gives_what_gzip_packed_in_any_number_of_members(
    pieces: list[bytes], most: int
) -> None:
    packed = b"".join(map(gzip.compress, pieces)) or gzip.compress(b"")
    gunzip = Gunzip(io.BytesIO(packed + bytes(30)))
    unpacked = []
    while data := gunzip.read(most):
        assert len(data) <= most
        unpacked.append(data)
    assert b"".join(unpacked) == b"".join(pieces)


def test_gunzip_gives_all_of_a_highly_packed_file_a_byte_at_a_time() -> None:
    gunzip = Gunzip(io.BytesIO(gzip.compress(bytes(5000))))
    assert sum(len(data) for data in iter(lambda: gunzip.read(1), b"")) == 5000


def test_gunzip_gives_up_on_millions_of_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_stream, "MAX_GZIP_MEMBERS", 10)
    gunzip = Gunzip(io.BytesIO(gzip.compress(b"") * 11))
    with pytest.raises(zlib.error, match="too many members"):
        gunzip.read(1)


def test_a_stream_gives_no_byte_beyond_its_limit() -> None:
    stream = ByteStream(io.BytesIO(bytes(100)), 60)
    stream.skip(60)
    stream.must_fit(0)
    with pytest.raises(OverLimitError):
        stream.must_fit(1)
    with pytest.raises(OverLimitError):
        stream.some(1)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(5, "Input/output error"), "it cannot be read (Input/output error)"),
        (OSError("odd"), "it cannot be read"),
        (MemoryError(), "it needs more memory than there is"),
        (EOFError(), "it ends early"),
        (zlib.error("x"), "its gzip data is damaged"),
    ],
)
def test_what_a_file_raises_becomes_a_clause(error: Exception, words: str) -> None:
    class Failing:
        def read(self, _most: int, /) -> bytes:
            raise error

    with pytest.raises(DamageError) as caught:
        ByteStream(Failing(), 10).some(1)
    assert str(caught.value) == words


FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
PARTS = st.text("abcäß漢 -_.", min_size=1, max_size=12).map(lambda text: f"x{text}")
TREES = st.dictionaries(
    st.lists(PARTS, min_size=1, max_size=12).map("/".join), st.binary(max_size=1500), max_size=6
)


@pytest.mark.parametrize("form", FORMATS)
@unhurried
@given(files=TREES)
def test_members_are_those_the_standard_library_wrote(form: str, files: dict[str, bytes]) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=FORMATS[form]) as archive:
        folder = tarfile.TarInfo("xfolder/")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in list(files.items()):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            try:
                archive.addfile(info, io.BytesIO(data))
            except ValueError:
                # ustar has room for 255 bytes of name only
                assert form == "ustar"
                del files[name]
    buffer.seek(0)
    stream = ByteStream(buffer, 10**9)
    found = {}
    for member in members(stream):
        found[member.name] = (member.kind, b"".join(stream.chunks(member.size)))
    expected = {name: (FILE, data) for name, data in files.items()}
    assert found == {"xfolder": (FOLDER, b""), **expected}


def test_a_size_in_an_extended_header_overrules_the_header() -> None:
    data = pax_record("size", b"700")
    raw = header("p", len(data), b"x") + data.ljust(512, b"\0")
    raw += header("a", 0) + b"x" * 700 + bytes(324) + header("b") + bytes(1024)
    stream = ByteStream(io.BytesIO(raw), 10**6)
    assert [(item.name, item.size) for item in members(stream)] == [("a", 700), ("b", 0)]


@unhurried
@given(st.dictionaries(st.text("abc.", min_size=1), st.binary(max_size=200), max_size=5))
def test_pax_records_are_read_as_they_were_written(records: dict[str, bytes]) -> None:
    data = b"".join(pax_record(key, value) for key, value in records.items())
    expected = [(key.encode(), value) for key, value in records.items()]
    assert list(pax_records(data + bytes(20))) == expected


@unhurried
@given(st.binary(max_size=200) | st.text("0123456789 =\na", max_size=60).map(str.encode))
@example(b"0 a=b\n")
@example(b"-5 a=b\n")
@example(b"1" * 100)
def test_garbled_pax_records_end_or_raise_a_value_error(data: bytes) -> None:
    try:
        count = sum(1 for _ in pax_records(data))
    except ValueError:
        return
    assert count <= len(data) // 4


LINES = st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=40)


@unhurried
@given(LINES, st.integers(1, 200), st.integers(1, 50), st.booleans())
def test_the_newest_lines_are_the_end_from_a_line_start(
    lines: list[bytes], most: int, piece: int, ends: bool
) -> None:
    text = b"\n".join(lines) + (b"\n" if ends else b"")
    data, first = newest_lines((text[i : i + piece] for i in range(0, len(text), piece)), most)
    assert text.endswith(data)
    assert len(data) <= most
    assert (first is None) == (len(text) <= most)
    if first is None:
        assert data == text
    elif b"\n" in text[-most:] or text[: len(text) - most].endswith(b"\n"):
        assert data == b"\n".join(text.split(b"\n")[first - 1 :])
    else:
        assert data == text[-most:]
        assert first == text.count(b"\n") + 1


def test_a_file_that_grows_over_its_bound_while_being_read_is_skipped() -> None:
    log = ProblemLog("x")
    chunks = (b"x" * 60 for _ in range(3))
    assert entry_from("a.json", 10, chunks, Limits(max_entry_bytes=100), log) is None
    assert [item.reason for item in log.problems("")] == ["is larger than 100 bytes"]


def test_a_file_that_needs_more_memory_than_there_is_is_skipped() -> None:
    def exhausted() -> list[bytes]:
        raise MemoryError

    log = ProblemLog("x")
    chunks = (data for _ in range(1) for data in exhausted())
    assert entry_from("a.json", 10, chunks, Limits(), log) is None
    assert log.problems("")[0].reason == "is larger than the memory there is"
