"""A recording against a live mesh."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from meshdoctor.cli import run
from meshdoctor.exit_codes import ExitCode
from tests.live.played import BROKEN, RECORDINGS

if TYPE_CHECKING:
    import pytest

    from tests.live.played import Played
