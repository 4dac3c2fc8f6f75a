"""The writer: private, whole or not at all, bounded, and the same for the same files."""

from __future__ import annotations

import errno
import json
import os
import stat
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshdoctor.model.not_read import NotRead, NotReadStatus
from meshdoctor.recording import writer_spool
from meshdoctor.recording.archive import RecordingError, open_archive
from meshdoctor.recording.manifest import parse_manifest
from meshdoctor.recording.manifest_document import RecordedScope, Recorder, manifest_document
from meshdoctor.recording.reader import read_recording
from meshdoctor.recording.redact import Redaction
from meshdoctor.recording.writer import RecordingWriter, safe_name
from meshdoctor.recording.writer_names import UnsafePathError, checked_path

PODS = "kubernetes/core/v1/pods.json"
LOG = "proxies/shop/web-1/istio-proxy.log"
MANIFEST = manifest_document(
    datetime(2026, 11, 21, 7, 26, 33, tzinfo=UTC),
    kubernetes="v1.33.13",
    istio="1.30.0",
    recorder=Recorder("0.1.0", "kind", "https://ann:pw@10.0.0.1:6443/path", "1h", interrupted="x"),
    scope=RecordedScope(("shop",), to="web", max_proxies=5, proxies_read=1, pods=("shop/web-1",)),
    errors=(NotRead("kubernetes/core/v1/secrets", NotReadStatus.DENIED, "forbidden"),),
    redactions=(Redaction(PODS, "password", 2),),
)


def write(target: Path, files: dict[str, bytes], **options: Any) -> int:
    writer = RecordingWriter(target, **options)
    for path, data in files.items():
        writer.add(path, data)
    return writer.finish(MANIFEST)


def entries(target: Path) -> dict[str, bytes]:
    return {entry.path: entry.data for entry in open_archive(target).entries()}


def modes(root: Path) -> set[tuple[bool, int]]:
    paths = [root, *root.rglob("*")]
    return {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in paths}


@pytest.mark.parametrize("name", ["mesh.tar.gz", "mesh.tgz", "mesh"])
def test_what_is_written_is_read_back_and_nothing_else_is_left(tmp_path: Path, name: str) -> None:
    files = {PODS: b'{"items":[]}', LOG: b"line\n"}
    target = tmp_path / name
    size = write(target, files)
    found = entries(target)
    assert {path: found[path] for path in files} == files
    assert set(found) == {*files, "recording.json"}
    assert list(tmp_path.iterdir()) == [target]
    on_disk = [target] if target.is_file() else [p for p in target.rglob("*") if p.is_file()]
    assert size == sum(path.stat().st_size for path in on_disk)
    assert read_recording(target).about.istio == "1.30.0"


@pytest.mark.parametrize("name", ["mesh.tar.gz", "mesh"])
def test_only_the_owner_may_read_it_whatever_the_umask(tmp_path: Path, name: str) -> None:
    old = os.umask(0)
    try:
        write(tmp_path / name, {LOG: b"line\n"})
    finally:
        os.umask(old)
    assert modes(tmp_path / name) <= {(True, 0o700), (False, 0o600)}


def test_while_it_is_written_only_the_owner_may_look(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "mesh.tar.gz")
    writer.add(LOG, b"line\n")
    (spool,) = tmp_path.iterdir()
    assert modes(spool) == {(True, 0o700), (False, 0o600)}
    writer.abandon()
    assert list(tmp_path.iterdir()) == []


def test_the_archive_is_the_same_for_the_same_files_in_any_order(tmp_path: Path) -> None:
    one, other = tmp_path / "one.tar.gz", tmp_path / "other.tar.gz"
    files = {PODS: b"{}", LOG: b"line\n"}
    write(one, files)
    write(other, dict(reversed(files.items())))
    assert one.read_bytes() == other.read_bytes()


def test_the_manifest_comes_first_and_a_cut_archive_stays_usable(tmp_path: Path) -> None:
    target = tmp_path / "mesh.tar.gz"
    write(target, {PODS: b'{"items":[]}', "z/big.txt": os.urandom(200_000)})
    with tarfile.open(target) as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == ["recording.json", PODS, "z/big.txt"]
    assert {member.mtime for member in members} == {1795245993}
    assert {(member.mode, member.uid, member.uname) for member in members} == {(0o600, 0, "")}
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(target.read_bytes()[:100_000])
    assert set(entries(cut)) == {"recording.json", PODS}


@pytest.mark.parametrize(
    "path",
    ["../x", "a/../x", "/etc/x", "a//b", "a/./b", "", "a\\b", "a\nb", "a\0b", ".hidden", "é",
     "recording.json", "a/" * 20 + "b", "x" * 300],
)  # fmt: skip
def test_a_name_that_no_recording_may_hold_is_left_out_and_listed(
    tmp_path: Path, path: str
) -> None:
    target = tmp_path / "mesh"
    write(target, {path: b"evil", PODS: b"{}"})
    assert {p.name for p in target.rglob("*") if p.is_file()} == {"recording.json", "pods.json"}
    errors = json.loads((target / "recording.json").read_bytes())["errors"]
    assert errors[1]["status"] == "failed"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mesh"]


@given(st.text(max_size=30))
def test_a_path_that_passes_stays_inside(path: str) -> None:
    try:
        checked_path(path)
    except UnsafePathError:
        return
    assert Path("/inside").joinpath(path).resolve().is_relative_to("/inside")
    assert path == Path(path).as_posix()


@given(st.text(max_size=120))
def test_a_safe_name_is_a_file_name(name: str) -> None:
    safe = safe_name(name)
    assert Path(safe).name == safe
    assert checked_path(f"x{safe}") == f"x{safe}"


@pytest.mark.parametrize("name", ["mesh.tar.gz", "mesh"])
def test_what_is_there_stays_unless_forced(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    write(target, {PODS: b"old"})
    with pytest.raises(RecordingError, match="exists already"):
        RecordingWriter(target)
    assert entries(target)[PODS] == b"old"
    write(target, {LOG: b"new"}, force=True)
    assert set(entries(target)) == {LOG, "recording.json"}
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("name", ["mesh.tar.gz", "mesh"])
def test_a_name_that_was_taken_meanwhile_is_not_overwritten(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    writer = RecordingWriter(target)
    target.write_text("mine")
    with pytest.raises(RecordingError, match="exists already"):
        writer.finish(MANIFEST)
    assert target.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_is_no_recording_is_never_replaced(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "letter.txt").write_text("dear")
    with pytest.raises(RecordingError, match="other things than a recording"):
        RecordingWriter(home, force=True)
    archive = tmp_path / "x.tar.gz"
    archive.mkdir()
    with pytest.raises(RecordingError, match="is not a file"):
        RecordingWriter(archive, force=True)
    link = tmp_path / "link"
    link.symlink_to(home)
    with pytest.raises(RecordingError, match="is not a folder"):
        RecordingWriter(link, force=True)
    assert (home / "letter.txt").read_text() == "dear"


def test_an_empty_folder_may_be_filled_when_forced(tmp_path: Path) -> None:
    (tmp_path / "mesh").mkdir()
    write(tmp_path / "mesh", {PODS: b"{}"}, force=True)
    assert PODS in entries(tmp_path / "mesh")


@pytest.mark.parametrize("name", ["missing/mesh.tar.gz", "file/mesh.tar.gz"])
def test_a_place_that_cannot_be_written_is_said_before_anything_is_read(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match="cannot be written"):
        RecordingWriter(tmp_path / name)


def test_past_the_size_bound_files_are_left_out_and_listed(tmp_path: Path) -> None:
    target = tmp_path / "mesh.tar.gz"
    files = {"a/one.txt": b"1" * 60, "a/two.txt": b"2" * 60, "a/three.txt": b"3" * 30}
    write(target, files, size_limit=100)
    assert set(entries(target)) == {"recording.json", "a/one.txt", "a/three.txt"}
    manifest = parse_manifest(entries(target)["recording.json"], "mesh")
    assert [(e.what, e.reason) for e in manifest.errors[1:]] == [
        ("a/two.txt", "left out: the recording would exceed 100 bytes")
    ]


def test_a_file_that_is_written_again_replaces_itself_in_the_bound(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "mesh", size_limit=100)
    for number in range(5):
        writer.add("a.txt", b"%d" % number * 90)
    assert (writer.files, writer.size, dict(writer.left_out)) == (1, 90, {})
    writer.finish(MANIFEST)
    assert entries(tmp_path / "mesh")["a.txt"] == b"4" * 90


def test_of_a_long_log_the_newest_lines_are_kept_and_that_is_said(tmp_path: Path) -> None:
    target = tmp_path / "mesh"
    write(target, {LOG: b"old line\nnew line\n"}, log_limit=10)
    assert entries(target)[LOG] == b"new line\n"
    errors = parse_manifest(entries(target)["recording.json"], "mesh").errors
    assert errors[1].what == LOG
    assert "newest" in errors[1].reason


@pytest.mark.parametrize("name", ["mesh.tar.gz", "mesh"])
def test_a_full_disk_is_one_line_and_leaves_nothing(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = RecordingWriter(tmp_path / name)
    writer.add(PODS, b"{}")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writer_spool, "write_private", full)
    with pytest.raises(RecordingError, match=r"cannot be written: No space left"):
        writer.add(LOG, b"line\n")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RecordingError, match="No space left"):
        writer.add(LOG, b"line\n")
    with pytest.raises(RecordingError, match="No space left"):
        writer.finish(MANIFEST)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["mesh.tar.gz", "mesh"])
def test_a_disk_that_fills_at_the_end_leaves_nothing(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = RecordingWriter(tmp_path / name)
    writer.add(PODS, b"{}")
    monkeypatch.setattr("meshdoctor.recording.writer.write_private", _raise_full)
    with pytest.raises(RecordingError, match="No space left"):
        writer.finish(MANIFEST)
    assert list(tmp_path.iterdir()) == []


def _raise_full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_folder_that_cannot_be_put_in_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "mesh"
    write(target, {PODS: b"old"})
    writer = RecordingWriter(target, force=True)
    renames: list[Path] = []
    rename = Path.rename

    def fails_second(self: Path, to: Path) -> Path:
        renames.append(self)
        if len(renames) == 2:
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", fails_second)
    with pytest.raises(RecordingError, match="Input/output error"):
        writer.finish(MANIFEST)
    assert entries(target)[PODS] == b"old"


def test_where_there_are_no_hard_links_it_is_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    write(tmp_path / "mesh.tar.gz", {PODS: b"{}"})
    assert PODS in entries(tmp_path / "mesh.tar.gz")


def test_abandoning_leaves_nothing_and_may_be_done_again(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "mesh")
    writer.add(PODS, b"{}")
    writer.abandon()
    writer.abandon()
    assert list(tmp_path.iterdir()) == []


def test_the_manifest_says_who_what_and_how_much(tmp_path: Path) -> None:
    write(tmp_path / "mesh", {PODS: b"{}"})
    text = entries(tmp_path / "mesh")["recording.json"]
    assert json.loads(text)["server"] == "10.0.0.1:6443"
    assert b"pw@" not in text
    manifest = parse_manifest(text, "mesh")
    assert manifest.about.captured_at == datetime(2026, 11, 21, 7, 26, 33, tzinfo=UTC)
    assert manifest.scope == RecordedScope(
        ("shop",), to="web", max_proxies=5, proxies_read=1, pods=("shop/web-1",)
    )
    assert manifest.recorder == Recorder("0.1.0", "kind", "10.0.0.1:6443", "1h", interrupted="x")
    assert manifest.redactions == (Redaction(PODS, "password", 2),)
    assert manifest.errors == (
        NotRead("kubernetes/core/v1/secrets", NotReadStatus.DENIED, "forbidden"),
    )


@pytest.mark.parametrize("scope", [None, [], "all", {"namespaces": "shop", "pods": None}])
def test_an_older_or_odd_manifest_asks_for_everything(scope: object) -> None:
    document = {"format": "meshdoctor.recording/v1", "captured_at": "2026-11-21T07:26:33Z"}
    manifest = parse_manifest(json.dumps({**document, "scope": scope}).encode(), "old")
    assert manifest.scope == RecordedScope()
    assert manifest.redactions == ()


def test_a_manifest_without_a_time_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="captured_at"):
        RecordingWriter(tmp_path / "mesh").finish({"format": "x"})
    assert list(tmp_path.iterdir()) == []
