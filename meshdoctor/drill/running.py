"""The one drill that is served at a time: who serves it, where, and what it leaves on disk."""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from meshdoctor.drill.history import data_folder
from meshdoctor.serve.kubeconfig import write_private

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER, _STATE, _LOCK, _TOKEN, _KUBECONFIG = (
    "running",
    "state.json",
    "lock",
    "token",
    "kubeconfig",
)
_PATIENCE, _PAUSE = 1.0, 0.05
"""Seconds that a look at the lock may delay who wants it."""


class BusyError(Exception):
    """Another drill is being served."""

    def __init__(self, running: Running | None) -> None:
        """Say which.

        Args:
            running: the other one; None while it does not listen yet.
        """
        name = running.drill if running else "another drill"
        super().__init__(
            f"{name} is running; end it first (meshdoctor drill stop), there is one drill at a time"
        )


class NotRunningError(Exception):
    """No drill is being served; the message says so, and what to do."""


@dataclass(frozen=True, slots=True)
class Running:
    """The drill that is being served, as its server wrote it down."""

    drill: str
    pid: int
    port: int
    """On 127.0.0.1."""
    token: Path
    """The file with the token of the private path."""
    ca_pem: str
    """The server's certificate authority."""
    kubeconfig: Path
    began: datetime
    """On the wall clock, in UTC."""


@dataclass(frozen=True, slots=True)
class Room:
    """The folder of the drill that is being served; mode 0700, and gone with the server."""

    folder: Path

    @property
    def token(self) -> Path:
        """The file with the token of the private path."""
        return self.folder / _TOKEN

    @property
    def kubeconfig(self) -> Path:
        """Where the kubeconfig lies unless another file is asked for."""
        return self.folder / _KUBECONFIG

    def announce(self, running: Running) -> None:
        """Write down that the server listens, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        document = {
            "drill": running.drill,
            "pid": running.pid,
            "port": running.port,
            "token": str(running.token),
            "ca_pem": running.ca_pem,
            "kubeconfig": str(running.kubeconfig),
            "began": running.began.isoformat(),
        }
        half = self.folder / f"{_STATE}.half"
        write_private(half, json.dumps(document))
        half.replace(self.folder / _STATE)

    def read(self) -> Running | None:
        """What was announced; None where nothing was, or nothing that can be read."""
        try:
            document = json.loads((self.folder / _STATE).read_bytes())
            return Running(
                drill=str(document["drill"]),
                pid=int(document["pid"]),
                port=int(document["port"]),
                token=Path(document["token"]),
                ca_pem=str(document["ca_pem"]),
                kubeconfig=Path(document["kubeconfig"]),
                began=datetime.fromisoformat(document["began"]),
            )
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, KeyError, TypeError):
            return None

    def clear(self) -> None:
        """Take away every file, those of a server that died included."""
        running = self.read()
        if running is not None and _is_ours(running):
            running.kubeconfig.unlink(missing_ok=True)
        for name in (_STATE, f"{_STATE}.half", _TOKEN, _KUBECONFIG):
            (self.folder / name).unlink(missing_ok=True)


def _is_ours(running: Running) -> bool:
    """Whether a kubeconfig still is what a server wrote: it may be somebody else's by now."""
    try:
        text = running.kubeconfig.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return f"https://127.0.0.1:{running.port}" in text


def _room() -> Room:
    return Room(data_folder().absolute() / _FOLDER)


@contextmanager
def claim() -> Iterator[Room]:
    """Be the one who serves a drill while the block runs; what it leaves is cleared away.

    Yields:
        The room.

    Raises:
        BusyError: another process is.
        OSError: the data directory cannot be written.
    """
    room = _room()
    handle = _locked(room)
    try:
        room.clear()
        yield room
    finally:
        room.clear()
        # Under the lock: who waits for it sees that this file is gone, and makes another.
        (room.folder / _LOCK).unlink(missing_ok=True)
        os.close(handle)
        with suppress(OSError):
            room.folder.rmdir()


def _locked(room: Room) -> int:
    """The lock's file, locked.

    The lock goes with the process, however it ends: a server that was killed holds none.
    """
    end = time.monotonic() + _PATIENCE
    path = room.folder / _LOCK
    while True:
        room.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            if time.monotonic() > end:
                raise BusyError(room.read()) from None
            time.sleep(_PAUSE)
            continue
        with suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(handle).st_ino:
                return handle
        os.close(handle)


def _is_served(room: Room) -> bool:
    """Whether some process holds the lock."""
    try:
        handle = os.open(room.folder / _LOCK, os.O_RDWR)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def announced() -> Running | None:
    """The drill whose server lives and listens; None where there is none."""
    room = _room()
    return room.read() if _is_served(room) else None


def running() -> Running:
    """The drill that is being served.

    Raises:
        NotRunningError: there is none, or its server died; what that left is cleared away.
        OSError: the data directory cannot be read.
    """
    room = _room()
    found = room.read()
    if _is_served(room):
        if found is not None:
            return found
        raise NotRunningError("a drill is being started; ask again in a moment")
    if found is None:
        raise NotRunningError("no drill is running; meshdoctor drill start NAME begins one")
    with claim():
        pass
    raise NotRunningError(
        f"the server of {found.drill} died, and the attempt with it; "
        f"meshdoctor drill start {found.drill} begins it again"
    )


def is_over(pid: int) -> bool:
    """Whether the server of a process has ended and cleared away what it left."""
    room = _room()
    found = room.read()
    return not room.folder.exists() or (found is not None and found.pid != pid)
