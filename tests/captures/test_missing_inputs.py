"""With any one input removed the answer is the same or unknown: never another, never fine."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING

import pytest

from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.diagnose.library import causes
from meshdoctor.exit_codes import ExitCode
from meshdoctor.recording.archive import open_archive
from meshdoctor.recording.reader import read_recording
from meshdoctor.report.verdict import exit_code
from tests.captures.sharing import one_in
from tests.captures.test_every_capture import _EXPECTED, _KNOWN, capture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LOG_DECIDED = {
    "application-error",
    "circuit-breaker-overflow",
    "egress-blocked-registry-only",
    "jwt-issuer-mismatch",
    "jwt-required-but-absent",
}
"""Causes that only what happened can tell; configuration alone cannot."""

_AGENT_LOG_DECIDED = {"plaintext-client-to-strict-server"}
"""Causes that need no access log, but the agent's own lines: they rule the others out."""


def unpack(name: str, folder: Path) -> list[str]:
    paths = []
    for entry in open_archive(capture(name)).entries():
        target = folder / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(entry.data)
        paths.append(entry.path)
    return paths


def group_of(path: str) -> str | None:
    """The input that a file belongs to: a kind, or one file of all proxies or istiods."""
    parts = path.split("/")
    if parts[0] == "kubernetes" and len(parts) == 4:
        return path
    if parts[0] in ("proxies", "istiod") and len(parts) > 3:
        return f"{parts[0]}/*/*/{'/'.join(parts[3:])}"
    return None


def belongs(group: str, path: str) -> bool:
    return group_of(path) == group


def hide(folder: Path, chosen: Callable[[str], bool], paths: list[str]) -> list[tuple[Path, bytes]]:
    hidden = [(folder / path, (folder / path).read_bytes()) for path in paths if chosen(path)]
    for path, _ in hidden:
        path.unlink()
    return hidden


def declared_groups(paths: list[str]) -> list[str]:
    """The groups of files that some cause declares as an input."""
    inputs = {name for cause in causes().values() for name in cause.inputs}

    def is_input(group: str) -> bool:
        parts = group.split("/")
        if parts[0] == "kubernetes":
            return f"kubernetes/{parts[1]}/{parts[3].removesuffix('.json')}" in inputs
        return f"{parts[0]}/{'/'.join(parts[3:])}" in inputs

    groups = {group for path in paths if (group := group_of(path))}
    return sorted(group for group in groups if is_input(group))


@pytest.mark.usefixtures("captures_root", "no_network")
@pytest.mark.parametrize("name", _KNOWN)
class TestWithoutOneInput:
    def test_the_answer_is_the_same_or_unknown(self, name: str, tmp_path: Path) -> None:
        expected = _EXPECTED[name]["root_cause"]
        paths = unpack(name, tmp_path)
        wrong = []
        # Each group is hidden in one of eight captures.
        groups = one_in(8, declared_groups(paths), _KNOWN.index(name))
        assert groups
        for group in groups:
            hidden = hide(tmp_path, partial(belongs, group), paths)
            found = diagnose(read_recording(tmp_path))
            ids = [cause.id for cause in found.root_causes]
            unknown = {item.id for item in found.unknown}
            same = ids == [expected]
            honest = not ids and expected in unknown
            if not (same or honest) or exit_code(found) is ExitCode.OK:
                wrong.append((group, ids, expected in unknown, exit_code(found).name))
            for path, data in hidden:
                path.write_bytes(data)
        assert wrong == []

    def test_without_a_whole_room_the_answer_is_the_same_or_unknown(
        self, name: str, tmp_path: Path
    ) -> None:
        for room in one_in(2, ["istiod", "proxies"], _KNOWN.index(name)):
            self.without_room(name, room, tmp_path / room)

    def without_room(self, name: str, room: str, tmp_path: Path) -> None:
        expected = _EXPECTED[name]["root_cause"]
        paths = unpack(name, tmp_path)
        hide(tmp_path, lambda path: path.startswith(f"{room}/"), paths)
        found = diagnose(read_recording(tmp_path))
        ids = [cause.id for cause in found.root_causes]
        assert ids == [expected] or (not ids and expected in {item.id for item in found.unknown})
        assert exit_code(found) is not ExitCode.OK

    def test_without_any_access_log_configuration_still_decides(
        self, name: str, tmp_path: Path
    ) -> None:
        expected = _EXPECTED[name]["root_cause"]
        paths = unpack(name, tmp_path)
        hide(tmp_path, lambda path: path.endswith("/istio-proxy.log"), paths)
        found = diagnose(read_recording(tmp_path))
        ids = [cause.id for cause in found.root_causes]
        if expected in _LOG_DECIDED | _AGENT_LOG_DECIDED:
            assert ids in ([expected], [])
            assert exit_code(found) is not ExitCode.OK
        else:
            assert ids == [expected]

    def test_with_access_logging_off_configuration_still_decides(
        self, name: str, tmp_path: Path
    ) -> None:
        expected = _EXPECTED[name]["root_cause"]
        for path in unpack(name, tmp_path):
            if path.endswith("/istio-proxy.log"):
                text = (tmp_path / path).read_text(errors="replace")
                kept = [line for line in text.split("\n") if not re.match(r"[\[{]", line)]
                (tmp_path / path).write_text("\n".join(kept))
        found = diagnose(read_recording(tmp_path))
        ids = [cause.id for cause in found.root_causes]
        assert ids == [expected] or (expected in _LOG_DECIDED and ids == [])
        assert exit_code(found) is not ExitCode.OK


@pytest.mark.usefixtures("captures_root")
def test_a_denied_list_is_not_read_and_a_crd_that_is_absent_is_a_fact(tmp_path: Path) -> None:
    paths = unpack("healthy", tmp_path)
    hide(tmp_path, lambda path: path.endswith("/destinationrules.json"), paths)
    manifest = json.loads((tmp_path / "recording.json").read_text())
    manifest["errors"] = [
        {
            "what": "kubernetes/networking.istio.io/v1/destinationrules.json",
            "status": "denied",
            "reason": "destinationrules is forbidden",
        }
    ]
    (tmp_path / "recording.json").write_text(json.dumps(manifest))
    denied = diagnose(read_recording(tmp_path))
    assert denied.root_causes == ()
    assert "subset-not-defined" in {item.id for item in denied.unknown}
    assert exit_code(denied) is ExitCode.UNREAD
    crds = tmp_path / "kubernetes/apiextensions.k8s.io/v1/customresourcedefinitions.json"
    listed = json.loads(crds.read_text())
    listed["items"] = [
        item for item in listed["items"] if not item["metadata"]["name"].startswith("envoyfilters")
    ]
    crds.write_text(json.dumps(listed))
    manifest["errors"] = []
    (tmp_path / "recording.json").write_text(json.dumps(manifest))
    hide(tmp_path, lambda path: path.endswith("/envoyfilters.json"), paths)
    absent = diagnose(read_recording(tmp_path))
    assert "envoyfilter-rejected-by-proxy" not in {item.id for item in absent.unknown}
