"""Fixtures that every test may use."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import NoReturn

import pytest

from meshdoctor.garbage import collect_rarely

# Looking through snapshots for garbage took a third of the tests' time.
collect_rarely()

CHECKOUT = Path(__file__).parent.parent
OFFLINE_ROOMS = (
    "analyze",
    "check",
    "diagnose",
    "diff",
    "imports",
    "intent",
    "model",
    "parse",
    "recording",
    "views",
)


def shared_folder(variable: str, default: str) -> Path:
    """A folder of shared data that an environment variable names."""
    return Path(os.environ.get(variable) or CHECKOUT.parent / "shared" / default)


@pytest.fixture(scope="session")
def captures_root() -> Path:
    folder = shared_folder("MESHDOCTOR_CAPTURES", "captures")
    if not (folder / "expected.json").is_file():
        pytest.skip(f"no captures in {folder} (set MESHDOCTOR_CAPTURES)")
    return folder


@pytest.fixture(scope="session")
def conformance_root() -> Path:
    folder = shared_folder("MESHDOCTOR_CONFORMANCE", "conformance")
    if not folder.is_dir():
        pytest.skip(f"no conformance data in {folder} (set MESHDOCTOR_CONFORMANCE)")
    return folder


@pytest.fixture(scope="session")
def archives_root() -> Path:
    folder = shared_folder("MESHDOCTOR_ARCHIVES", "archives")
    if not folder.is_dir():
        pytest.skip(f"no archives in {folder} (set MESHDOCTOR_ARCHIVES)")
    return folder


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Screens look the same whatever terminal the tests run in."""
    for name in list(os.environ):
        if name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM") or name.startswith("TEXTUAL"):
            monkeypatch.delenv(name)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever opens a connection or asks for a name fails the test."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a test that needs no network opened a connection")

    for method in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, method, refuse)
    for function in ("create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, function, refuse)


@pytest.fixture(autouse=True)
def pure_rooms_stay_offline(request: pytest.FixtureRequest) -> None:
    """Tests of what only reads a recording or a Snapshot need not ask for ``no_network``."""
    rooms = [CHECKOUT / "tests" / "unit" / room for room in OFFLINE_ROOMS]
    if any(room in request.path.parents for room in rooms):
        request.getfixturevalue("no_network")
