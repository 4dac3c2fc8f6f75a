"""No planted secret stands in any report, whether the recording was redacted or not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.model.evidence import Evidence
from meshdoctor.model.finding import Fact, FactState
from meshdoctor.recording.archive import open_archive
from meshdoctor.recording.reader import read_recording
from meshdoctor.recording.redact import Redactor
from meshdoctor.report.circumstances import redaction_line
from meshdoctor.report.document import Document, document_of
from meshdoctor.report.formats import Format, render
from meshdoctor.report.hiding import Hider
from meshdoctor.resources import recordings_root
from tests.planted_secrets import plant_everywhere, planted_secrets, surviving
from tests.report.documents import session

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = pytest.mark.parametrize("format_", list(Format), ids=str)


@pytest.fixture(scope="module")
def quoting() -> Document:
    """A report whose evidence, messages and reasons quote every planted secret, unredacted."""
    mesh, diagnosis = session("mtls-conflict").snapshot(), session("mtls-conflict").diagnosis()
    (cause,) = diagnosis.root_causes
    texts = [secret.text for secret in planted_secrets()]
    evidence = tuple(
        Evidence("logs/shop/web-1/app.log", text, "kubectl logs web-1 -n shop", line=number)
        for number, text in enumerate(texts, start=1)
    )
    first = diagnosis.findings[0]
    findings = tuple(
        replace(first, message=text, facts=(Fact("seen", FactState.HOLDS, text, evidence[:1]),))
        for text in texts
    )
    told = replace(diagnosis, root_causes=(replace(cause, evidence=evidence),), findings=findings)
    return document_of(mesh, told)


def test_the_secrets_are_of_at_least_25_kinds_and_would_be_seen() -> None:
    assert len({secret.kind for secret in planted_secrets()}) >= 25
    everything = "\n".join(secret.text for secret in planted_secrets())
    assert len(surviving(everything.encode())) >= 25


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("curl -H 'Authorization: Bearer $TOKEN' http://a/", None),
        ("another root than Secret shop/ca-secret: Deployment shop/web and 3 more", None),
        ("curl -H 'Authorization: Bearer abc123' http://a/", "<secret:1>"),
        ("Secret shop/ca-secret: Deployment shop/web, password: hunter2", "<secret:"),
    ],
)
def test_what_only_looks_like_a_secret_in_our_own_words_stays(text: str, shown: str | None) -> None:
    made = Hider().hide("command", text)
    assert (made == text) if shown is None else (shown in made and made != text)


@FORMATS
def test_no_secret_that_evidence_quotes_is_in_a_report(quoting: Document, format_: Format) -> None:
    assert surviving(render(quoting, format_).encode()) == []


def test_a_report_that_hid_something_itself_says_so(quoting: Document) -> None:
    assert quoting.hidden_late >= 25
    assert redaction_line(quoting).endswith("texts were hidden from this report.")


def test_reports_of_a_recording_with_secrets_are_equal_byte_by_byte(quoting: Document) -> None:
    mesh = session("mtls-conflict").snapshot()
    plain = replace(
        quoting.diagnosis,
        findings=tuple(
            replace(item, message=secret.text)
            for item, secret in zip(quoting.diagnosis.findings, planted_secrets(), strict=True)
        ),
    )
    one, two = document_of(mesh, plain), document_of(mesh, plain)
    assert render(one, Format.JSON) == render(two, Format.JSON)
    assert "<secret:1>" in render(one, Format.JSON)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Document:
    """The report of a mesh full of secrets, recorded through the redactor."""
    root, redacted = tmp_path_factory.mktemp("planted"), tmp_path_factory.mktemp("redacted")
    for entry in open_archive(recordings_root() / "mtls-conflict.tar.gz").entries():
        _put(root / entry.path, entry.data)
    plant_everywhere(root)
    redactor = Redactor()
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        name = str(path.relative_to(root))
        _put(redacted / name, redactor.redact(name, path.read_bytes()))
    mesh = read_recording(redacted)
    told = replace(mesh.about.provenance, tool_version="1.2.3", redactions=redactor.log())
    mesh = replace(mesh, about=replace(mesh.about, provenance=told))
    return document_of(mesh, diagnose(mesh))


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@FORMATS
def test_a_report_of_a_redacted_recording_tells_what_was_hidden_and_no_secret(
    recorded: Document, format_: Format
) -> None:
    text = render(recorded, format_)
    assert surviving(text.encode()) == []
    assert "hidden before anything was written" in text or format_ is Format.JSON
    assert "private key in PEM" in text or format_ is Format.JUNIT
    assert recorded.diagnosis.root_causes
