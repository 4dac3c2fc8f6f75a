"""Where shipped data lives: in the wheel, or in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def recordings_root() -> Path:
    """The folder of bundled recordings: the wheel's, else the checkout's."""
    packaged = _PACKAGE / "_recordings"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "recordings"


def bundled_recordings() -> list[Path]:
    """Every bundled recording, by name."""
    return sorted(recordings_root().glob("*.tar.gz"))
