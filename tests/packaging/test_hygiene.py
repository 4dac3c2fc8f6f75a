"""The project speaks of meshdoctor alone: no machine's paths, no registry's host, no secret."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest

from tests.conftest import CHECKOUT

_TEXT = re.compile(r"\.(py|md|yaml|toml|tcss|json|lock|txt|svg)$|Makefile|\.ci/run|LICENSE")
_FORBIDDEN = re.compile(r"(?<![\w.])/(work|root|home/\w+)/|pypi\.org|pythonhosted|(?<!emit-)index-url")


def tracked() -> list[str]:
    run = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    return [name for name in run.stdout.splitlines() if _TEXT.search(name)]


def test_nothing_names_a_machine_or_a_registry() -> None:
    names = tracked()
    if not names:
        pytest.skip("not a git checkout")
    found = []
    for name in names:
        if name.startswith("tests/packaging/") or not (CHECKOUT / name).is_file():
            continue
        for number, line in enumerate((CHECKOUT / name).read_text().splitlines(), start=1):
            if _FORBIDDEN.search(line):
                found.append(f"{name}:{number}: {line.strip()[:80]}")
    assert found == []


def test_every_dependency_is_locked_with_hashes() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = [re.split(r"[<>=]", item)[0].strip().lower() for item in wanted]
    locked = (CHECKOUT / "requirements/dev.lock").read_text().lower()
    assert [name for name in names if not re.search(rf"^{name}==", locked, re.MULTILINE)] == []
    assert locked.count("--hash=sha256:") > locked.count("==")
