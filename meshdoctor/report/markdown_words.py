"""Words that mean in Markdown what they mean without it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST = 120
_RUN_OF_TICKS = re.compile(r"`+")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")


def plain(text: str) -> str:
    """A text on one line that Markdown leaves as it is: no tags, no links, no code.

    Names hold dashes and dots, seldom what Markdown minds: escaping more would show in chats.
    """
    line = " ".join(text.split())
    return _TAG.sub("&lt;", line).replace("](", "] (").replace("`", "'")


def fenced(lines: Sequence[str], word: str) -> list[str]:
    """Lines as a code block whose fence is longer than any run of backticks in it."""
    longest = max((len(run) for line in lines for run in _RUN_OF_TICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{word}", *(line for item in lines for line in item.split("\n")), fence]


def shortened(text: str, most: int = _LONGEST) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
