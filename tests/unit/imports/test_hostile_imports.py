"""Hostile, foreign and secret-bearing input: one clear line, or all that is sound."""

from __future__ import annotations

import base64
import gzip
import io
import tarfile
from pathlib import Path

import pytest

from meshdoctor.cli import run
from meshdoctor.exit_codes import ExitCode
from meshdoctor.imports.opening import convert, recognised
from meshdoctor.imports.reading import read
from meshdoctor.recording.archive import Entry, RecordingError
from meshdoctor.recording.reader import read_recording
from meshdoctor.serve.mesh import Mesh
from tests.unit.imports.archives import (
    as_yaml,
    bug_report,
    causes,
    folder,
    objects,
    reasons,
    recorded,
    support_bundle,
    tar_gz,
)

_CAUSE = [("subset-not-defined", "VirtualService shop/reviews")]
_SECRET = "hunter2-is-no-password"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.txt", b"nothing to see\n" * 20),
        ("broken.yaml", b"apiVersion: v1\nkind: [}\n"),
        ("aliases.yaml", b"apiVersion: v1\nkind: List\nitems:\n- &a {kind: Pod}\n- *a\n"),
        ("brackets.json", b'{"apiVersion": "v1", "kind": ' + b"[" * 100_000),
        ("cut.yaml.gz", gzip.compress(b"apiVersion: v1\nkind: List\n" * 9)[:20]),
        ("noise.gz", b"\x1f\x8b" + bytes(range(200))),
        ("page.html", b"<html>kind: Pod</html>\n"),
    ],
    ids=["text", "broken", "aliases", "brackets", "cut gzip", "noise", "html"],
)
def test_what_nothing_can_be_made_of_is_one_line_and_exit_code_2(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert run(["diagnose", str(path)]) == ExitCode.USAGE
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("meshdoctor: ")


def test_names_that_lead_outside_and_links_are_skipped_and_listed(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in bug_report(recorded()).items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name in ("../../outside", "/etc/cron.d/x"):
            archive.addfile(tarfile.TarInfo(name))
        link = tarfile.TarInfo("bug-report/cluster/nodes-link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    path = tmp_path / "a.tar"
    path.write_bytes(buffer.getvalue())
    told = reasons(read(path))
    assert causes(path) == _CAUSE
    assert "outside" in told["../../outside"]
    assert "outside" in told["/etc/cron.d/x"]
    assert "link" in told["bug-report/cluster/nodes-link"]


def test_a_link_in_a_folder_is_not_followed_outside(tmp_path: Path) -> None:
    secret = tmp_path / "outside.yaml"
    secret.write_bytes(as_yaml(objects(recorded())))
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "linked.yaml").symlink_to(secret)
    with pytest.raises(RecordingError):
        read(inside)


def test_a_gzip_bomb_inside_ends_at_the_bound(tmp_path: Path) -> None:
    files = {
        "pods.yaml": as_yaml(objects(recorded())),
        "z-bomb.gz": gzip.compress(gzip.compress(b"\0" * (300 << 20), 1), 9),
    }
    snapshot = read(folder(tmp_path / "kinds", files))
    assert "z-bomb.gz" in reasons(snapshot)


def _secret_mesh() -> list[dict[str, object]]:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "tls", "namespace": "shop"},
        "data": {"password": base64.b64encode(_SECRET.encode()).decode()},
        "stringData": {"token": _SECRET},
    }
    return [*objects(recorded()), secret]


def _is_clean(data: bytes) -> bool:
    return _SECRET.encode() not in data and base64.b64encode(_SECRET.encode()) not in data


@pytest.mark.parametrize("kind", ["kubectl", "bug-report", "bundle"])
def test_secrets_are_hidden_before_anything_else_sees_them(tmp_path: Path, kind: str) -> None:
    files = {"all.yaml": as_yaml(_secret_mesh())}
    if kind == "bug-report":
        files = {
            **bug_report(recorded()),
            "bug-report/cluster/secrets": as_yaml(_secret_mesh()[-1:]),
        }
    elif kind == "bundle":
        files = support_bundle(recorded(), old=False)
        files["bundle/cluster-resources/configmaps/shop.json"] = as_yaml(_secret_mesh()[-1:])
    path = folder(tmp_path / "dump", files)
    found = recognised(path)
    assert found is not None
    taken: list[Entry] = []
    imported = convert(path, *found, taken.append)
    secrets = [entry for entry in taken if entry.path.endswith("/secrets.json")]
    assert secrets
    assert all(_is_clean(entry.data) for entry in taken)
    assert any("secret" in entry.rule for entry in imported.redactions)


def test_the_recording_it_becomes_can_be_written_and_says_the_same(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    archive = tar_gz(tmp_path / "a.tar.gz", bug_report(recorded()))
    target = tmp_path / "made.tar.gz"
    assert run(["record", "--archive", str(archive), "-o", str(target)]) == ExitCode.OK
    assert capfd.readouterr().out.strip() == str(target)
    assert causes(target) == _CAUSE
    assert read_recording(target).about.captured_at == read(archive).about.captured_at


def test_an_archive_is_not_replaced_without_force(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    archive = tar_gz(tmp_path / "a.tar.gz", bug_report(recorded()))
    target = tmp_path / "made.tar.gz"
    target.write_bytes(b"precious")
    assert run(["record", "--archive", str(archive), "-o", str(target)]) == ExitCode.USAGE
    assert "exists already" in capfd.readouterr().err
    assert target.read_bytes() == b"precious"


def test_it_can_be_served_as_a_cluster(tmp_path: Path) -> None:
    mesh = Mesh.load(tar_gz(tmp_path / "a.tar.gz", bug_report(recorded())))
    assert {"pods", "virtualservices"} <= {found.plural for found in mesh.objects}


def test_a_recording_is_no_import() -> None:
    assert recognised(Path(__file__).parents[3] / "recordings" / "healthy.tar.gz") is None
