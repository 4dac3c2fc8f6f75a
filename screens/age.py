"""Ages and sizes in a word: ``12s``, ``3m``, ``1.2 MB``."""

from __future__ import annotations

_UNITS = ((86400, "d"), (3600, "h"), (60, "m"))
_KILO = 1000


def age(seconds: float) -> str:
    """``12s``, ``3m``, ``2h`` or ``1d``; the largest unit that fits, rounded down."""
    whole = max(0, int(seconds))
    for size, unit in _UNITS:
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def size(number: int) -> str:
    """``640 B``, ``1.2 MB``: bytes as people and file managers count them, in thousands."""
    if number < _KILO:
        return f"{number} B"
    amount, units = number / _KILO, ["kB", "MB", "GB"]
    while amount >= _KILO and len(units) > 1:
        amount /= _KILO
        del units[0]
    return f"{amount:.1f} {units[0]}"
