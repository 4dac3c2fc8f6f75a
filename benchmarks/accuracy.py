"""How often the root cause is right: each capture against what it is known to hold.

Prints a table, then top-1 (the right id, first and alone), objects (``objects[0]`` among the
expected ones) and false alarms (a healthy mesh with a root cause, or a root cause too many). The
exit code is 1 when any figure is worse than it must be.

Usage: python benchmarks/accuracy.py [FOLDER]    FOLDER holds *.tar.gz and expected.json
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.exit_codes import ExitCode
from meshdoctor.recording.reader import read_recording
from meshdoctor.report.verdict import exit_code

_DEFAULT = Path(__file__).parent.parent.parent / "shared" / "captures"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found in one capture, beside what it holds."""

    name: str
    wanted: tuple[str, ...]
    """Ids of its root causes."""
    objects: frozenset[str]
    """Objects of which one has to come first."""
    found: tuple[str, ...]
    named: tuple[str, ...]
    """The first object of each root cause found."""
    certainty: tuple[str, ...]
    code: ExitCode

    @property
    def is_healthy(self) -> bool:
        """Whether the capture is of a mesh without a fault."""
        return not self.wanted

    @property
    def is_right(self) -> bool:
        """Whether every id was found, in order, and nothing else."""
        if self.is_healthy:
            return not self.found and self.code is ExitCode.OK
        return sorted(self.found) == sorted(self.wanted)

    @property
    def is_top(self) -> bool:
        """Whether the first id is a right one."""
        return bool(self.found) and self.found[0] in self.wanted

    @property
    def names_object(self) -> bool:
        """Whether each object named is one of those at fault."""
        return bool(self.named) and set(self.named) <= self.objects

    @property
    def extra(self) -> tuple[str, ...]:
        """Root causes that are none."""
        return tuple((Counter(self.found) - Counter(self.wanted)).elements())


def answer(folder: Path, name: str, said: dict[str, Any]) -> Answer:
    """Diagnose one capture."""
    found = diagnose(read_recording(folder / f"{name}.tar.gz"))
    cause = said["root_cause"]
    return Answer(
        name=name,
        wanted=() if cause == "none" else tuple(cause.split("+")),
        objects=frozenset(said["objects"]),
        found=tuple(item.id for item in found.root_causes),
        named=tuple(item.objects[0] for item in found.root_causes),
        certainty=tuple(item.certainty.value for item in found.root_causes),
        code=exit_code(found),
    )


def line(item: Answer) -> str:
    """One row of the table."""
    word = "ok" if item.is_right and (item.is_healthy or item.names_object) else "WRONG"
    pairs = zip(item.found, item.named, item.certainty, strict=True)
    found = "; ".join(f"{cause} at {culprit} ({sure})" for cause, culprit, sure in pairs)
    wanted = "" if word == "ok" else f"   expected {' + '.join(item.wanted) or 'nothing'}"
    return f"{word:<6}{item.name:<40}{found or '-'}{wanted}"


def measure(folder: Path) -> bool:
    """Print the table and the figures; whether all are as they must be."""
    expected: dict[str, Any] = json.loads((folder / "expected.json").read_text())
    answers = [answer(folder, name, said) for name, said in sorted(expected.items())]
    for item in answers:
        print(line(item))
    faulty = [item for item in answers if not item.is_healthy]
    top = sum(item.is_top for item in faulty)
    objects = sum(item.is_top and item.names_object for item in faulty)
    extra = sum(len(item.extra) for item in faulty)
    alarmed = [item.name for item in answers if item.is_healthy and not item.is_right]
    print()
    print(f"top-1         {top}/{len(faulty)}")
    print(f"objects       {objects}/{len(faulty)}")
    print(f"extra causes  {extra}")
    print(
        f"false alarms  {len(alarmed)}/{len(answers) - len(faulty)}  {' '.join(alarmed)}".rstrip()
    )
    return top == objects == len(faulty) and not extra and not alarmed


if __name__ == "__main__":
    folder = Path(
        sys.argv[1] if sys.argv[1:] else os.environ.get("MESHDOCTOR_CAPTURES") or _DEFAULT
    )
    if not (folder / "expected.json").is_file():
        # A checkout alone has no captures; the recordings that ship are held by the tests.
        print(f"accuracy: skipped, no captures in {folder} (set MESHDOCTOR_CAPTURES)")
        sys.exit(0)
    sys.exit(not measure(folder))
