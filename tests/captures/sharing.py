"""What the tests over all captures share out, so that they end within minutes.

``MESHDOCTOR_THOROUGH=1`` has the patience for everything.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

T = TypeVar("T")


def is_thorough() -> bool:
    """Whether nothing is to be left out."""
    return bool(os.environ.get("MESHDOCTOR_THOROUGH"))


def one_in(number: int, items: Sequence[T], offset: int = 0) -> list[T]:
    """A share of them, the next share for the next offset; all when asked to be thorough."""
    return list(items) if is_thorough() else list(items[offset % number :: number])


def alternately(names: Iterable[str]) -> list[tuple[str, bool]]:
    """Each name with True or False in turn; with both when asked to be thorough."""
    ordered = sorted(names)
    if is_thorough():
        return [(name, value) for name in ordered for value in (True, False)]
    return [(name, index % 2 == 0) for index, name in enumerate(ordered)]
