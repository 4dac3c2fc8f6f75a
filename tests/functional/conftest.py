"""What every test of the app has: a plain terminal, and a cursor that does not blink."""

from __future__ import annotations

import os

import pytest
from textual.widgets import Input


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Screens look the same whatever terminal the tests run in."""
    for name in list(os.environ):
        # The comparison of pictures keeps its own folder in the environment.
        textual = name.startswith("TEXTUAL") and not name.startswith("TEXTUAL_SNAPSHOT")
        if textual or name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def still_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cursor that blinks makes two pictures of one screen."""
    monkeypatch.setattr(Input, "_toggle_cursor", lambda self: None)
