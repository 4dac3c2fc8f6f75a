"""Every report says what a reader needs to believe it, in every format, whole or partial."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.model.provenance import Provenance, Redaction
from meshdoctor.recording.archive import open_archive
from meshdoctor.recording.reader import read_recording
from meshdoctor.report.document import Document, document_of
from meshdoctor.report.formats import Format, render
from meshdoctor.report.report_json import report_json
from meshdoctor.resources import recordings_root
from tests.report.documents import document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("subset-not-defined", "jwt-missing-token", "gateway-credential-missing", "healthy")
DENIED = "kubernetes/networking.k8s.io/v1/networkpolicies.json"
REASON = "networkpolicies is forbidden: no rights to list them"
TOLD = Provenance(
    tool_version="0.1.2",
    context="prod-7",
    server="api.prod-7:6443",
    asked=(("namespace", "shop"),),
    logs="the last 2000 lines",
    interrupted="the API server went away",
    redactions=(Redaction("proxies/shop/x/istio-proxy.log", "bearer", 3),),
)


def partial(folder: Path) -> Document:
    """A recording of whose NetworkPolicies the reading was denied."""
    for entry in open_archive(recordings_root() / "subset-not-defined.tar.gz").entries():
        if entry.path == DENIED:
            continue
        target = folder / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(entry.data)
    manifest = json.loads((folder / "recording.json").read_text("utf-8"))
    manifest["errors"] = [{"what": DENIED, "status": "denied", "reason": REASON}]
    (folder / "recording.json").write_text(json.dumps(manifest), "utf-8")
    mesh = read_recording(folder)
    made = document_of(mesh, diagnose(mesh))
    return replace(made, about=replace(made.about, provenance=TOLD))


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _words(item)
    elif isinstance(value, list):
        for item in value:
            yield from _words(item)
    else:
        yield str(value)


def said(made: Document, format_: Format) -> str:
    """The report's words, without the format's own quoting and line breaks."""
    text = render(made, format_)
    if format_ in (Format.JSON, Format.SARIF):
        text = " ".join(_words(json.loads(text)))
    else:
        text = html.unescape(re.sub(r"</?text[^>]*>", " ", text))
    return " ".join(text.replace("`", "'").split())


def wanted(made: Document) -> Iterator[str]:
    """What the frame asks of every report."""
    whole = report_json(made)
    recording = whole["recording"]
    yield from (whole["verdict"], whole["meshdoctor"], recording["captured_at"][:10])
    yield from (recording["name"], recording["istio"], recording["kubernetes"])
    yield from (item["id"] for item in whole["ran"]["playbooks"])
    yield from (item["id"] for item in whole["ruled_out"])
    yield from (item["because"] for item in whole["ruled_out"])
    # What the API server does not serve is a fact and no gap.
    gaps = [item for item in whole["not_read"] if item["status"] != "not-installed"]
    yield from (item["what"] for item in gaps)
    for item in whole["unknown"]:
        yield from (item["id"], item["why_missing"], *item["needs"])
    yield from (item["message"] for item in whole["findings"])
    for cause in whole["root_causes"]:
        yield from (cause["title"], cause["certainty"], *cause["verify"], *cause["docs"])
        for fix in cause["fix"]:
            yield from fix.values()
        for item in cause["evidence"][:8]:
            yield from (item["source"], item["command"])
        for item in cause["affected"][:6]:
            yield from (item["from"], item["to"])


def missing(made: Document, format_: Format) -> list[str]:
    """What is asked for and not said."""
    text = said(made, format_)
    asked = (" ".join(item.replace("`", "'").split()) for item in wanted(made))
    return [item for item in asked if item not in text]


@pytest.mark.parametrize("format_", list(Format), ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_every_format_says_what_ran_what_was_found_and_what_to_do(
    name: str, format_: Format
) -> None:
    made = document(name)
    assert sum(1 for _ in wanted(made)) >= 25
    assert missing(made, format_) == []


@pytest.mark.parametrize("format_", list(Format), ids=str)
def test_every_format_says_what_was_denied_who_read_and_what_was_hidden(
    format_: Format, tmp_path: Path
) -> None:
    made = partial(tmp_path)
    text = said(made, format_)
    assert REASON in text
    assert "denied" in text
    assert "networkpolicy-blocks-traffic" in {item.id for item in made.diagnosis.unknown}
    for item in made.diagnosis.unknown:
        assert item.id in text
    for word in ("prod-7", "api.prod-7:6443", "0.1.2", "the last 2000 lines", "went away"):
        assert word in text
    assert "bearer" in text
    lacking = [item for item in made.analyzers if item.lacked]
    assert lacking
    for analyzer in lacking:
        assert analyzer.name in text
        assert all(lack in text for lack in analyzer.lacked)


@pytest.mark.parametrize("format_", list(Format), ids=str)
def test_what_is_left_out_of_a_report_would_be_missed(format_: Format) -> None:
    made = document("subset-not-defined")
    (cause,) = made.diagnosis.root_causes
    (fix, *others) = cause.fix
    other = replace(cause, fix=(replace(fix, undo="undo it like this"), *others))
    told = replace(made, diagnosis=replace(made.diagnosis, root_causes=(other,)))
    assert "undo it like this" in said(told, format_)
    assert "undo it like this" not in said(made, format_)
