"""Planted secrets: none survives anywhere in a recording that is written."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from meshdoctor.recording.archive import open_archive
from meshdoctor.recording.layout import FORMAT
from meshdoctor.recording.redact import MEANINGS, Redactor, summary
from meshdoctor.recording.writer import RecordingWriter
from tests.conftest import CHECKOUT
from tests.planted_secrets import (
    ACCESS_LOG,
    APP_LOG,
    CONFIG_MAP,
    DUMP,
    ISTIOD_LOG,
    PlantedSecret,
    markers,
    plant_everywhere,
    planted_secrets,
    surviving,
)

RECORDING = CHECKOUT / "recordings" / "healthy.tar.gz"
PATHS = {
    CONFIG_MAP: "kubernetes/core/v1/configmaps.json",
    DUMP: "proxies/shop/web-1/config_dump.json",
    ISTIOD_LOG: "istiod/istio-system/istiod-1/discovery.log",
    APP_LOG: "logs/shop/web-1/app.log",
    ACCESS_LOG: "proxies/shop/web-1/istio-proxy.log",
}


@pytest.fixture(scope="module")
def planted_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording's folder with secrets of all kinds in every sort of file."""
    root = tmp_path_factory.mktemp("planted")
    for entry in open_archive(RECORDING).entries():
        path = root / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(entry.data)
    plant_everywhere(root)
    return root


def files_of(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != "recording.json"
    }


def test_at_least_thirty_kinds_are_planted_and_can_be_seen(planted_root: Path) -> None:
    assert len({secret.kind for secret in planted_secrets()}) >= 30
    planted = {kind for data in files_of(planted_root).values() for kind in surviving(data)}
    assert planted == {kind for kind, _ in markers()}


def test_no_planted_secret_survives_in_a_written_archive(
    planted_root: Path, tmp_path: Path
) -> None:
    redactor, target = Redactor(), tmp_path / "mesh.tar.gz"
    writer = RecordingWriter(target)
    for path, data in files_of(planted_root).items():
        writer.add(path, redactor.redact(path, data))
    log = [{"path": e.path, "rule": e.rule, "count": e.count} for e in redactor.log()]
    writer.finish({"format": FORMAT, "captured_at": "2026-11-21T07:26:33Z", "redactions": log})
    assert surviving(gzip.decompress(target.read_bytes())) == []
    assert surviving(target.read_bytes()) == []
    for entry in open_archive(target).entries():
        assert surviving(entry.data) == [], entry.path


def test_redacting_planted_files_keeps_lines_json_and_a_second_pass_the_same(
    planted_root: Path,
) -> None:
    first, second = Redactor(), Redactor()
    for path, data in files_of(planted_root).items():
        redacted = first.redact(path, data)
        assert redacted.count(b"\n") == data.count(b"\n"), path
        assert second.redact(path, redacted) == redacted, path
        if path.endswith(".json"):
            before, after = json.loads(data), json.loads(redacted)
            assert shape(after) == shape(before), path


def shape(value: object) -> object:
    """Array lengths and member names; numbers may have become strings, Secrets grow facts."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items() if key != "derived"}
    return [shape(item) for item in value] if isinstance(value, list) else None


def test_the_log_names_rules_and_counts_and_no_secret(planted_root: Path) -> None:
    redactor = Redactor()
    for path, data in files_of(planted_root).items():
        redactor.redact(path, data)
    log = redactor.log()
    assert {entry.rule for entry in log} <= set(MEANINGS)
    assert all(entry.count > 0 for entry in log)
    assert surviving(repr(log).encode()) == []
    assert sum(count for _, count, _ in summary(log)) == sum(entry.count for entry in log)
    assert {entry.path for entry in log} <= set(files_of(planted_root))


@pytest.mark.parametrize("secret", planted_secrets(), ids=lambda secret: secret.kind)
def test_each_kind_is_hidden_alone_in_each_place(secret: PlantedSecret) -> None:
    for place, path in PATHS.items():
        if place not in secret.places:
            continue
        plain = secret.text.encode()
        if place == CONFIG_MAP:
            item = {"metadata": {"name": "a"}, "data": {"file.txt": secret.text}}
            plain = json.dumps({"kind": "ConfigMapList", "items": [item]}).encode()
        elif place == DUMP:
            plain = json.dumps({"configs": [{"text": secret.text}]}, indent=1).encode()
        elif place == ACCESS_LOG:
            plain = plain.replace(b" ", b"+")
        redacted = Redactor().redact(path, plain)
        assert secret.marker.encode() in plain
        assert secret.marker.encode() not in redacted, place


def test_equal_secrets_stay_comparable_within_a_recording_and_not_beyond() -> None:
    one, other = Redactor(), Redactor()
    line = b"password=hunter2\n"
    assert one.redact("logs/a/b/c.log", line) == one.redact("logs/a/b/d.log", line)
    assert one.redact("logs/a/b/c.log", line) != other.redact("logs/a/b/c.log", line)
    assert one.redact("logs/a/b/c.log", b"password=hunter3\n") != one.redact("logs/a/b/c.log", line)


def test_a_document_that_repeats_is_redacted_as_the_first_one_was() -> None:
    lines = [f' "name_{number}": {{"a": [{number}]}},' for number in range(400)]
    text = "{\n" + "\n".join(lines) + '\n "last": {\n  "password": {\n   "inline_string": "%s"\n}}}'
    redactor = Redactor()
    path = "proxies/shop/web-1/config_dump.json"
    assert redactor.redact(path, (text % "[redacted]").encode()) == (text % "[redacted]").encode()
    redacted = redactor.redact(path, (text % "hunter2").encode())
    assert b"hunter2" not in redacted
    assert json.loads(redacted)["name_399"] == {"a": [399]}
