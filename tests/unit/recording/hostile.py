"""A generator of bad recordings: whatever they hold, one clear line and no traceback."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tests.unit.recording.hostile_archives import (
    cut_archives,
    named_archives,
    oversized_archives,
    refused_archives,
)
from tests.unit.recording.hostile_contents import (
    all_empty,
    all_noise,
    damaged_contents,
    refused_contents,
)
from tests.unit.recording.hostile_small import (
    PODS,
    PROXY,
    small_files,
    small_recording,
    write_folder,
)
from tests.unit.recording.hostile_tar import gz, tar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["BadRecording", "bad_recordings", "small_recording"]


@dataclass(frozen=True, slots=True)
class BadRecording:
    """One recording that is damaged or hostile in one way."""

    name: str
    path: Path
    expects: Literal["refused", "read"]
    """``refused``: one line and exit code 2. ``read``: it opens, and what is damaged is listed."""
    found_by: Literal["archive", "content"] = "archive"
    """The layer that meets the damage: the archive's, or the reader of its files above."""
    says: str = ""
    """Words of the archive layer's refusal or problem; empty when it has nothing to say."""


def bad_recordings(folder: Path) -> list[BadRecording]:
    """Write one of every kind into a folder (some 20 MB in all)."""
    folder.mkdir(parents=True, exist_ok=True)
    return [*_archives(folder), *_folders(folder), *_contents(folder)]


def _archives(folder: Path) -> Iterator[BadRecording]:
    for file, data, says in refused_archives():
        (folder / file).write_bytes(data)
        yield BadRecording(file.partition(".")[0], folder / file, "refused", says=says)
    for cases in (cut_archives, named_archives, oversized_archives):
        for file, data, says in cases():
            (folder / file).write_bytes(data)
            yield BadRecording(file.partition(".")[0], folder / file, "read", says=says)


def _folders(folder: Path) -> Iterator[BadRecording]:
    def read(name: str, says: str) -> BadRecording:
        return BadRecording(name, small_recording(folder / name), "read", says=says)

    def refused(name: str, says: str) -> BadRecording:
        return BadRecording(name, write_folder(folder / name, {}), "refused", says=says)

    yield refused("folder-empty", "no recording.json")
    yield BadRecording("nothing-there", folder / "nothing-there", "refused", says="does not exist")
    bad = refused("folder-manifest-is-a-fifo", "no recording.json")
    os.mkfifo(bad.path / "recording.json")
    yield bad
    bad = refused("folder-manifest-links-outside", "no recording.json")
    (folder / "outside.json").write_bytes(small_files()["recording.json"])
    (bad.path / "recording.json").symlink_to("../outside.json")
    yield bad
    bad = refused("folder-of-two-recordings", "holds 2 recordings")
    for name in ("east", "west"):
        small_recording(bad.path / name)
    yield bad
    os.mkfifo(folder / "fifo.tar.gz")
    yield BadRecording("fifo-itself", folder / "fifo.tar.gz", "refused", says="neither a file")
    bad = read("folder-with-fifo", "a FIFO")
    (bad.path / PODS).unlink()
    os.mkfifo(bad.path / PODS)
    yield bad
    bad = read("folder-with-link-outside", "leads to no file inside")
    (bad.path / PODS).unlink()
    (bad.path / PODS).symlink_to("/etc/hostname")
    yield bad
    bad = read("folder-with-link-loop", "leads to no file inside")
    (bad.path / "proxies" / "loop").symlink_to("loop")
    (bad.path / "proxies" / "up").symlink_to("..")
    yield bad
    bad = read("folder-with-socket", "a socket")
    _leave_socket(bad.path)
    yield bad
    bad = read("folder-with-escape-in-name", "control")
    (bad.path / "proxies" / "\x1b[2J").write_bytes(b"x")
    yield bad
    bad = read("folder-with-huge-pods", "larger than 256 MiB")
    with (bad.path / PODS).open("wb") as file:
        file.truncate(300 * 1024 * 1024)
    yield bad
    bad = read("folder-with-endless-log", "hold more than")
    with (bad.path / PROXY / "istio-proxy.log").open("wb") as file:
        file.truncate(2**41)
    yield bad


def _leave_socket(folder: Path) -> None:
    # A socket's path is bound to 107 bytes, which a test's folder can exceed.
    before = os.open(".", os.O_RDONLY)
    os.chdir(folder / "proxies")
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("s")
    finally:
        os.fchdir(before)
        os.close(before)


def _contents(folder: Path) -> Iterator[BadRecording]:
    files = small_files()
    cases: list[tuple[Literal["refused", "read"], str, dict[str, bytes]]] = []
    for name, path, data in refused_contents():
        cases.append(("refused", name, {**files, path: data}))
    for name, path, data in damaged_contents():
        cases.append(("read", name, {**files, path: data}))
    cases.append(("read", "all-empty", all_empty()))
    cases.append(("read", "all-noise", all_noise()))
    for expects, name, changed in cases:
        target = folder / f"{name}.tar.gz"
        target.write_bytes(gz(tar(changed)))
        yield BadRecording(name, target, expects, found_by="content")
