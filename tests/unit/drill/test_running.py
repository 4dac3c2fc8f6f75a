"""One drill is served at a time, and nothing of it is left."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from meshdoctor.drill.running import (
    BusyError,
    NotRunningError,
    Room,
    Running,
    announced,
    claim,
    is_over,
    running,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MESHDOCTOR_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def one(room: Room, kubeconfig: Path | None = None) -> Running:
    return Running(
        drill="D08",
        pid=os.getpid(),
        port=6443,
        token=room.token,
        ca_pem="CA",
        kubeconfig=kubeconfig or room.kubeconfig,
        began=datetime(2026, 11, 21, 8, tzinfo=UTC),
    )


def test_who_serves_is_known_while_it_serves_and_nothing_is_left(data: Path) -> None:
    with claim() as room:
        assert announced() is None
        with pytest.raises(NotRunningError, match="is being started"):
            running()
        room.announce(one(room))
        assert announced() == running() == one(room)
        assert not is_over(os.getpid())
        assert is_over(os.getpid() + 1)
    assert list(data.iterdir()) == []
    assert is_over(os.getpid())
    with pytest.raises(NotRunningError, match="no drill is running"):
        running()


def test_a_second_one_is_told_which_is_the_first() -> None:
    with claim() as room:
        with pytest.raises(BusyError, match="another drill is running"), claim():
            pass
        room.announce(one(room))
        with pytest.raises(BusyError, match="D08 is running; end it first"), claim():
            pass
        assert announced() is not None


def test_what_a_dead_server_left_is_cleared_away_once(data: Path, tmp_path: Path) -> None:
    room = Room(data / "running")
    room.folder.mkdir(parents=True)
    mine = tmp_path / "mine"
    mine.write_text("server: https://127.0.0.1:6443\n")
    room.token.write_text("secret")
    room.announce(one(room, mine))
    with pytest.raises(NotRunningError, match="the server of D08 died"):
        running()
    assert list(data.iterdir()) == []
    assert not mine.exists()
    with pytest.raises(NotRunningError, match="no drill is running"):
        running()


def test_a_kubeconfig_that_became_somebody_elses_stays(data: Path, tmp_path: Path) -> None:
    room = Room(data / "running")
    room.folder.mkdir(parents=True)
    mine = tmp_path / "mine"
    mine.write_text("server: https://10.0.0.1:6443\n")
    room.announce(one(room, mine))
    with claim():
        pass
    assert mine.read_text() == "server: https://10.0.0.1:6443\n"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"drill": "D08"}', '{"began": 1}'])
def test_a_state_that_cannot_be_read_is_none(text: str, data: Path) -> None:
    room = Room(data / "running")
    room.folder.mkdir(parents=True)
    (room.folder / "state.json").write_text(text)
    assert room.read() is None
    with pytest.raises(NotRunningError, match="no drill is running"):
        running()
