"""Commands, options and exit codes, as a person and a script use them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from meshdoctor.cli import _COMMANDS, run
from meshdoctor.exit_codes import ExitCode
from meshdoctor.resources import recordings_root
from tests.conftest import CHECKOUT

HEALTHY = str(recordings_root() / "healthy.tar.gz")
SELECTOR = str(recordings_root() / "service-selector-mismatch.tar.gz")
MISSING = str(recordings_root() / "missing-sidecar.tar.gz")
REJECTED = str(recordings_root() / "envoyfilter-rejected.tar.gz")


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("name", list(_COMMANDS))
def test_every_command_has_help_and_stands_in_the_readme(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = answer(capsys, name, "--help")
    assert code == ExitCode.OK
    assert "Usage: meshdoctor " + name in out
    assert f"meshdoctor {name}" in (CHECKOUT / "README.md").read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nosuch",),
        ("diagnose",),
        ("diagnose", HEALTHY, "-o", "xml"),
        ("diagnose", HEALTHY, "-r", SELECTOR),
        ("proxy-config", "cluster"),
        ("istiod-logs", HEALTHY, "--since", "yesterday"),
    ],
)
def test_bad_usage_is_exit_code_2_with_words_on_stderr_alone(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = answer(capsys, *arguments)
    assert code == ExitCode.USAGE
    assert out == ""
    assert "Traceback" not in err
    assert err.strip()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("diagnose", "no-such-recording"), "no-such-recording does not exist"),
        (("diagnose", HEALTHY, "--symptom", "teapot"), "no playbook knows the symptom 'teapot'"),
        (("diagnose", HEALTHY, "-n", "nowhere"), "there is no namespace nowhere"),
        (("diagnose", HEALTHY, "--from", "deploy/nobody"), "nothing called deploy/nobody"),
        (("proxy-config", "cluster", "nobody", HEALTHY), "nothing called nobody"),
        (("proxy-config", "cluster", "deploy/legacy-api-v1", HEALTHY), "nothing of a proxy"),
        (("playbooks", "show", "teapot"), "no playbook knows 'teapot'"),
    ],
)
def test_what_is_not_there_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = answer(capsys, *arguments)
    assert (code, out, err.count("\n")) == (ExitCode.USAGE, "", 1)
    assert says in err


class TestScope:
    def test_another_namespace_has_no_root_cause(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _ = answer(capsys, "diagnose", SELECTOR, "-n", "pay", "-o", "json")
        assert json.loads(out)["root_causes"] == []
        assert code == ExitCode.OK

    def test_the_callers_namespace_and_the_destinations_both_have_it(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, _, _ = answer(capsys, "diagnose", SELECTOR, "-n", "shop")
        assert code == ExitCode.ROOT_CAUSE

    @pytest.mark.parametrize("to", ["ratings", "ratings:8080", "ratings.shop.svc.cluster.local"])
    def test_a_destination_may_be_short_or_full(
        self, to: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, _, _ = answer(capsys, "diagnose", SELECTOR, "--to", to)
        assert code == ExitCode.ROOT_CAUSE

    def test_another_destination_is_not_at_fault(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, _, _ = answer(capsys, "diagnose", SELECTOR, "--to", "web")
        assert code == ExitCode.OK

    def test_a_destination_that_is_not_there_is_said(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, _, err = answer(capsys, "diagnose", SELECTOR, "--to", "ratings:9999")
        assert code == ExitCode.USAGE
        assert "9999" in err

    def test_a_caller_sees_what_it_calls(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert answer(capsys, "diagnose", SELECTOR, "--from", "deploy/client-v1")[0] == 1
        assert answer(capsys, "diagnose", SELECTOR, "--from", "deploy/web-v1")[0] == 0

    def test_a_symptom_may_be_named_in_the_persons_own_words(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, out, _ = answer(
            capsys, "diagnose", HEALTHY, "-s", "missing-sidecar", "-n", "legacy", "-o", "json"
        )
        assert code == ExitCode.ROOT_CAUSE
        (cause,) = json.loads(out)["root_causes"]
        assert cause["id"] == "namespace-not-labelled-for-injection"
        assert cause["objects"][0] == "Namespace legacy"

    def test_a_symptom_that_is_not_met_finds_nothing(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, out, _ = answer(
            capsys, "diagnose", SELECTOR, "--symptom", "stale-proxy", "-o", "json"
        )
        assert code == ExitCode.OK
        assert json.loads(out)["root_causes"] == []


class TestViews:
    @pytest.mark.parametrize(
        "command",
        [
            ("proxy-status",),
            ("webhooks",),
            ("certificates",),
            ("namespaces",),
            ("revisions",),
            ("istiod-logs",),
            ("proxy-config", "cluster", "deploy/client-v1"),
            ("proxy-config", "listener", "deploy/client-v1"),
            ("proxy-config", "route", "deploy/client-v1"),
            ("proxy-config", "endpoint", "deploy/client-v1"),
            ("proxy-config", "secret", "deploy/client-v1"),
        ],
        ids=" ".join,
    )
    def test_every_view_is_a_table_and_json(
        self, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, text, err = answer(capsys, *command, HEALTHY)
        assert (code, err) == (ExitCode.OK, "")
        assert len(text.splitlines()) > 1
        assert "\x1b[" not in text
        assert not any(line.endswith(" ") for line in text.splitlines())
        code, out, _ = answer(capsys, *command, HEALTHY, "-o", "json")
        assert code == ExitCode.OK
        assert json.loads(out)

    def test_a_rejected_push_shows_as_error_with_the_proxys_reason(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        _, out, _ = answer(capsys, "proxy-status", REJECTED, "-n", "shop")
        (row,) = [line for line in out.splitlines() if line.startswith("client-v1")]
        assert "ERROR" in row
        assert "Error adding/updating listener" in row

    def test_a_pod_without_a_connection_is_a_row_too(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        blocked = str(recordings_root() / "proxy-cannot-reach-istiod.tar.gz")
        _, out, _ = answer(capsys, "proxy-status", blocked)
        assert sum("NOT CONNECTED" in line for line in out.splitlines()) == 6

    def test_the_recording_may_come_by_option_or_environment(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        by_option = answer(capsys, "namespaces", "-r", HEALTHY)
        monkeypatch.setenv("MESHDOCTOR_RECORDING", HEALTHY)
        assert answer(capsys, "namespaces") == by_option

    def test_what_was_not_read_is_said_on_stderr_and_never_shown_as_none(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "recording.json").write_text(
            json.dumps({"format": "meshdoctor.recording/v1", "captured_at": "2026-11-21T08:00:00Z"})
        )
        code, out, err = answer(capsys, "namespaces", str(tmp_path))
        assert code == ExitCode.OK
        assert out == "Unknown: namespaces could not be read.\n"
        assert err.startswith("meshdoctor: not read: ")
        code, out, _ = answer(capsys, "diagnose", str(tmp_path), "-o", "json")
        assert code == ExitCode.UNREAD
        found = json.loads(out)
        assert found["root_causes"] == []
        assert len(found["unknown"]) >= 20


def test_opening_without_a_terminal_prints_the_diagnosis(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = answer(capsys, "open", SELECTOR)
    assert code == ExitCode.OK
    assert "service-selector-mismatch" in out


def test_playbooks_are_sound_and_can_be_listed_and_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert answer(capsys, "playbooks", "lint")[0] == ExitCode.OK
    assert "missing-sidecar" in answer(capsys, "playbooks", "list")[1]
    assert "root cause service-selector-mismatch" in answer(capsys, "playbooks", "show", "503")[1]


def test_a_reader_that_leaves_early_does_not_change_the_exit_code() -> None:
    command = f"{sys.executable} -m meshdoctor diagnose {SELECTOR} | true; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], cwd=CHECKOUT, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (ExitCode.ROOT_CAUSE, b"")
