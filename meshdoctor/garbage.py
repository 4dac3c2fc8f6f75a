"""When garbage is collected: rarely, where what is made stays until the end."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def collect_rarely() -> None:
    """Look for garbage after many more objects than Python does by itself.

    Collecting took a quarter of reading and 40 % of analyzing a mesh of 500 proxies
    (benchmarks/diagnose.py): snapshots are big, live long and hold hardly any cycles.
    """
    gc.set_threshold(100_000, 50, 1000)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect rarely while the block runs, and never look again at what it made."""
    before = gc.get_threshold()
    collect_rarely()
    try:
        yield
        gc.freeze()
    finally:
        gc.set_threshold(*before)
