"""``meshdoctor trace`` at the command line, on the recordings that ship."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from meshdoctor.cli import run
from meshdoctor.exit_codes import ExitCode
from meshdoctor.resources import recordings_root
from tests.captures.editing import Copy
from tests.captures.test_missing_inputs import unpack

if TYPE_CHECKING:
    from pathlib import Path

HEALTHY = str(recordings_root() / "healthy.tar.gz")
SELECTOR = str(recordings_root() / "service-selector-mismatch.tar.gz")


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["trace", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_request_that_is_delivered_is_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = answer(capsys, "--from", "deploy/client-v1", "--to", "ratings:8080", HEALTHY)
    assert code == ExitCode.OK
    assert "delivered" in out
    assert "Service shop/ratings" in out


def test_a_predicted_failure_is_exit_code_1_with_status_flag_and_object(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = answer(
        capsys, "--from", "deploy/client-v1", "--to", "ratings:8080", SELECTOR, "-o", "json"
    )
    assert code == ExitCode.ROOT_CAUSE
    (outcome,) = json.loads(out)["outcomes"]
    assert (outcome["status"], outcome["flags"]) == (503, ["UH"])
    assert outcome["objects"][0] == "Service shop/ratings"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--from", "deploy/nobody", "--to", "ratings:8080"), "nothing called deploy/nobody"),
        (("--from", "deploy/client-v1", "--to", "rating:8080"), "did you mean ratings.shop"),
        (("--from", "deploy/client-v1", "--to", "ratings:0"), "no destination"),
        (("--from", "deploy/client-v1", "--to", "ratings", "--header", "x"), "no header"),
        (("--from", "deploy/client-v1", "--to", "ratings", "--jwt-claims", "x"), "claims"),
    ],
)
def test_what_is_not_there_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = answer(capsys, *arguments, HEALTHY)
    assert (code, out, err.count("\n")) == (ExitCode.USAGE, "", 1)
    assert says in err


def test_a_client_that_was_not_read_is_walked_by_its_objects(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, captures_root: Path
) -> None:
    unpack("healthy", tmp_path)
    Copy(tmp_path).remove("proxies/shop/client-*/config_dump.json")
    asked = ("--from", "deploy/client-v1", "--to", "ratings:8080", str(tmp_path))
    code, out, _ = answer(capsys, *asked)
    assert code == ExitCode.OK
    assert "as the objects ask; the proxy was not read" in out
    assert "(from the objects)" in out


def test_a_client_of_which_neither_proxy_nor_objects_were_read_is_exit_code_4(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, captures_root: Path
) -> None:
    unpack("healthy", tmp_path)
    copy = Copy(tmp_path)
    copy.remove("proxies/shop/client-*/config_dump.json")
    copy.remove("kubernetes/networking.istio.io/v1/virtualservices.json")
    asked = ("--from", "deploy/client-v1", "--to", "ratings:8080", str(tmp_path))
    code, out, _ = answer(capsys, *asked)
    assert code == ExitCode.UNREAD
    assert "unknown" in out


def test_glyphs_have_words_beside_them_and_give_way_to_ascii(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from meshdoctor.cli import trace

    arguments = ("--from", "deploy/client-v1", "--to", "ratings:8080", SELECTOR)
    assert "✗ fails" in answer(capsys, *arguments)[1]
    monkeypatch.setattr(trace, "_is_ascii_only", lambda: True)
    _, out, _ = answer(capsys, *arguments)
    assert "x fails" in out
    assert out.isascii()


def test_the_same_recording_gives_the_same_walk(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--from", "deploy/client-v1", "--to", "reviews:8080", HEALTHY, "-o", "json")
    first = answer(capsys, *arguments)
    assert first == answer(capsys, *arguments)
    shares = [item["share"] for item in json.loads(first[1])["outcomes"]]
    assert sum(shares) == pytest.approx(1.0)
