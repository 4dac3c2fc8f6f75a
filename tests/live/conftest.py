"""Servers that play bundled recordings; one of each serves all tests that only read."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tests.live.played import BROKEN, HEALTHY, Played, load, playing

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def broken_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with playing(load(BROKEN), tmp_path_factory.mktemp(BROKEN)) as played:
        yield played


@pytest.fixture(scope="session")
def healthy_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with playing(load(HEALTHY), tmp_path_factory.mktemp(HEALTHY)) as played:
        yield played


@pytest.fixture
def broken(broken_server: Played, capsys: pytest.CaptureFixture[str]) -> Iterator[Played]:
    """A mesh with one root cause, ``subset-not-defined``."""
    yield from _clean(broken_server, capsys)


@pytest.fixture
def healthy(healthy_server: Played, capsys: pytest.CaptureFixture[str]) -> Iterator[Played]:
    """A mesh where nothing is wrong."""
    yield from _clean(healthy_server, capsys)


def _clean(played: Played, capsys: pytest.CaptureFixture[str]) -> Iterator[Played]:
    played.capsys = capsys
    played.reset()
    yield played
    played.reset()


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other quickly: how long the pauses are has tests of its own."""
    monkeypatch.setattr("meshdoctor.collect.retry._FIRST", 0.02)


@pytest.fixture(autouse=True)
def the_server_has_no_fault_of_its_own(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A handler that fails would pass for a fault on demand."""
    with caplog.at_level(logging.ERROR, logger="aiohttp.server"):
        yield
    assert not [one.getMessage() for one in caplog.records if one.name == "aiohttp.server"]
