"""What programs read: the JSON and the SARIF schema, and JUnit through parsers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft4Validator, Draft202012Validator

from meshdoctor.exit_codes import ExitCode
from meshdoctor.model.diagnosis import Unknown
from meshdoctor.model.not_read import NotRead, NotReadStatus
from meshdoctor.report.diagnosis_json import diagnosis_json
from meshdoctor.report.document import Document
from meshdoctor.report.formats import Format, render
from meshdoctor.report.report_json import report_json
from meshdoctor.report.sarif import sarif
from tests.conftest import CHECKOUT
from tests.report.documents import ALL, document, masked_document

SCHEMA = json.loads((CHECKOUT / "docs" / "schema" / "report.schema.json").read_text("utf-8"))
DIAGNOSIS = json.loads(
    (CHECKOUT / "meshdoctor" / "report" / "diagnosis.schema.json").read_text("utf-8")
)
# The standard's own schema, as the MIT-licensed npm package @microsoft/jest-sarif bundles it.
SARIF = json.loads((Path(__file__).parent / "sarif-2.1.0-rtm.5.json").read_text("utf-8"))


def complaints(schema: Any, value: Any) -> list[str]:
    kind = Draft4Validator if schema is SARIF else Draft202012Validator
    return [
        f"{list(error.path)}: {error.message[:200]}" for error in kind(schema).iter_errors(value)
    ]


def with_gaps(made: Document) -> Document:
    gap = NotRead("kubernetes/core/v1/events.json", NotReadStatus.DENIED, "forbidden")
    unknown = Unknown("pods-not-ready", ("kubernetes/core/events",), "denied")
    told = replace(made.diagnosis, not_read=(gap,), required_unread=(gap,), unknown=(unknown,))
    return replace(made, diagnosis=told, exit_code=ExitCode.UNREAD)


@pytest.mark.parametrize("name", ALL)
def test_json_keeps_to_the_published_schema(name: str) -> None:
    for made in (document(name), masked_document(name)[0], with_gaps(document(name))):
        assert complaints(SCHEMA, json.loads(render(made, Format.JSON))) == []


@pytest.mark.parametrize("gone", ["format", "verdict", "redactions", "root_causes"])
def test_a_report_that_lacks_a_key_does_not_keep_to_the_schema(gone: str) -> None:
    made = report_json(document("healthy"))
    del made[gone]
    assert complaints(SCHEMA, made)


@pytest.mark.parametrize("name", ALL)
def test_a_report_says_all_that_diagnose_says(name: str) -> None:
    made = document(name)
    said, more = diagnosis_json(made.diagnosis, made.about), report_json(made)
    assert said.pop("recording").items() <= more["recording"].items()
    assert {key: more[key] for key in said} == said


def test_the_published_schema_asks_for_all_that_diagnoses_schema_asks_for() -> None:
    assert set(DIAGNOSIS["required"]) < set(SCHEMA["required"])
    for name, asked in DIAGNOSIS["properties"].items():
        if name != "recording":
            assert SCHEMA["properties"][name] == asked


@pytest.mark.parametrize("name", ALL)
def test_sarif_keeps_to_the_standards_schema(name: str) -> None:
    for made in (document(name), masked_document(name)[0], with_gaps(document(name))):
        assert complaints(SARIF, json.loads(render(made, Format.SARIF))) == []


def test_sarif_that_is_wrong_is_seen_by_the_schema() -> None:
    made = sarif(document("mtls-conflict"))
    made["runs"][0]["results"][0]["level"] = "fatal"
    assert complaints(SARIF, made)


def test_sarif_points_at_the_line_of_a_log_and_names_the_object() -> None:
    (run,) = sarif(document("subset-not-defined"))["runs"]
    result = run["results"][0]
    (place,) = result["locations"]
    assert result["ruleId"] == run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"]
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "VirtualService shop/reviews"
    assert place["properties"]["pointer"].startswith("/items/")
    lines = [
        item["physicalLocation"]["region"]["startLine"]
        for item in result["relatedLocations"]
        if item["physicalLocation"]["artifactLocation"]["uri"].endswith("istio-proxy.log")
    ]
    assert lines
    assert all(line > 1 for line in lines)


def test_sarif_says_what_was_not_read_and_how_it_ended() -> None:
    (run,) = sarif(with_gaps(document("healthy")))["runs"]
    (invocation,) = run["invocations"]
    assert invocation["exitCode"] == ExitCode.UNREAD
    (told,) = invocation["toolExecutionNotifications"]
    assert "events.json was not read: denied (forbidden)" in told["message"]["text"]
    assert run["results"] == [item for item in run["results"] if item["level"] == "note"]


def counted(suites: ElementTree.Element) -> dict[str, int]:
    return {
        attribute: len(list(suites.iter(tag)))
        for attribute, tag in (
            ("tests", "testcase"),
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        )
    }


@pytest.mark.parametrize("name", ALL)
def test_junits_counts_are_those_of_its_cases(name: str) -> None:
    for made in (document(name), with_gaps(document(name))):
        suites = ElementTree.fromstring(render(made, Format.JUNIT))
        assert {key: int(suites.get(key, "-1")) for key in counted(suites)} == counted(suites)
        for suite in suites:
            assert {key: int(suite.get(key, "-1")) for key in counted(suite)} == counted(suite)
        cases = [(case.get("classname"), case.get("name")) for case in suites.iter("testcase")]
        assert all(all(case) for case in cases)


@pytest.mark.parametrize("name", ALL)
def test_junit_is_red_where_the_exit_code_is(name: str) -> None:
    for made in (document(name), with_gaps(document("healthy"))):
        counts = counted(ElementTree.fromstring(render(made, Format.JUNIT)))
        is_green = made.exit_code in (ExitCode.OK, ExitCode.WARNINGS)
        assert (counts["failures"] + counts["errors"] == 0) is is_green


@pytest.mark.parametrize("name", ["mtls-conflict", "healthy"])
def test_a_junit_parser_reads_what_we_write(name: str, tmp_path: Path) -> None:
    junitparser = pytest.importorskip("junitparser", reason="junitparser is not installed")
    path = tmp_path / "report.xml"
    path.write_text(render(document(name), Format.JUNIT), "utf-8")
    suites = list(junitparser.JUnitXml.fromfile(str(path)))
    assert [suite.name for suite in suites] == ["playbooks", "findings", "gaps"]
    failed = [
        case.name
        for suite in suites
        for case in suite
        if any(isinstance(result, junitparser.Failure) for result in case.result)
    ]
    causes = document(name).diagnosis.root_causes
    assert [f"{cause.id}: {cause.objects[0]}" for cause in causes] == failed[: len(causes)]
    assert bool(failed) is bool(causes)
