"""``meshdoctor mtls``: the matrix as a table and as JSON, and what narrows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from meshdoctor.cli import run
from meshdoctor.exit_codes import ExitCode
from meshdoctor.resources import recordings_root

if TYPE_CHECKING:
    import pytest

CONFLICT = str(recordings_root() / "mtls-conflict.tar.gz")
HEALTHY = str(recordings_root() / "healthy.tar.gz")


def table(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["mtls", *arguments]) == ExitCode.OK
    return capsys.readouterr().out


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(table(capsys, *arguments, "-o", "json"))
    return found


def test_what_fails_stands_first_with_the_objects_that_decide(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = table(capsys, CONFLICT)
    header, *lines = out.splitlines()
    assert header.split()[:2] == ["WORKS", "FROM"]
    assert lines[0].startswith("fails")
    assert lines[-1].startswith("works")
    broken = [row for row in rows(capsys, CONFLICT) if row["works"] == "fails"]
    assert ["DestinationRule shop/payments-plain", "PeerAuthentication pay/default"] in [
        row["objects"] for row in broken
    ]


def test_only_broken_says_when_nothing_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert table(capsys, HEALTHY, "--only-broken") == "Nothing fails.\n"
    assert {row["works"] for row in rows(capsys, CONFLICT, "--only-broken")} == {"fails"}


def test_a_client_a_destination_and_a_namespace_narrow_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = rows(capsys, CONFLICT, "--from", "deploy/client-v1", "--to", "payments.pay")
    assert [(row["clients"], row["works"]) for row in one] == [
        (["Deployment shop/client-v1"], "fails")
    ]
    legacy = rows(capsys, CONFLICT, "-n", "legacy")
    assert all(
        any("legacy/" in name for name in (*row["clients"], *row["servers"])) for row in legacy
    )
    assert legacy


def test_each_gives_every_destination_a_row_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    together, apart = rows(capsys, HEALTHY), rows(capsys, HEALTHY, "--each")
    assert any(len(row["destinations"]) > 1 for row in together)
    assert all(len(row["destinations"]) == 1 for row in apart)
    pairs = [
        sorted(
            (client, place["host"], row["works"])
            for row in found
            for client in row["clients"]
            for place in row["destinations"]
        )
        for found in (together, apart)
    ]
    assert pairs[0] == pairs[1]


def test_a_destination_that_is_not_there_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["mtls", CONFLICT, "--to", "nowhere.pay"]) == ExitCode.USAGE
    assert "nowhere.pay" in capsys.readouterr().err
