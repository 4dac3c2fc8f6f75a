"""How far reading has come, stage by stage: rows of the overview, words of a waiting line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.source import Progress

FILES = "files"
"""The one stage of a recording."""
_NAME, _COUNT = 10, 9


@dataclass(slots=True)
class Stage:
    """One stage of reading: objects, istiod, proxies."""

    name: str
    began: float
    """By the clock of the state, in seconds."""
    what: str = ""
    """What was read last."""
    done: int = 0
    total: int | None = None
    ended: float | None = None

    def take(self, progress: Progress, now: float) -> None:
        """Note that more was read."""
        self.what, self.done, self.total = progress.what, progress.done, progress.total
        self.ended = now if self.is_done else None

    @property
    def is_done(self) -> bool:
        """Whether all of it was read, as far as is known."""
        return self.total is not None and self.done >= self.total

    def count(self) -> str:
        """``34`` when that is all, ``14/60`` on the way."""
        if self.total is None or self.is_done:
            return str(self.done)
        return f"{self.done}/{self.total}"

    def row(self, now: float) -> str:
        """``✓ objects    34        0.3s``."""
        glyph = "✓" if self.is_done else "…"
        seconds = max(0.0, (now if self.ended is None else self.ended) - self.began)
        what = "" if self.is_done else self.what
        return f"{glyph} {self.name:<{_NAME}} {self.count():<{_COUNT}} {seconds:>5.1f}s  {what}"


def in_words(stages: Iterable[Stage]) -> str:
    """``objects 34, proxies 14/60, istiod 1/2``."""
    return ", ".join(f"{stage.name} {stage.count()}" for stage in stages)


def foremost(stages: Iterable[Stage]) -> Stage | None:
    """The stage that a person is waiting for: the longest of those under way; None for none."""
    under_way = [stage for stage in stages if not stage.is_done]
    return max(under_way, key=lambda stage: (stage.total or 0, stage.began), default=None)
