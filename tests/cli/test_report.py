"""``meshdoctor report``: where it goes, what is kept, and how it exits."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from meshdoctor.cli import run
from meshdoctor.exit_codes import ExitCode
from meshdoctor.report.formats import Format
from meshdoctor.resources import recordings_root

HEALTHY = str(recordings_root() / "healthy.tar.gz")
BROKEN = str(recordings_root() / "mtls-conflict.tar.gz")


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["report", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("recording", [HEALTHY, BROKEN], ids=["healthy", "broken"])
def test_it_exits_as_diagnose_does(recording: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, recording)[0] == run(["diagnose", recording])


@pytest.mark.parametrize(
    ("format_", "begins"),
    [
        ("markdown", "# meshdoctor: "),
        ("html", "<!DOCTYPE html>"),
        ("json", '{\n  "format": "meshdoctor.report/v1"'),
        ("sarif", '{\n  "$schema"'),
        ("junit", "<?xml "),
        ("text", "1 root cause found"),
    ],
)
def test_each_format_goes_to_stdout_or_to_a_file_of_its_ending(
    format_: str, begins: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, err = answer(capsys, BROKEN, "-f", format_)
    assert (code, err) == (ExitCode.ROOT_CAUSE, "")
    assert out.lstrip().startswith(begins)
    path = tmp_path / f"report{Format(format_).suffix}"
    code, told, err = answer(capsys, BROKEN, "-o", str(path))
    assert (code, told) == (ExitCode.ROOT_CAUSE, f"{path}\n")
    assert "1 root cause found" in err
    assert path.read_text("utf-8") == out


def test_markdown_is_what_one_gets_without_asking(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, HEALTHY) == answer(capsys, HEALTHY, "-f", "markdown", "-o", "-")


def test_a_file_that_ends_as_no_format_does_is_not_written_as_markdown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "incident.pdf"
    code, told, err = answer(capsys, BROKEN, "-o", str(path))
    assert (code, told) == (ExitCode.USAGE, "")
    assert "incident.pdf ends as no format does (.md .html .json .sarif .xml .txt)" in err
    assert not path.exists()
    assert answer(capsys, BROKEN, "-f", "text", "-o", str(path))[0] == ExitCode.ROOT_CAUSE
    assert answer(capsys, BROKEN, "-o", str(tmp_path / "incident"))[0] == ExitCode.ROOT_CAUSE
    assert (tmp_path / "incident").read_text("utf-8").startswith("# meshdoctor: ")


def test_a_question_narrows_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = answer(capsys, BROKEN, "-n", "legacy", "-s", "missing-sidecar", "-f", "json")
    told = json.loads(out)
    assert told["scope"]["symptom"] == "missing-sidecar"
    assert [item["id"] for item in told["ran"]["playbooks"] if not item["skipped"]] == [
        "missing-sidecar"
    ]
    assert code == told["exit_code"]


def test_a_file_that_exists_is_overwritten_only_when_told_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "report.md"
    path.write_text("mine")
    code, out, err = answer(capsys, HEALTHY, "-o", str(path))
    assert (code, out, path.read_text()) == (ExitCode.USAGE, "", "mine")
    assert err == f"meshdoctor: {path} exists and is not overwritten (--force replaces it)\n"
    assert answer(capsys, HEALTHY, "-o", str(path), "--force")[0] == ExitCode.OK
    assert path.read_text().startswith("# meshdoctor: No root cause")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "says"), [("no/such/report.md", "there is no folder"), ("", "is a folder")]
)
def test_a_place_where_nothing_can_be_written_is_one_line(
    name: str, says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, err = answer(capsys, HEALTHY, "-o", str(tmp_path / name))
    assert (code, out, err.count("\n")) == (ExitCode.USAGE, "", 1)
    assert says in err


def test_html_is_not_poured_into_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    code, out, err = answer(capsys, HEALTHY, "-f", "html")
    assert (code, out) == (ExitCode.USAGE, "")
    assert "HTML is for a browser: name a file with -o FILE, or pipe it" in err


class TestMask:
    def test_the_map_is_kept_apart_and_for_its_owner_alone(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        map_path = tmp_path / "names.json"
        code, out, err = answer(capsys, BROKEN, "--mask-map", str(map_path))
        assert (code, err) == (ExitCode.ROOT_CAUSE, "")
        assert "shop" not in out
        assert stat.S_IMODE(map_path.stat().st_mode) == 0o600
        told = json.loads(map_path.read_text())
        assert told["format"] == "meshdoctor.mask/v1"
        assert told["names"]["shop"] in out
        assert {"10.244.0.35"} <= told["addresses"].keys()

    def test_a_map_that_is_there_is_kept_to(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        map_path = tmp_path / "names.json"
        known = {"format": "meshdoctor.mask/v1", "names": {"shop": "ns-42"}, "addresses": {}}
        map_path.write_text(json.dumps(known))
        _, out, _ = answer(capsys, BROKEN, "--mask-map", str(map_path))
        assert "DestinationRule ns-42/" in out
        assert json.loads(map_path.read_text())["names"]["shop"] == "ns-42"
        assert stat.S_IMODE(map_path.stat().st_mode) == 0o600

    def test_without_a_map_it_is_said_that_none_was_kept(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, out, err = answer(capsys, BROKEN, "--mask")
        assert code == ExitCode.ROOT_CAUSE
        assert "shop" not in out
        assert err == "meshdoctor: masked; the map was not kept (--mask-map FILE keeps it)\n"

    @pytest.mark.parametrize(
        "text", ["", "[]", '{"format": "x"}', '{"format": "meshdoctor.mask/v1", "names": {"a": 1}}']
    )
    def test_a_file_that_is_no_map_is_left_alone(
        self, text: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        map_path = tmp_path / "names.json"
        map_path.write_text(text)
        code, out, err = answer(capsys, BROKEN, "--mask-map", str(map_path))
        assert (code, out, map_path.read_text()) == (ExitCode.USAGE, "", text)
        assert "is not a map that --mask-map has written" in err
