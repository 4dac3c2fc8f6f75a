"""Every capture of a cause that the playbooks know: the right root cause, alone and on top."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.diagnose.explain import placeholders
from meshdoctor.diagnose.library import causes
from meshdoctor.exit_codes import ExitCode
from meshdoctor.model.diagnosis import Scope
from meshdoctor.model.evidence import excerpt_of, resolve_pointer
from meshdoctor.recording.archive import open_archive
from meshdoctor.recording.reader import read_recording
from meshdoctor.report.verdict import exit_code
from tests.conftest import shared_folder

if TYPE_CHECKING:
    from pathlib import Path

    from meshdoctor.model.diagnosis import Diagnosis

_ROOT = shared_folder("MESHDOCTOR_CAPTURES", "captures")
_EXPECTED: dict[str, Any] = (
    json.loads((_ROOT / "expected.json").read_text()) if (_ROOT / "expected.json").is_file() else {}
)
_KNOWN = sorted(name for name, said in _EXPECTED.items() if said["root_cause"] in causes())
_HEALTHY = sorted(name for name, said in _EXPECTED.items() if said["root_cause"] == "none")
_OTHERS = sorted(set(_EXPECTED) - set(_KNOWN) - set(_HEALTHY))


def capture(name: str) -> Path:
    return _ROOT / f"{name}.tar.gz"


@lru_cache(maxsize=128)
def answer(name: str) -> Diagnosis:
    return diagnose(read_recording(capture(name)))


@pytest.mark.usefixtures("captures_root", "no_network")
class TestKnownCauses:
    @pytest.mark.parametrize("name", _KNOWN)
    def test_the_root_cause_is_named_alone_with_an_expected_object(self, name: str) -> None:
        found = answer(name)
        said = _EXPECTED[name]
        assert [cause.id for cause in found.root_causes] == [said["root_cause"]]
        assert found.root_causes[0].objects[0] in said["objects"]
        assert exit_code(found) is ExitCode.ROOT_CAUSE

    @pytest.mark.parametrize("name", _KNOWN)
    def test_every_piece_of_evidence_resolves_to_its_excerpt(self, name: str) -> None:
        found = answer(name)
        files = {entry.path: entry.data for entry in open_archive(capture(name)).entries()}
        pieces = [
            *(item for cause in found.root_causes for item in cause.evidence),
            *(item for ruled in found.ruled_out for item in ruled.evidence),
            *(item for finding in found.findings for item in finding.evidence),
        ]
        assert found.root_causes[0].evidence
        for piece in pieces:
            data = files[piece.source]
            if piece.line is not None:
                line = data.decode("utf-8", errors="replace").split("\n")[piece.line - 1]
                assert line == piece.excerpt
            else:
                assert piece.pointer is not None
                value = resolve_pointer(json.loads(data), piece.pointer)
                assert excerpt_of(value) == piece.excerpt, piece.pointer
            assert piece.command

    @pytest.mark.parametrize("name", _KNOWN)
    def test_words_are_filled_in_and_objects_are_of_the_registered_kind(self, name: str) -> None:
        for cause in answer(name).root_causes:
            words = [cause.title, cause.summary, *cause.verify]
            words += [text for fix in cause.fix for text in (fix.do, fix.command, fix.changes)]
            assert [word for text in words for word in placeholders(text)] == []
            assert cause.objects[0].split()[0] in causes()[cause.id].object_kinds
            assert cause.fix
            assert cause.verify


@pytest.mark.usefixtures("captures_root", "no_network")
class TestHealthy:
    @pytest.mark.parametrize("name", _HEALTHY)
    def test_nothing_is_wrong_and_the_exit_code_is_0(self, name: str) -> None:
        found = answer(name)
        assert found.root_causes == ()
        assert found.unknown == ()
        assert exit_code(found) is ExitCode.OK

    def test_legacy_without_a_label_is_a_note_until_someone_asks(self) -> None:
        mesh = read_recording(capture("healthy"))
        assert diagnose(mesh).root_causes == ()
        asked = diagnose(mesh, Scope(namespaces=("legacy",), symptom="missing-sidecar"))
        assert [(c.id, c.objects[0]) for c in asked.root_causes] == [
            ("namespace-not-labelled-for-injection", "Namespace legacy")
        ]


@pytest.mark.usefixtures("captures_root", "no_network")
@pytest.mark.parametrize("name", _OTHERS)
def test_a_cause_that_no_playbook_knows_yet_is_never_called_by_another_name(name: str) -> None:
    found = answer(name)
    assert [cause.id for cause in found.root_causes] == []
