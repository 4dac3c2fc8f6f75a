"""The project speaks of meshdoctor alone: no machine's paths, no registry's host."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

_TEXT = re.compile(
    r"\.(py|md|yaml|toml|tcss|json|lock|txt|svg|golden)$|(^|/)(Makefile|LICENSE|\.gitignore)$|^\.ci/run$"
)
_FORBIDDEN = re.compile(
    r"(?<![\w.-])/(work|root|home/\w+)(?![\w-])"
    r"|pypi\.org|pythonhosted|(?<!no-emit-)(index-url|find-links)"
)
_MADE_HERE = {"dist", "build", "__pycache__"}


def project_files() -> list[str]:
    """What git tracks or would add; in an unpacked source archive, every file."""
    run = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    names = run.stdout.splitlines() or [
        str(path.relative_to(CHECKOUT)) for path in CHECKOUT.rglob("*") if not made_here(path)
    ]
    return [name for name in names if _TEXT.search(name) and (CHECKOUT / name).is_file()]


def made_here(path: Path) -> bool:
    parts = path.relative_to(CHECKOUT).parts
    return any(part in _MADE_HERE or (part.startswith(".") and part != ".ci") for part in parts)


def test_nothing_names_a_machine_or_a_registry() -> None:
    names = project_files()
    assert {"pyproject.toml", "Makefile", "requirements/run.lock"} <= set(names)
    found = [
        f"{name}:{number}: {line.strip()[:80]}"
        for name in names
        if not name.startswith("tests/packaging/")
        for number, line in enumerate((CHECKOUT / name).read_text("utf-8").splitlines(), start=1)
        if _FORBIDDEN.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    ["cd /work/main", "HOME=/root", "'/home/ann/mesh'", "--index-url x", "files.pythonhosted"],
)
def test_a_line_that_names_one_is_seen(line: str) -> None:
    assert _FORBIDDEN.search(line)


@pytest.mark.parametrize(
    "line", ["/var/run/secrets/root-cert.pem", "docs/work", "/workload", "--no-emit-index-url"]
)
def test_a_line_that_only_looks_alike_is_left_alone(line: str) -> None:
    assert not _FORBIDDEN.search(line)
