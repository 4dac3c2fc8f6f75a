"""Exams on disk: a folder each, with the exam itself and a journal for each opened task."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from meshdoctor.drill.exam import Exam, ExamError
from meshdoctor.drill.history import data_folder

if TYPE_CHECKING:
    from pathlib import Path

_FOLDER, _FILE = "exams", "exam.json"


@dataclass(frozen=True, slots=True)
class ExamFiles:
    """Where exams are kept."""

    folder: Path = field(default_factory=data_folder)
    """The person's data directory."""

    def _of(self, exam_id: str) -> Path:
        return self.folder / _FOLDER / exam_id

    def journal_of(self, exam: Exam, drill: str) -> Path:
        """Where the journal of a task lies."""
        return self._of(exam.id) / f"{drill}.jsonl"

    def save(self, exam: Exam) -> None:
        """Keep an exam as it stands: the old file stays until the new one is whole.

        Raises:
            OSError: it cannot be written.
        """
        path = self._of(exam.id) / _FILE
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        anew = path.with_suffix(".new")
        handle = os.open(anew, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(exam), indent=1))
            file.flush()
            os.fsync(file.fileno())
        anew.replace(path)

    def load(self, exam_id: str) -> Exam:
        """One exam.

        Raises:
            ExamError: there is none of this id, or it cannot be read.
        """
        path = self._of(exam_id) / _FILE
        if exam_id not in self.ids():
            known = ", ".join(self.ids()) or "none"
            raise ExamError(f"there is no exam {exam_id!r}; there are {known}")
        try:
            return msgspec.json.decode(path.read_bytes(), type=Exam)
        except (OSError, UnicodeDecodeError, msgspec.MsgspecError) as error:
            raise ExamError(f"{path} cannot be read: {error}") from None

    def ids(self) -> tuple[str, ...]:
        """The ids of every exam, the oldest first."""
        return tuple(
            sorted(path.parent.name for path in (self.folder / _FOLDER).glob(f"*/{_FILE}"))
        )

    def latest(self, *, over: bool) -> Exam:
        """The latest exam that is over, or that is not.

        Raises:
            ExamError: there is none.
        """
        broken = ""
        for exam_id in reversed(self.ids()):
            try:
                exam = self.load(exam_id)
            except ExamError as error:
                broken = f"; {error}"
                continue
            if exam.is_over is over:
                return exam
        what = "was ended" if over else "is under way"
        raise ExamError(f"no exam {what}{broken}")
