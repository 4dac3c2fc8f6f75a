"""Edited copies of captures: what a recording of nearly the same mesh would hold."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.diagnose.diagnosis import diagnose
from meshdoctor.recording.reader import read_recording
from tests.captures.test_missing_inputs import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from meshdoctor.model.diagnosis import Diagnosis, Scope
    from meshdoctor.model.snapshot import Snapshot


@dataclass(frozen=True)
class Copy:
    """One capture, unpacked, to be changed."""

    folder: Path

    @contextmanager
    def items(self, plural: str) -> Iterator[list[dict[str, Any]]]:
        """The objects of one kind; what is changed is written back."""
        path = next(self.folder.glob(f"kubernetes/*/*/{plural}.json"))
        document = json.loads(path.read_text())
        document["items"] = document.get("items") or []
        yield document["items"]
        path.write_text(json.dumps(document))

    def files(self, pattern: str) -> list[Path]:
        """Files of the copy; there must be one at least."""
        found = sorted(self.folder.glob(pattern))
        assert found, pattern
        return found

    def remove(self, pattern: str) -> None:
        """Take files away."""
        for path in self.files(pattern):
            path.unlink()

    def rewrite_lines(self, pattern: str, change: Callable[[int, str], str | None]) -> None:
        """Change every line of some files; None takes a line away."""
        for path in self.files(pattern):
            lines = path.read_text(errors="replace").split("\n")
            kept = [change(number, line) for number, line in enumerate(lines)]
            path.write_text("\n".join(line for line in kept if line is not None))

    def silence(self, pattern: str) -> None:
        """Take the access log out of some logs; what the agent says stays."""
        self.rewrite_lines(pattern, lambda _, line: None if line[:1] in ("[", "{") else line)

    @property
    def mesh(self) -> Snapshot:
        """The copy as it is now."""
        return read_recording(self.folder)

    def answer(self, scope: Scope | None = None) -> Diagnosis:
        """What is wrong with it."""
        return diagnose(self.mesh, scope)


def copy_of(name: str, folder: Path) -> Copy:
    """Unpack a capture to edit it."""
    unpack(name, folder)
    return Copy(folder)


def named(found: Diagnosis) -> list[tuple[str, str]]:
    """Id and object at fault of each root cause."""
    return [(cause.id, cause.objects[0]) for cause in found.root_causes]


def unknown_ids(found: Diagnosis) -> set[str]:
    """What can be neither found nor ruled out."""
    return {item.id for item in found.unknown}


def codes_of(found: Diagnosis) -> set[str]:
    """Codes of everything that is not in order."""
    return {item.code for item in found.findings}
