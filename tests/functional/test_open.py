"""``meshdoctor open``: in a terminal of its own, and what it says before there is any screen."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import zipfile
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.conftest import CHECKOUT
from tests.functional.scene import recording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SECONDS = 30
_IMPORTS = (
    "import sys\n"
    "import meshdoctor.app\n"
    "print(*sorted({name.partition('.')[0] for name in sys.modules}))\n"
)


def test_the_app_imports_no_parser_no_analyzer_and_no_client_before_its_first_paint() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _IMPORTS], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    heavy = {"yaml", "msgspec", "cryptography", "jsonschema", "kubernetes", "httpx"}
    assert "textual" in run.stdout.split()
    assert heavy.intersection(run.stdout.split()) == set()


class Terminal:
    """A terminal with a program in it, driven as a person would."""

    def __init__(self, width: int, height: int, command: str) -> None:
        self.name = f"meshdoctor-{uuid4().hex[:8]}"
        self.tmux("new-session", "-d", "-x", str(width), "-y", str(height), command)

    def tmux(self, *arguments: str) -> str:
        verb, *rest = arguments
        named = ("-s", self.name) if verb == "new-session" else ("-t", self.name)
        run = subprocess.run(
            ["tmux", "-L", self.name, verb, *named, *rest],
            capture_output=True,
            text=True,
            check=True,
            cwd=CHECKOUT,
        )
        return run.stdout

    def wait_for(self, words: str) -> str:
        until = time.monotonic() + _SECONDS
        while words not in (screen := self.tmux("capture-pane", "-p")):
            assert time.monotonic() < until, f"no {words!r} in:\n{screen}"
            time.sleep(0.1)
        return screen


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    made: list[Terminal] = []
    yield made
    for terminal in made:
        subprocess.run(["tmux", "-L", terminal.name, "kill-server"], check=False)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_in_a_real_terminal_keys_lead_from_the_recording_to_the_fix_and_q_leaves(
    terminals: list[Terminal], tmp_path: Path
) -> None:
    code = tmp_path / "code"
    name = recording("service-selector-mismatch")
    command = f"{sys.executable} -m meshdoctor open {name}; echo $? >{code}; sleep 60"
    terminal = Terminal(80, 24, command)
    terminals.append(terminal)
    screen = terminal.wait_for("1 root cause found")
    assert "✗ error" in screen
    assert "What is wrong(1)" in screen
    assert all(len(line) <= 80 for line in screen.splitlines())
    terminal.tmux("send-keys", "Enter")
    terminal.wait_for("<diagnosis>")
    terminal.tmux("send-keys", "Right", "Right", "Right")
    terminal.wait_for("kubectl patch service ratings")
    terminal.tmux("send-keys", "c")
    terminal.wait_for("Copied: kubectl patch")
    terminal.tmux("send-keys", "q")
    terminal.wait_for("What is wrong(1)")
    terminal.tmux("send-keys", "q")
    until = time.monotonic() + _SECONDS
    while not code.is_file() or not code.read_text("utf-8"):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert code.read_text("utf-8").strip() == "0"


def unreadable(folder: Path) -> list[Path]:
    empty, zipped, text = folder / "empty.tar.gz", folder / "mesh.zip", folder / "notes.txt"
    empty.write_bytes(b"")
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("recording.json", "{}")
    text.write_text("no archive at all\n" * 50, encoding="utf-8")
    return [folder / "absent.tar.gz", empty, zipped, text]


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_what_cannot_be_opened_is_one_line_and_exit_code_2_before_any_screen(
    terminals: list[Terminal], tmp_path: Path
) -> None:
    for number, path in enumerate(unreadable(tmp_path)):
        said = tmp_path / f"said-{number}"
        command = f"{sys.executable} -m meshdoctor open {path} 2>{said}; echo code $?; sleep 60"
        terminal = Terminal(100, 24, command)
        terminals.append(terminal)
        screen = terminal.wait_for("code ")
        assert screen.split() == ["code", "2"]
        assert len(said.read_text("utf-8").splitlines()) == 1
        assert path.name in said.read_text("utf-8")
