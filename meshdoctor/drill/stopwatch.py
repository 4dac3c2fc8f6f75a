"""The time of an attempt: it stands still once the mesh is mended, until somebody writes again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Stopwatch:
    """A clock that can be held.

    Whoever passes a check and reads the report for an hour has not needed that hour.
    """

    clock: Callable[[], float] = time.monotonic
    """Seconds that run on."""
    _held: float | None = None
    _version: int = 0

    def __call__(self) -> float:
        """Seconds, as the attempt counts them."""
        return self.clock() if self._held is None else self._held

    def hold(self, version: int) -> None:
        """Stand still while the mesh stays as it is.

        Args:
            version: of the mesh: it rises with every write.
        """
        if self._held is None:
            self._held, self._version = self.clock(), version

    def look(self, version: int) -> None:
        """Run on where the mesh was written to since; what went by meanwhile counts then.

        Args:
            version: of the mesh, now.
        """
        if version != self._version:
            self._held = None
