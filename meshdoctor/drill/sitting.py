"""Sitting an exam: time runs, tasks are opened and left, and all of it is on disk at once."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from meshdoctor.drill import history
from meshdoctor.drill.exam import Ending, ExamError, TaskState
from meshdoctor.drill.grader import Grader
from meshdoctor.drill.history import Result
from meshdoctor.drill.journal import Journal
from meshdoctor.drill.library import drills
from meshdoctor.drill.play import Play
from meshdoctor.drill.serving import beginning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from meshdoctor.drill.drill import Drill
    from meshdoctor.drill.exam import Exam, Task
    from meshdoctor.drill.exam_files import ExamFiles
    from meshdoctor.drill.grader import Grade

_SAVED_EVERY = 5.0
"""Seconds of the clock that a crash may give back."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Sitting:
    """An exam while the candidate sits it.

    Example:
        sitting = Sitting(drawn_exam(drills(), now), ExamFiles())
        play = sitting.open(0)
        sitting.leave(is_done=True)
        sitting.end(Ending.HANDED_IN)
    """

    def __init__(
        self,
        exam: Exam,
        files: ExamFiles,
        *,
        library: Iterable[Drill] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _utc_now,
        grader: Grader | None = None,
    ) -> None:
        """Begin an exam, or go on with it where it stood.

        Args:
            exam: as it was drawn or loaded.
            files: where it is kept.
            library: the drills; the project's own unless they are given.
            clock: seconds that run on.
            now: the time of day.
            grader: grades tasks.

        Raises:
            ExamError: a drill of the exam is not among the drills.
            OSError: the exam cannot be kept.
        """
        self._drills = {one.id: one for one in (drills() if library is None else library)}
        if missing := [one.drill for one in exam.tasks if one.drill not in self._drills]:
            raise ExamError(f"exam {exam.id} asks for {', '.join(missing)}: no such drill")
        self.exam = exam
        self._files, self._clock, self._now = files, clock, now
        self._grader = grader or Grader()
        self._used, self._began, self._saved = exam.used, clock(), clock()
        self._open: tuple[int, Play, Journal] | None = None
        self._save()

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return max(0.0, self.exam.minutes * 60 - self._used_by_now())

    def _used_by_now(self) -> float:
        if self.exam.is_over:
            return self.exam.used
        return min(self._used + self._clock() - self._began, self.exam.minutes * 60)

    @property
    def opened(self) -> int | None:
        """The index of the task that is open."""
        return self._open[0] if self._open else None

    def drill_of(self, index: int) -> Drill:
        """The drill behind a task."""
        return self._drills[self.exam.tasks[index].drill]

    def open(self, index: int) -> Play:
        """Open a task, with all that was done to its mesh before.

        Args:
            index: of the task, from 0.

        Raises:
            ExamError: the exam is over.
            OSError: what is done cannot be kept.
        """
        if self.exam.is_over:
            raise ExamError("the exam is over")
        self.leave()
        task, drill = self.exam.tasks[index], self.drill_of(index)
        play = Play(drill, beginning(drill), self._clock, self._grader)
        play.began, play.hypothesis = self._clock() - task.seconds, task.hypothesis
        journal = Journal(self._files.journal_of(self.exam, drill.id), play.world)
        self._open = index, play, journal
        # Without a grade it is known, after a crash, that the journal has the last word.
        self._change(index, replace(task, state=TaskState.OPENED, grade=None))
        return play

    def leave(self, *, is_done: bool = False) -> str:
        """Leave the open task, if there is one: its mesh is graded as it stands.

        Args:
            is_done: whether the candidate thinks that it is mended.

        Returns:
            Why something of it could not be kept; empty when everything was.

        Raises:
            OSError: the exam cannot be kept.
        """
        if self._open is None:
            return ""
        index, play, journal = self._open
        state = TaskState.DONE if is_done else TaskState.OPENED
        left = replace(self._so_far(index, play), state=state, grade=self._graded(play))
        self._open = None
        journal.close()
        play.world.close()
        self._change(index, left)
        return journal.failure

    def _so_far(self, index: int, play: Play) -> Task:
        task = self.exam.tasks[index]
        return replace(task, seconds=play.seconds, hypothesis=play.hypothesis)

    def _graded(self, play: Play) -> Grade:
        # The exam has one clock for all tasks: no task has a limit of its own.
        return self._grader.grade(play.drill, play.world)

    def flag(self, index: int) -> bool:
        """Flag a task for later, or take the flag away; whether it has one now."""
        task = self.exam.tasks[index]
        self._change(index, replace(task, is_flagged=not task.is_flagged))
        return not task.is_flagged

    def tick(self) -> bool:
        """Look at the clock, and keep what it says now and then; whether time is up."""
        if not self.exam.is_over and self._clock() - self._saved >= _SAVED_EVERY:
            self._save()
        return not self.exam.is_over and self.left <= 0

    def end(self, ending: Ending) -> None:
        """End the exam: every opened task is graded as it stands, the rest counts nothing.

        Args:
            ending: why.

        Raises:
            OSError: the exam or the history cannot be kept.
        """
        if self.exam.is_over:
            return
        self.leave()
        tasks = tuple(self._final(task) for task in self.exam.tasks)
        used, ended = self._used_by_now(), self._now()
        self.exam = replace(self.exam, tasks=tasks, used=used, ended=ended, ending=ending)
        self._files.save(self.exam)
        for task in tasks:
            if task.grade is not None:
                history.append(self._result(task, task.grade, ended), self._files.folder)

    def _final(self, task: Task) -> Task:
        """With a grade, also where a crash left the task open."""
        if task.state is TaskState.NOT_OPENED or task.grade is not None:
            return task
        drill = self._drills[task.drill]
        play = Play(drill, beginning(drill), self._clock, self._grader)
        Journal(self._files.journal_of(self.exam, drill.id), play.world).close()
        return replace(task, grade=self._graded(play))

    def _result(self, task: Task, grade: Grade, ended: datetime) -> Result:
        return Result(
            drill=task.drill,
            ended=ended,
            seconds=task.seconds,
            points=grade.points,
            passed=grade.passed,
            hints=0,
            hypothesis=task.hypothesis,
            right_hypothesis=self._drills[task.drill].is_cause(task.hypothesis),
            mode="exam",
        )

    def _change(self, index: int, task: Task) -> None:
        self._put(index, task)
        self._save()

    def _put(self, index: int, task: Task) -> None:
        tasks = self.exam.tasks
        self.exam = replace(self.exam, tasks=(*tasks[:index], task, *tasks[index + 1 :]))

    def _save(self) -> None:
        """Keep everything, what was used of the time so far included."""
        self._saved = self._clock()
        if self._open is not None:
            index, play, _ = self._open
            self._put(index, self._so_far(index, play))
        self.exam = replace(self.exam, used=self._used_by_now())
        self._files.save(self.exam)
