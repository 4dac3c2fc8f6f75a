"""What commands do not import: measured in a process of its own, as a person starts it."""

from __future__ import annotations

import subprocess
import sys

import pytest

_LOOK = (
    "import sys\n"
    "from meshdoctor.cli import run\n"
    "run(sys.argv[1:])\n"
    "print('MODULES', *sorted(sys.modules), file=sys.stderr)\n"
)


def imported(*arguments: str) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-c", _LOOK, *arguments], capture_output=True, text=True, check=True
    )
    return set(run.stderr.rpartition("MODULES")[2].split())


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(argument: str) -> None:
    heavy = {"textual", "kubernetes", "httpx", "yaml", "rich", "msgspec", "cryptography"}
    assert imported(argument) & heavy == set()


def test_diagnosing_a_recording_imports_neither_textual_nor_a_client() -> None:
    from meshdoctor.resources import bundled_recordings

    modules = imported("diagnose", str(bundled_recordings()[0]))
    assert modules & {"textual", "kubernetes", "httpx"} == set()
