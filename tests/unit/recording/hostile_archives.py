"""Archives whose container is damaged or hostile; what lies in them is sound."""

from __future__ import annotations

import bz2
import io
import lzma
import random
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING

from tests.unit.recording.hostile_small import PODS, PROXY, manifest, small_files
from tests.unit.recording.hostile_tar import (
    END,
    gz,
    gz_pieces,
    header,
    member,
    padded,
    pax,
    pax_record,
    sparse,
    tar,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    Case = tuple[str, bytes, str]
    """File name, content, and words that the refusal or a listed problem holds."""

MIB = 1024 * 1024
_HARMLESS = ""


def _changed(data: bytes, position: int, new: bytes) -> bytes:
    return data[:position] + new + data[position + len(new) :]


def refused_archives() -> Iterator[Case]:
    """Files of which nothing can be used."""
    files = small_files()
    whole = tar(files)
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    without = {name: data for name, data in files.items() if name != "recording.json"}
    noise = random.Random(7).randbytes(5000)
    link = header("recording.json", 0, tarfile.SYMTYPE, "/etc/hostname")
    last = {**without, "recording.json": files["recording.json"]}
    yield "empty.tar.gz", b"", "is empty"
    yield "noise.tar.gz", noise, "is no archive"
    yield "text.tar.gz", b"this is not an archive\n" * 40, "is no archive"
    yield "one-manifest.json", manifest(), "is no archive"
    yield "zip.tar.gz", zipped.getvalue(), "is a zip archive"
    yield "bzip2.tar.gz", bz2.compress(whole), "bzip2"
    yield "xz.tar.gz", lzma.compress(whole), "xz"
    yield "gzip-of-json.tar.gz", gz(manifest()), "no tar archive"
    yield "gzip-of-nothing.tar.gz", gz(b""), "no tar archive"
    yield "gzip-of-zeros.tar.gz", gz(bytes(10240)), "no recording.json"
    yield "gzip-header-corrupt.tar.gz", _changed(gz(whole), 2, b"\xff" * 8), "gzip data is damaged"
    yield "gzip-header-only.tar.gz", gz(whole)[:10], "ends early"
    yield "gzip-magic-then-noise.tar.gz", b"\x1f\x8b" + noise, "gzip data is damaged"
    yield "cut-before-manifest.tar.gz", gz(tar(last)[: len(whole) // 2]), "ends early"
    yield "zeros.tar", bytes(10240), "is no archive"
    yield "no-manifest.tar.gz", gz(tar(without)), "no recording.json"
    deep = gz(tar({"a/b/c/d/recording.json": manifest()}))
    yield "manifest-too-deep.tar.gz", deep, "no recording.json"
    yield "manifest-is-a-link.tar.gz", gz(tar(without, link)), "no recording.json"
    both = {f"{top}/{name}": data for top in ("east", "west") for name, data in files.items()}
    yield "two-recordings.tar.gz", gz(tar(both)), "holds 2 recordings"


def cut_archives() -> Iterator[Case]:
    """Archives that break off or carry damage after recording.json."""
    files = small_files()
    whole = tar(files)
    packed = gz(whole)
    first = tar({"recording.json": manifest()}, end=b"")
    middle = len(whole) // 1024 * 512
    noise = random.Random(11).randbytes(4096)
    stored = zlib.compressobj(0, zlib.DEFLATED, 31)
    flipped = bytearray(stored.compress(whole) + stored.flush())
    flipped[flipped.index(b"10.244.0.29")] ^= 1
    yield "gzip-cut.tar.gz", packed[: len(packed) * 2 // 3], "ends early"
    yield "gzip-without-its-checksum.tar.gz", packed[:-8], "ends early"
    yield "gzip-checksum-wrong.tar.gz", _changed(packed, len(packed) - 8, b"\0" * 4), "damaged"
    yield "gzip-bit-flipped.tar.gz", bytes(flipped), "damaged"
    yield "gzip-then-noise.tar.gz", gz(first) + noise, "not gzip"
    yield "gzip-with-a-tail.tar.gz", packed + noise, "not gzip"
    yield "tar-cut.tar", whole[: middle + 100], "ends early"
    yield "tar-without-end.tar.gz", gz(tar(files, end=b"")), "end mark"
    yield "tar-header-damaged.tar.gz", gz(first + noise + whole), "damaged tar header"
    yield "tar-in-two.tar.gz", packed + gz(tar({PODS: b"{}"})), "after tar's end mark"
    yield "plain.tar", whole, _HARMLESS
    yield "wrapped.tar.gz", gz(tar({f"./rec/{k}": v for k, v in files.items()})), _HARMLESS


def named_archives() -> Iterator[Case]:
    """Archives with members that are no plain files, or have impossible names."""
    files = small_files()

    def with_more(*more: bytes) -> bytes:
        return gz(tar(files, *more))

    def of_kind(kind: bytes) -> bytes:
        return with_more(header("kubernetes/odd.json", 0, kind, "recording.json"))

    raw = member("kubernetes/\udcff\udcfe.json", b"{}")
    nul = pax(pax_record("path", b"kubernetes/a\0b.json")) + member("x", b"{}")
    long_name = pax(pax_record("path", b"a/" * 4000 + b"b")) + member("x", b"{}")
    yield "absolute-name.tar.gz", with_more(member("/etc/passwd", b"x")), "absolute"
    yield "climbing-name.tar.gz", with_more(member("../../evil", b"x")), "leads outside"
    yield "climbing-inside.tar.gz", with_more(member("proxies/../../evil", b"x")), "leads outside"
    yield "symbolic-link.tar.gz", of_kind(tarfile.SYMTYPE), "a symbolic link"
    yield "hard-link.tar.gz", of_kind(tarfile.LNKTYPE), "a hard link"
    yield "fifo-inside.tar.gz", of_kind(tarfile.FIFOTYPE), "a FIFO"
    yield "character-device.tar.gz", of_kind(tarfile.CHRTYPE), "a device"
    yield "block-device.tar.gz", of_kind(tarfile.BLKTYPE), "a device"
    yield "unknown-type.tar.gz", of_kind(b"Q"), "unknown tar type"
    yield "nameless.tar.gz", with_more(member(".", b"x")), "without a name"
    yield "newline-in-name.tar.gz", with_more(member("kubernetes/a\nb", b"x")), "control"
    yield "escape-in-name.tar.gz", with_more(member("kubernetes/\x1b[2J", b"x")), "control"
    yield "not-utf8-name.tar.gz", with_more(raw), "undecodable"
    yield "nul-in-name.tar.gz", with_more(nul), "control"
    yield "endless-name.tar.gz", with_more(long_name), "characters"
    yield "twice-the-same.tar.gz", with_more(member(PODS, b"[]")), "twice"
    upper = PODS.replace("pods", "Pods")
    yield "only-case-differs.tar.gz", with_more(member(upper, b"[]")), _HARMLESS


def oversized_archives() -> Iterator[Case]:
    """Archives that try to exhaust memory, time or the parser."""
    first = tar({"recording.json": manifest()}, end=b"")
    log = f"{PROXY}/istio-proxy.log"
    taken = ("recording.json", PODS, log)
    rest = tar({name: data for name, data in small_files().items() if name not in taken})
    zeros = bytes(64 * MIB)

    def then(*more: bytes) -> bytes:
        return gz(b"".join((first, *more, rest)))

    bomb = [(first, 1), (header("a.bin", 3072 * MIB), 1), (zeros, 48), (rest, 1)]
    bombs = [(first, 1), (rest[: -len(END)], 1)]
    for number in range(40):
        bombs += [(header(f"{number}.bin", 64 * MIB), 1), (zeros, 1)]
    large = [(first, 1), (header(PODS, 320 * MIB), 1), (zeros, 5), (rest, 1)]
    line = [(first, 1), (header(log, 80 * MIB), 1), (b"x" * MIB, 80), (rest, 1)]
    many = [(first, 1), (header("d/", 0, tarfile.DIRTYPE) * 1000, 201), (END, 1)]
    yield "bomb-in-one-file.tar.gz", gz_pieces(bomb), "holds more than"
    yield "bomb-in-many-files.tar.gz", gz_pieces(bombs), "holds more than"
    yield "huge-pods.tar.gz", gz_pieces(large), "larger than 256 MiB"
    yield "log-of-one-line.tar.gz", gz_pieces(line), "newest lines"
    yield "too-many-entries.tar.gz", gz_pieces(many), "200000 entries"
    yield "size-negative.tar.gz", then(header("a", -1024)), "negative size"
    yield "size-absurd.tar.gz", then(header("a", 2**80)), "holds more than"
    yield "pax-absurd.tar.gz", then(pax(b"", 2**60)), "absurd size"
    yield "pax-large.tar.gz", then(pax(b"1" * 2 * MIB), member("a")), "absurd size"
    yield "pax-digits.tar.gz", then(pax(b"1" * 512 * 1024), member("a")), "damaged extended"
    yield "pax-garbled.tar.gz", then(pax(b"99999 path=a\n"), member("a")), "damaged extended"
    yield "pax-size-garbled.tar.gz", then(pax(pax_record("size", b"x")), member("a")), "damaged"
    yield "pax-size-negative.tar.gz", then(pax(pax_record("size", b"-5")), member("a")), "negative"
    yield "pax-chain.tar.gz", then(pax(b"") * 5000, member("a")), "absurd size"
    yield "pax-then-end.tar.gz", gz(first + pax(b"") + END), "extended tar header"
    gnu_name = header("././@LongLink", 2**40, tarfile.GNUTYPE_LONGNAME)
    yield "gnu-name-absurd.tar.gz", then(gnu_name), "absurd size"
    yield "sparse.tar.gz", then(sparse("a.json", 2)), "a sparse file"
    yield "sparse-endless.tar.gz", then(sparse("a.json", 5000)), "absurd size"
    new_sparse = pax(pax_record("GNU.sparse.major", b"1")) + member("a.json", padded(b"0\n"))
    yield "sparse-pax.tar.gz", then(new_sparse), "a sparse file"
