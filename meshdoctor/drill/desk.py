"""Where a candidate who plays with kubectl asks for hints, answers, and is graded."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

from meshdoctor.diagnose.library import causes
from meshdoctor.drill.drill_text import drill_lines, explanation_lines, solution_lines
from meshdoctor.drill.grade_document import grade_document
from meshdoctor.drill.grader import HINT_COSTS
from meshdoctor.drill.play import Play
from meshdoctor.drill.serving import broken
from meshdoctor.drill.stopwatch import Stopwatch
from meshdoctor.drill.world import World
from meshdoctor.serve.control import Control
from meshdoctor.serve.control_path import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rich.text import Text

    from meshdoctor.drill.drill import Drill, Question
    from meshdoctor.serve.server import Server


def _nothing() -> None:
    """Nobody wants to know."""


def choices_of(question: Question) -> tuple[str, ...]:
    """What is offered, in an order that says nothing about which is right."""
    return tuple(sorted(question.choices, key=str.casefold))


def _plain(lines: Iterable[Text]) -> list[str]:
    return [line.plain for line in lines]


@dataclass(frozen=True, slots=True)
class Desk:
    """Answers what ``meshdoctor drill check`` and the like ask of the process that serves."""

    play: Play
    stop: Callable[[], object] = _nothing
    """Ends the server, once the answer is under way."""
    watch: Stopwatch = field(default_factory=Stopwatch)
    """The clock of the play."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def control(self) -> Control:
        """This desk on the server's private path."""
        return Control(self.token, self.answer)

    def answer(self, verb: str, given: Mapping[str, Any]) -> object:
        """Answer one command.

        Args:
            verb: status, task, hint, questions, answer, suppose, check, reset or stop.
            given: what the command was told.

        Raises:
            ControlError: there is no such verb, question or cause.
        """
        self.watch.look(self._version)
        match verb:
            case "status":
                return self._status()
            case "task":
                return {"lines": _plain(drill_lines(self.play.drill))}
            case "hint":
                return self._hint()
            case "questions":
                return self._questions()
            case "answer":
                return self._answer(given)
            case "suppose":
                return self._suppose(str(given.get("cause") or ""))
            case "check":
                return self._check()
            case "reset":
                self.play.world.reset()
                return {"drill": self.play.drill.id}
            case "stop":
                return self._stop()
        raise ControlError(f"nobody knows how to {verb!r} here")

    @property
    def _version(self) -> int:
        return self.play.world.cluster.store.version

    def _status(self) -> dict[str, Any]:
        play = self.play
        return {
            "drill": play.drill.id,
            "seconds": round(play.seconds, 1),
            "minutes": play.drill.minutes,
            "seconds_left": round(play.drill.minutes * 60 - play.seconds, 1),
            "hints": play.hints,
            "questions": len(play.drill.questions),
            "answered": len(play.answers),
            "hypothesis": play.hypothesis,
        }

    def _hint(self) -> dict[str, Any]:
        shown = self.play.hints
        hint = self.play.next_hint()
        return {
            "number": self.play.hints,
            "of": len(self.play.drill.hints),
            "hint": hint,
            "costs": HINT_COSTS[shown] if hint is not None else 0,
            "shown": list(self.play.shown_hints),
        }

    def _questions(self) -> list[dict[str, Any]]:
        return [
            {
                "number": number,
                "topic": question.topic,
                "ask": question.ask,
                "choices": list(choices_of(question)),
                "answered": self.play.answers.get(number - 1),
            }
            for number, question in enumerate(self.play.drill.questions, start=1)
        ]

    def _answer(self, given: Mapping[str, Any]) -> dict[str, Any]:
        questions = self.play.drill.questions
        number, text = given.get("number"), str(given.get("text") or "")
        if not isinstance(number, int) or not 1 <= number <= len(questions):
            raise ControlError(f"there is no question {number}; there are 1 to {len(questions)}")
        question = questions[number - 1]
        offered = dict(zip(ascii_lowercase, choices_of(question), strict=False))
        right = self.play.answer(number - 1, offered.get(text.strip().lower(), text))
        return {"right": right, "because": question.because if right else ""}

    def _suppose(self, cause: str) -> dict[str, Any]:
        known = sorted({one.id for one in causes().values()})
        if cause not in known:
            near = get_close_matches(cause, known)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise ControlError(f"no root cause is called {cause!r}{hint}")
        self.play.suppose(cause)
        return {"hypothesis": cause}

    def _check(self) -> dict[str, Any]:
        grade = self.play.grade()
        if grade.passed:
            self.watch.hold(self._version)
        return {
            **grade_document(grade),
            "seconds": round(self.play.seconds, 1),
            "minutes": self.play.drill.minutes,
        }

    def _stop(self) -> dict[str, Any]:
        play = self.play
        ended = {
            **self._check(),
            "ended": datetime.now(UTC).isoformat(),
            "hints": play.hints,
            "hypothesis": play.hypothesis,
            "right_hypothesis": play.drill.is_cause(play.hypothesis),
            "causes": list(play.drill.causes),
            "explanation": _plain(explanation_lines(play.drill)),
            "solution": _plain(solution_lines(play.drill)),
        }
        self.stop()
        return ended


def open_desk(server: Server, drill: Drill, stop: Callable[[], object] = _nothing) -> Desk:
    """Break a server's mesh as a drill wants it, and let its desk answer; the time runs from here.

    Args:
        server: it does not listen yet.
        drill: what is played.
        stop: ends the server.

    Raises:
        EditError: an edit of its set-up does not fit the recording.
    """
    world = broken(World(server.cluster), drill)
    watch = Stopwatch()
    desk = Desk(Play(drill, world, clock=watch), stop, watch)
    server.control = desk.control
    return desk
