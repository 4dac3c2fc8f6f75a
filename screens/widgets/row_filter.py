"""Which rows of a table are shown: a regular expression, faults only, one namespace."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from screens.widgets.row import Row


@dataclass(frozen=True)
class RowFilter:
    """What a person asked to see of a table."""

    text: str = ""
    """A regular expression, case ignored; ``!`` in front inverts it."""
    faults_only: bool = False
    namespace: str = ""
    """Empty for all."""

    @cached_property
    def _finds(self) -> Callable[[str], bool]:
        pattern = self.text.removeprefix("!")
        try:
            search = re.compile(pattern, re.IGNORECASE).search
        except re.error:
            # Half a pattern, while it is being typed, is looked for as it stands.
            plain = pattern.casefold()
            return lambda line: plain in line.casefold()
        return lambda line: search(line) is not None

    @property
    def is_empty(self) -> bool:
        """Whether every row passes."""
        return not (self.text or self.faults_only or self.namespace)

    @property
    def is_clearable(self) -> bool:
        """Whether there is something that esc clears."""
        return bool(self.text or self.faults_only)

    def admits(self, row: Row) -> bool:
        """Whether a row is shown; rows of no namespace pass for every namespace."""
        if self.faults_only and not row.is_fault:
            return False
        if self.namespace and row.namespace and row.namespace != self.namespace:
            return False
        if self.text in ("", "!"):
            return True
        return self._finds(row.plain) is not self.text.startswith("!")

    def limits(self) -> str:
        """The filter as titles and sentences show it."""
        parts = [f"</{self.text}>"] if self.text else []
        parts += ["<faults>"] if self.faults_only else []
        parts += [f"<ns {self.namespace}>"] if self.namespace else []
        return " ".join(parts)

    def nothing_line(self) -> str:
        """Why no row is shown, and which key shows them again."""
        clear = "esc clears the filter" if self.is_clearable else "0 shows every namespace"
        return f"No rows match {self.limits()}. {clear}."
