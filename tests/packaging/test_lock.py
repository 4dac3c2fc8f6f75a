"""The lock is what CI installs: complete, hashed, and silent about where packages come from."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from tests.conftest import CHECKOUT

_LOCKS = ["requirements/run.lock", "requirements/dev.lock"]
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)")


def name_of(requirement: str) -> str:
    """The name as the lock writes it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!~;\[ ]", requirement)[0]).lower()


def pins(lock: str) -> dict[str, str]:
    lines = (CHECKOUT / lock).read_text().splitlines()
    return {found[1].lower(): found[2] for line in lines if (found := _PIN.match(line))}


def project() -> dict[str, Any]:
    return tomllib.loads((CHECKOUT / "pyproject.toml").read_text())


def test_every_dependency_is_in_the_lock_that_installs_it() -> None:
    wanted = project()
    run = {name_of(item) for item in wanted["project"]["dependencies"]}
    dev = run | {name_of(item) for item in wanted["dependency-groups"]["dev"]}
    build = {name_of(item) for item in wanted["build-system"]["requires"]}
    assert run - pins("requirements/run.lock").keys() == set()
    assert (dev | build) - pins("requirements/dev.lock").keys() == set()


def test_tests_run_with_the_versions_that_people_get() -> None:
    dev = pins("requirements/dev.lock")
    run = pins("requirements/run.lock")
    assert {name: dev.get(name) for name in run} == run


@pytest.mark.parametrize("lock", _LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    blocks = re.split(r"\n(?=\S)", (CHECKOUT / lock).read_text().strip())
    assert [block[:60] for block in blocks if not _PIN.match(block)] == []
    assert [block[:60] for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("lock", _LOCKS)
def test_no_lock_says_where_packages_come_from(lock: str) -> None:
    text = (CHECKOUT / lock).read_text()
    assert re.findall(r"\w+://\S*|--(?!hash=)[a-z-]+|@ \S+", text) == []
