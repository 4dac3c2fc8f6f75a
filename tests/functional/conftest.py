"""What every test of the app has: no blinking cursor, and a wide berth around the clock."""

from __future__ import annotations

import pytest
from textual.widgets import Input


@pytest.fixture(autouse=True)
def still_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cursor that blinks makes two pictures of one screen."""
    monkeypatch.setattr(Input, "_toggle_cursor", lambda self: None)
