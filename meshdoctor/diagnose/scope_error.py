"""What is said when a scope names something that is not there."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_NAMED = 3
_ALIKE = 0.6


class ScopeError(Exception):
    """The scope names something that is not there; the message is one line for the person."""


def near_matches(word: str, names: Iterable[str]) -> str:
    """The rest of a sentence that offers what looks like a word; empty where nothing does.

    Args:
        word: what a person wrote: ``name`` or ``name.namespace``.
        names: what there is, as ``name.namespace``.
    """
    known = sorted(set(names))
    first = word.partition(".")[0]
    found = [name for name in known if name.partition(".")[0] == first]
    found += get_close_matches(word, known, n=_MOST_NAMED, cutoff=_ALIKE)
    if "." not in word:
        heads = {name.partition(".")[0] for name in known}
        alike = get_close_matches(word, sorted(heads), n=_MOST_NAMED, cutoff=_ALIKE)
        found += [name for head in alike for name in known if name.partition(".")[0] == head]
    chosen = list(dict.fromkeys(found))[:_MOST_NAMED]
    return f"; did you mean {' or '.join(chosen)}?" if chosen else ""
