"""Trim a recording to what is read, so that it can be shipped.

``python -m meshdoctor.recording.trim IN OUT.tar.gz`` keeps the files that the reader wants, drops
parts that nobody reads (Envoy's list of built-in extensions, the injection templates) and writes
an archive that is the same, byte for byte, for the same input. ``--log-lines N`` keeps the newest
lines of what proxies and applications wrote, where a recording would be too big to ship.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from meshdoctor.model import proxy as files
from meshdoctor.recording.archive import open_archive
from meshdoctor.recording.layout import MANIFEST, is_wanted, place_of

_ROOT_KEPT = {
    files.SERVER_INFO: (
        "version",
        "state",
        "uptime_current_epoch",
        "uptime_all_epochs",
        "hot_restart_version",
    ),
}


def _without_extensions(value: Any) -> Any:
    """Drop ``node.extensions``: a list of everything Envoy was built with."""
    if isinstance(value, dict):
        return {
            key: _without_extensions(item)
            for key, item in value.items()
            if not (key == "extensions" and isinstance(item, list) and "user_agent_name" in value)
        }
    return [_without_extensions(item) for item in value] if isinstance(value, list) else value


def _without_templates(document: Any) -> Any:
    """Drop the injector's templates: Istio's text, no evidence."""
    for item in document.get("items", ()):
        if item["metadata"]["name"].startswith("istio-sidecar-injector"):
            item.get("data", {}).pop("config", None)
    return document


def trimmed(path: str, data: bytes) -> bytes:
    """One file of a recording without what nobody reads; array positions stay as they are."""
    place = place_of(path)
    if place is None or not path.endswith(".json"):
        return data
    document = json.loads(data)
    if place.file in _ROOT_KEPT:
        kept = _ROOT_KEPT[place.file]
        document = {key: document[key] for key in kept if key in document}
    elif place.file == files.CONFIG_DUMP:
        document = _without_extensions(document)
    elif place.kind is not None and place.kind.plural == "configmaps":
        document = _without_templates(document)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _newest(path: str, data: bytes, lines: int | None) -> bytes:
    """The newest lines of a proxy's or an application's log; any other file whole."""
    if lines is None or not (path.endswith(".log") and path.startswith(("proxies/", "logs/"))):
        return data
    return b"".join(data.splitlines(keepends=True)[-lines:])


def trim(source: Path, target: Path, *, log_lines: int | None = None) -> None:
    """Write a trimmed copy of a recording.

    Args:
        source: a recording.
        target: the ``.tar.gz`` to write.
        log_lines: how many lines of each log of proxies and applications stay; None for all.

    Raises:
        RecordingError: the source is not a recording.
    """
    entries = {entry.path: entry.data for entry in open_archive(source, wanted=is_wanted).entries()}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        # The manifest first, so that a reader knows at once what it has before it.
        for path in sorted(entries, key=lambda name: (name != MANIFEST, name)):
            data = _newest(path, trimmed(path, entries[path]), log_lines)
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(data), 0o600
            archive.addfile(info, io.BytesIO(data))
    target.write_bytes(gzip.compress(buffer.getvalue(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m meshdoctor.recording.trim")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--log-lines", type=int)
    given = parser.parse_args()
    trim(given.source, given.target, log_lines=given.log_lines)
