"""One attempt at a drill: what the candidate asked for, supposed and answered, and the grade."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meshdoctor.drill.answering import is_right
from meshdoctor.drill.grader import Attempt, Grade, Grader

if TYPE_CHECKING:
    from collections.abc import Callable

    from meshdoctor.drill.drill import Drill
    from meshdoctor.drill.world import World


@dataclass
class Play:
    """An attempt, in the app or behind the server that ``drill start`` runs.

    Example:
        play = Play(drill, beginning(drill))
        play.next_hint()
        play.grade().points
    """

    drill: Drill
    world: World
    """The mesh, written to by whoever lets the candidate write."""
    clock: Callable[[], float] = time.monotonic
    """Seconds that run on."""
    grader: Grader = field(default_factory=Grader)
    hints: int = 0
    """How many hints were shown."""
    hypothesis: str | None = None
    """The root cause that the candidate committed to, by id."""
    answers: dict[int, str] = field(default_factory=dict)
    """What was answered to which question, by its index."""
    began: float = 0.0
    """On the clock."""

    def __post_init__(self) -> None:
        """Start the time."""
        self.began = self.began or self.clock()

    @property
    def seconds(self) -> float:
        """Since the drill began."""
        return self.clock() - self.began

    def next_hint(self) -> str | None:
        """Show one more hint, which costs points; None when all three are shown."""
        if self.hints >= len(self.drill.hints):
            return None
        self.hints += 1
        return self.drill.hints[self.hints - 1]

    @property
    def shown_hints(self) -> tuple[str, ...]:
        """The hints that were shown, the first one first."""
        return self.drill.hints[: self.hints]

    def answer(self, index: int, text: str) -> bool:
        """Answer a question on the way; whether it is right.

        Args:
            index: of the question.
            text: as the candidate typed or chose it.
        """
        self.answers[index] = text
        return is_right(self.drill.questions[index], text)

    def suppose(self, cause: str) -> bool:
        """Commit to a hypothesis; whether it is a root cause of this drill.

        Args:
            cause: its id.
        """
        self.hypothesis = cause
        return cause in self.drill.causes

    def grade(self) -> Grade:
        """Grade the mesh as it stands, with what was lost on hints, time and guards."""
        return self.grader.grade(self.drill, self.world, Attempt(self.hints, self.seconds))
