"""What an importer is, and what it is shown to recognise its kind of archive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshdoctor.imports.draft import Draft
    from meshdoctor.recording.archive import Entry


@dataclass(frozen=True, slots=True)
class Survey:
    """A first look at something that is no recording."""

    names: tuple[str, ...]
    """The path of every file in it; one for a plain file."""
    heads: Mapping[str, bytes]
    """How some of the files begin, unpacked."""


class Importer(Protocol):
    """Makes a recording of one kind of archive."""

    @property
    def title(self) -> str:
        """How a person calls the kind: ``an istioctl bug-report``."""

    def recognises(self, survey: Survey) -> bool:
        """Whether it is one, told by what is in it; the archive's own name says nothing."""

    def convert(self, entries: Iterable[Entry], survey: Survey, draft: Draft) -> None:
        """Put what the archive holds where a recording keeps it.

        Args:
            entries: every file, unpacked, one at a time.
            survey: the first look.
            draft: the recording to be; also told what is known to be missing.
        """
